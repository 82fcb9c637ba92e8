import type { Host, Screen } from '../api/model'
import type { Hosts } from './hosts.svelte'
import { Table } from './table.svelte'

/** The apps that run somewhere, each with a screen of its own. */
export class Screens extends Table<Screen> {
  constructor(private readonly hosts: Hosts) {
    super((s) => s.host + '/' + s.name)
  }

  of(host: Host): Screen[] {
    return this.all
      .filter((s) => s.kind === 'app' && this.hosts.find(s.host)?.id === host.id)
      .sort((a, b) => a.title.localeCompare(b.title))
  }

  find(host: string, name: string): Screen | undefined {
    const owner = this.hosts.find(host)
    return this.all.find((s) => s.name === name && owner !== undefined && this.hosts.find(s.host)?.id === owner.id)
  }
}
