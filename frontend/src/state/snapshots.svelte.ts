import type { Api } from '../api/api'
import type { Snapshot } from '../api/model'
import { Asked, asList, type KnownList } from './asked.svelte'

/**
 * The snapshots of machines that were looked at. They are asked for when a
 * machine's part is shown, when its state changes, and after each change that is
 * made here.
 */
export class Snapshots {
  private readonly asked: Asked<Snapshot[]>

  constructor(api: Pick<Api, 'snapshots'>) {
    this.asked = new Asked((host, machine) => api.snapshots(host!, machine!))
  }

  /** A null list without an error is on its way. */
  of(hostId: string, machine: string): KnownList<Snapshot[]> {
    return asList(this.asked.of(hostId, machine))
  }

  load(hostId: string, machine: string): Promise<void> {
    return this.asked.load(hostId, machine)
  }
}

/** A snapshot's place in the drawing: a row each, lanes from the left. */
export interface Place {
  snapshot: Snapshot
  lane: number
  /** The row of its parent, -1 for a root. */
  parent: number
}

/**
 * Lays a list out, parents before their children. The last child goes on in its
 * parent's lane, so that a chain is a straight line; the others branch off to
 * the right of it.
 */
export function places(list: Snapshot[]): Place[] {
  const rows = new Map(list.map((s, row) => [s.name, row]))
  const last = new Map<string, string>()
  for (const s of list) last.set(s.parent, s.name)
  const out: Place[] = []
  list.forEach((snapshot, row) => {
    const above = rows.get(snapshot.parent) ?? -1
    const parent = above < row ? above : -1
    const lane = parent < 0 ? 0 : out[parent]!.lane + (last.get(snapshot.parent) === snapshot.name ? 0 : 1)
    out.push({ snapshot, lane, parent })
  })
  return out
}
