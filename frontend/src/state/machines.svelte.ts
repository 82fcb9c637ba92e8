import type { Host, Machine } from '../api/model'
import type { Hosts } from './hosts.svelte'
import { Table } from './table.svelte'

const names = new Intl.Collator()

/** The machines of every host. Those of a host that is offline stay as last seen. */
export class Machines extends Table<Machine> {
  constructor(private readonly hosts: Hosts) {
    super(
      (m) => m.host + '/' + m.name,
      (m) => hosts.find(m.host)?.online === false,
    )
  }

  /** By the host's ID, sorted once for all who ask. */
  private readonly groups = $derived.by(() => {
    const groups = new Map<string, Machine[]>()
    const sorted = this.all.sort((a, b) => Number(b.kind === 'self') - Number(a.kind === 'self') || names.compare(a.name, b.name))
    for (const m of sorted) {
      const id = this.hostOf(m)?.id
      if (id === undefined) continue
      const group = groups.get(id)
      if (group) group.push(m)
      else groups.set(id, [m])
    }
    return groups
  })

  hostOf(m: Machine): Host | undefined {
    return this.hosts.find(m.host)
  }

  /** "self" first, then by name. */
  of(host: Host): Machine[] {
    return this.groups.get(host.id) ?? []
  }

  find(host: string, name: string): Machine | undefined {
    const owner = this.hosts.find(host)
    return owner && (this.get(owner.name + '/' + name) ?? this.get(owner.id + '/' + name))
  }

  /** Takes what a call gave before the watch tells of it. */
  meet(m: Machine): void {
    if (!this.find(m.host, m.name)) this.apply(m, false)
  }

  /** The same machine on another computer, after it moved; one that is still arriving does not count. */
  elsewhere(m: Machine): Machine | undefined {
    return m.uuid === '' ? undefined : this.all.find((x) => x.uuid === m.uuid && x.host !== m.host)
  }

  dropHost(host: Host): void {
    for (const m of this.all) if (m.host === host.id || m.host === host.name) this.apply(m, true)
  }
}
