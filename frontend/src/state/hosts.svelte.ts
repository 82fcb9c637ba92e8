import type { Host } from '../api/model'
import { Table } from './table.svelte'

/** The computers this node knows, "this computer" first, then by name. */
export class Hosts extends Table<Host> {
  constructor() {
    super((h) => h.id)
  }

  list = $derived(
    this.all.sort((a, b) => Number(b.local) - Number(a.local) || a.name.localeCompare(b.name)),
  )
  local = $derived(this.all.find((h) => h.local))
  /** The first of each name. */
  private named = $derived(new Map(this.all.reverse().map((h) => [h.name, h])))

  /** By ID or name; empty is this computer. */
  find(ref: string): Host | undefined {
    return ref === '' ? this.local : (this.get(ref) ?? this.named.get(ref))
  }
}
