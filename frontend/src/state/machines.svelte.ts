import type { Host, Machine } from '../api/model'
import type { Hosts } from './hosts.svelte'
import { Table } from './table.svelte'

/** The machines of every host. Those of a host that is offline stay as last seen. */
export class Machines extends Table<Machine> {
  constructor(private readonly hosts: Hosts) {
    super(
      (m) => m.host + '/' + m.name,
      (m) => hosts.find(m.host)?.online === false,
    )
  }

  hostOf(m: Machine): Host | undefined {
    return this.hosts.find(m.host)
  }

  /** "self" first, then by name. */
  of(host: Host): Machine[] {
    return this.all
      .filter((m) => this.hostOf(m)?.id === host.id)
      .sort((a, b) => Number(b.kind === 'self') - Number(a.kind === 'self') || a.name.localeCompare(b.name))
  }

  find(host: string, name: string): Machine | undefined {
    const owner = this.hosts.find(host)
    return this.all.find((m) => m.name === name && owner !== undefined && this.hostOf(m)?.id === owner.id)
  }

  /** The same machine on another computer, after it moved; one that is still arriving does not count. */
  elsewhere(m: Machine): Machine | undefined {
    return m.uuid === '' ? undefined : this.all.find((x) => x.uuid === m.uuid && x.host !== m.host)
  }

  dropHost(host: Host): void {
    for (const m of this.all) if (m.host === host.id || m.host === host.name) this.apply(m, true)
  }
}
