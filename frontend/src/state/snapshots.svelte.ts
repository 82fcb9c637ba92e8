import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Snapshot } from '../api/model'

interface Known {
  list: Snapshot[] | null
  error: UiError | null
}

/**
 * The snapshots of machines that were looked at. They are asked for when a
 * machine's part is shown, when its state changes, and after each change that is
 * made here; of two answers the one to the later question counts.
 */
export class Snapshots {
  private readonly known = new SvelteMap<string, Known>()
  private readonly asked = new Map<string, number>()

  constructor(private readonly api: Pick<Api, 'snapshots'>) {}

  /** A null list without an error is on its way. */
  of(hostId: string, machine: string): Known {
    return this.known.get(hostId + '/' + machine) ?? { list: null, error: null }
  }

  async load(hostId: string, machine: string): Promise<void> {
    const key = hostId + '/' + machine
    const turn = (this.asked.get(key) ?? 0) + 1
    this.asked.set(key, turn)
    let answer: Known
    try {
      answer = { list: await this.api.snapshots(hostId, machine), error: null }
    } catch (thrown) {
      answer = { list: null, error: UiError.from(thrown) }
    }
    if (this.asked.get(key) === turn) this.known.set(key, answer)
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
