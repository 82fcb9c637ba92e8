import type { Folder, Host } from '../api/model'
import type { Hosts } from './hosts.svelte'
import { Table } from './table.svelte'

/** The synced directories of every host. */
export class Folders extends Table<Folder> {
  constructor(private readonly hosts: Hosts) {
    super((f) => f.host + '/' + f.name)
  }

  of(host: Host): Folder[] {
    return this.all
      .filter((f) => this.hosts.find(f.host)?.id === host.id)
      .sort((a, b) => a.name.localeCompare(b.name))
  }
}
