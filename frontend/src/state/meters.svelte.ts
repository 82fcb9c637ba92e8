import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { MeterPoint, Range } from '../api/model'

export type Quantity = 'cpu' | 'memory' | 'diskRead' | 'diskWrite' | 'netIn' | 'netOut'
export const quantities: Quantity[] = ['cpu', 'memory', 'diskRead', 'diskWrite', 'netIn', 'netOut']

/** How much time a plot shows, in seconds, and in how many steps. */
export const spans = { m5: { seconds: 300, points: 300 }, h1: { seconds: 3600, points: 240 }, d1: { seconds: 86_400, points: 288 } } as const
export type Span = keyof typeof spans

const RETRY_MS = 3000
/** From how many seconds on clocks are taken to differ. */
const SKEW_S = 5

/** Joins the measurements of one step, each range by how many it stands for. */
export function join(a: MeterPoint, b: MeterPoint): MeterPoint {
  const samples = a.samples + b.samples
  const both = (x: Range | null, y: Range | null): Range | null => {
    if (!x || !y) return x ?? y
    return { min: Math.min(x.min, y.min), max: Math.max(x.max, y.max), avg: (x.avg * a.samples + y.avg * b.samples) / samples }
  }
  const out = { at: a.at, samples } as MeterPoint
  for (const q of quantities) out[q] = both(a[q], b[q])
  return out
}

/** The measurements of one machine over a span that ends now, while somebody looks at them. */
export class Series {
  /** By the begin of their step. */
  private readonly points = new Map<number, MeterPoint>()
  private version = $state(0)
  step = $state(1)
  /** End of the span, in seconds. */
  now = $state(Math.floor(Date.now() / 1000))
  loaded = $state(false)
  always = $state(false)
  error = $state.raw<UiError | null>(null)
  private stop = new AbortController()
  private timer: ReturnType<typeof setTimeout> | undefined
  /** What comes live until this second is in the history already. */
  private known = 0
  /** How far the host's clock is ahead of ours, in seconds. */
  private ahead = 0

  constructor(
    private readonly api: Pick<Api, 'history' | 'measured'>,
    private readonly host: string,
    private readonly machine: string,
    readonly span: Span,
  ) {}

  /** A step for each place of the plot, null where nothing was measured. */
  get steps(): Array<{ at: number; point: MeterPoint | null }> {
    void this.version
    const last = this.now - (this.now % this.step)
    const count = Math.ceil(spans[this.span].seconds / this.step)
    return Array.from({ length: count + 1 }, (_, i) => {
      const at = last - (count - i) * this.step
      return { at, point: this.points.get(at) ?? null }
    })
  }

  get empty(): boolean {
    void this.version
    return this.points.size === 0
  }

  /** Asks for the past and follows the present until end; a tab that is hidden does not look. */
  begin(): void {
    document.addEventListener('visibilitychange', this.turn)
    this.turn()
  }

  end(): void {
    document.removeEventListener('visibilitychange', this.turn)
    this.stop.abort()
    clearTimeout(this.timer)
  }

  private readonly turn = (): void => {
    this.stop.abort()
    clearTimeout(this.timer)
    if (document.visibilityState !== 'visible') return
    this.stop = new AbortController()
    void this.run(this.stop.signal)
  }

  again(): void {
    this.turn()
  }

  private async run(signal: AbortSignal): Promise<void> {
    try {
      await this.load(signal)
      for await (const p of this.api.measured(this.host, this.machine, signal)) {
        if (signal.aborted) return
        if (Math.abs(p.at - this.clock()) > SKEW_S) {
          this.ahead += p.at - this.clock()
          await this.load(signal)
        }
        this.take(p)
      }
      this.error = null
    } catch (thrown) {
      if (signal.aborted) return
      this.error = UiError.from(thrown)
    }
    // Whoever cannot answer at all is not asked again by itself.
    if (signal.aborted || this.error?.cause === 'unsupported' || this.error?.cause === 'not_found') return
    this.timer = setTimeout(() => void this.run(signal), RETRY_MS)
  }

  private clock(): number {
    return Math.floor(Date.now() / 1000) + this.ahead
  }

  private async load(signal: AbortSignal): Promise<void> {
    const now = this.clock()
    const { seconds, points } = spans[this.span]
    const h = await this.api.history(this.host, this.machine, (now + 1 - seconds) * 1000, (now + 1) * 1000, points)
    if (signal.aborted) return
    this.points.clear()
    for (const p of h.points) this.points.set(p.at, p)
    this.step = Math.max(1, h.stepSeconds)
    this.always = h.always
    this.now = now
    // Of a long step that is not over the history has what there was until now.
    this.known = h.stepSeconds > 1 ? now : (h.points.at(-1)?.at ?? 0)
    this.loaded = true
    this.error = null
    this.version++
  }

  private take(p: MeterPoint): void {
    this.error = null
    if (p.at <= this.known) return
    this.known = p.at
    const at = p.at - (p.at % this.step)
    const before = this.points.get(at)
    this.points.set(at, before ? join(before, { ...p, at }) : { ...p, at })
    this.now = Math.max(this.now, p.at)
    const oldest = this.now - spans[this.span].seconds - this.step
    for (const key of this.points.keys()) if (key < oldest) this.points.delete(key)
    this.version++
  }
}

/** What was measured of machines. Nothing is asked unless a Series of it is looked at. */
export class Meters {
  private readonly open = new Set<Series>()

  constructor(private readonly api: Pick<Api, 'history' | 'measured'>) {}

  /** A series that follows until close is called. */
  look(hostId: string, machine: string, span: Span): { series: Series; close: () => void } {
    const series = new Series(this.api, hostId, machine, span)
    this.open.add(series)
    series.begin()
    return {
      series,
      close: () => {
        series.end()
        this.open.delete(series)
      },
    }
  }

  /** Ends all that still follow. */
  close(): void {
    for (const series of this.open) series.end()
    this.open.clear()
  }
}
