import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Stats as Sample } from '../api/model'

/** One moment of a machine, as rates; null where it is not known (a gap). */
export interface Point {
  /** seconds since 1970 */
  at: number
  /** share of all its CPUs, 0 to 1 */
  cpu: number | null
  memoryBytes: number | null
  /** bytes a second */
  read: number | null
  write: number | null
  netIn: number | null
  netOut: number | null
  load: number | null
}

/** As many as a card draws. */
const KEEP = 40
/** Samples further apart than this many seconds have a gap between them. */
const GAP_S = 20

/** Turns two samples of counters into rates; a counter that fell (restart) is a gap. */
export function rates(before: Sample | undefined, now: Sample): Point {
  const seconds = before ? (now.time - before.time) / 1000 : 0
  const rate = (key: 'diskReadBytes' | 'diskWriteBytes' | 'netInBytes' | 'netOutBytes' | 'cpuSeconds') => {
    if (!before || seconds <= 0 || seconds > GAP_S || now[key] < before[key]) return null
    return (now[key] - before[key]) / seconds
  }
  const cpu = rate('cpuSeconds')
  return {
    at: now.time / 1000,
    cpu: cpu === null ? null : Math.min(1, cpu / Math.max(1, now.cpus)),
    memoryBytes: now.memoryUsedBytes || null,
    read: rate('diskReadBytes'),
    write: rate('diskWriteBytes'),
    netIn: rate('netInBytes'),
    netOut: rate('netOutBytes'),
    load: now.load || null,
  }
}

/** How a host is followed: by how many and how often, and when it was asked last. */
interface Pace {
  paces: number[]
  timer: ReturnType<typeof setTimeout> | undefined
  asked: number
  busy: boolean
}

/**
 * Samples of the running machines of the hosts that someone looks at. follow
 * starts the polling of a host and returns the way to end it; the fastest
 * follower sets the pace, however many there are, and one call is under way at
 * most.
 */
export class Stats {
  private readonly points = new SvelteMap<string, Point[]>()
  private readonly last = new Map<string, Sample>()
  private readonly hosts = new Map<string, Pace>()
  private closed = false
  readonly errors = new SvelteMap<string, UiError>()

  constructor(private readonly api: Pick<Api, 'stats'>) {}

  /** Newest last. */
  of(hostId: string, name: string): Point[] {
    return this.points.get(hostId + '/' + name) ?? []
  }

  follow(hostId: string, everyMs: number): () => void {
    let p = this.hosts.get(hostId)
    if (!p) this.hosts.set(hostId, (p = { paces: [], timer: undefined, asked: -Infinity, busy: false }))
    p.paces.push(everyMs)
    if (everyMs <= Math.min(...p.paces)) this.plan(hostId, p)
    return () => {
      p.paces.splice(p.paces.indexOf(everyMs), 1)
      if (p.paces.length === 0) clearTimeout(p.timer)
    }
  }

  /** Ends all polling, for good. */
  close(): void {
    this.closed = true
    for (const p of this.hosts.values()) clearTimeout(p.timer)
  }

  private plan(hostId: string, p: Pace): void {
    clearTimeout(p.timer)
    if (p.busy || p.paces.length === 0 || this.closed) return
    p.timer = setTimeout(() => void this.poll(hostId, p), Math.max(0, p.asked + Math.min(...p.paces) - performance.now()))
  }

  private async poll(hostId: string, p: Pace): Promise<void> {
    p.asked = performance.now()
    p.busy = true
    try {
      if (document.visibilityState === 'visible') this.add(hostId, await this.api.stats(hostId))
      this.errors.delete(hostId)
    } catch (thrown) {
      this.errors.set(hostId, UiError.from(thrown))
    }
    p.busy = false
    this.plan(hostId, p)
  }

  private add(hostId: string, samples: Sample[]): void {
    for (const sample of samples) {
      const key = hostId + '/' + sample.name
      const before = this.last.get(key)
      if (before && sample.time <= before.time) continue
      this.last.set(key, sample)
      this.points.set(key, [...(this.points.get(key) ?? []).slice(1 - KEEP), rates(before, sample)])
    }
  }
}
