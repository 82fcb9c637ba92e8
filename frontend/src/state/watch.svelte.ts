import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Event } from '../api/model'

/** What takes the events of a stream. */
export interface Tables {
  begin(): void
  apply(event: Event): void
  ready(): void
}

export type WatchState = 'connecting' | 'live' | 'offline'

const BACKOFF_MS = [250, 500, 1000, 2000, 5000]

/** How long a page that nobody sees keeps its stream: who only looks at another tab finds it as it was. */
const HIDDEN_MS = 10_000

/**
 * One NodeService.Watch stream for as long as the page is looked at. It begins anew
 * with backoff when it ends, and at once when a sequence number is missing. What
 * comes at once is told at once, so that a thousand events draw the page one time.
 *
 * A page that is hidden, or left and kept for the way back, holds no stream: a browser
 * has six connections for one address, of all its tabs and of those that it keeps, and
 * whoever asks for a seventh waits.
 */
export class Watch {
  state = $state<WatchState>('connecting')
  /** The present state was complete at least once. */
  loaded = $state(false)
  error = $state.raw<UiError | null>(null)
  private stop = new AbortController()
  private attempt = 0
  private queue: Event[] = []
  /** Whether the present state is still on its way: it is told as a whole. */
  private arriving = true
  private soon: ReturnType<typeof setTimeout> | undefined
  private wake: (() => void) | null = null
  private stream = new AbortController()
  /** Nobody sees the page. */
  private resting = false
  private leaving: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly api: Pick<Api, 'watch'>,
    private readonly tables: Tables,
  ) {}

  /** Runs until close. */
  async run(): Promise<void> {
    document.addEventListener('visibilitychange', this.turn)
    window.addEventListener('pagehide', this.rest)
    window.addEventListener('pageshow', this.turn)
    this.turn()
    while (!this.stop.signal.aborted) {
      if (this.resting) {
        await new Promise<void>((resolve) => (this.wake = resolve))
        continue
      }
      const gap = await this.once()
      if (gap) continue
      if (this.stop.signal.aborted || this.error?.signedOut) return
      this.state = 'offline'
      await this.sleep(BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)]!)
    }
  }

  /** Does not wait for the backoff. */
  again(): void {
    this.wake?.()
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.turn)
    window.removeEventListener('pagehide', this.rest)
    window.removeEventListener('pageshow', this.turn)
    this.stop.abort()
    clearTimeout(this.soon)
    clearTimeout(this.leaving)
    this.wake?.()
  }

  private readonly turn = (): void => {
    clearTimeout(this.leaving)
    if (document.visibilityState !== 'visible') {
      this.leaving = setTimeout(this.rest, HIDDEN_MS)
      return
    }
    if (!this.resting) return
    this.resting = false
    this.wake?.()
  }

  private readonly rest = (): void => {
    clearTimeout(this.leaving)
    this.resting = true
    this.stream.abort()
  }

  /** Follows one stream to its end; true when an event was missing, or it was let go. */
  private async once(): Promise<boolean> {
    const mine = (this.stream = new AbortController())
    const end = () => mine.abort()
    this.stop.signal.addEventListener('abort', end, { once: true })
    let last = -1
    this.tables.begin()
    this.arriving = true
    try {
      for await (const event of this.api.watch(mine.signal)) {
        if (last >= 0 && event.seq !== last + 1) return true
        last = event.seq
        this.take(event)
      }
      if (mine.signal.aborted) return true
      this.error = null
    } catch (thrown) {
      if (mine.signal.aborted) return true
      this.error = UiError.from(thrown)
    } finally {
      this.stop.signal.removeEventListener('abort', end)
      mine.abort()
      this.flush()
    }
    return false
  }

  private take(event: Event): void {
    if (event.kind !== 'ready') {
      this.queue.push(event)
      if (!this.arriving) this.soon ??= setTimeout(() => this.flush())
      return
    }
    if (event.removed) return
    this.flush()
    this.arriving = false
    this.tables.ready()
    this.loaded = true
    this.state = 'live'
    this.error = null
    this.attempt = 0
  }

  private flush(): void {
    clearTimeout(this.soon)
    this.soon = undefined
    const events = this.queue
    this.queue = []
    for (const event of events) this.tables.apply(event)
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms)
      const wake = () => (clearTimeout(timer), done())
      this.wake = wake
      const self = () => (this.wake = null)
      function done() {
        self()
        resolve()
      }
    })
  }
}
