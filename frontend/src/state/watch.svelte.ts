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

/**
 * One NodeService.Watch stream for as long as the page is open. It begins anew
 * with backoff when it ends, and at once when a sequence number is missing. What
 * comes at once is told at once, so that a thousand events draw the page one time.
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

  constructor(
    private readonly api: Pick<Api, 'watch'>,
    private readonly tables: Tables,
  ) {}

  /** Runs until close. */
  async run(): Promise<void> {
    while (!this.stop.signal.aborted) {
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
    this.stop.abort()
    clearTimeout(this.soon)
    this.wake?.()
  }

  /** Follows one stream to its end; true when an event was missing. */
  private async once(): Promise<boolean> {
    const mine = new AbortController()
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
      this.error = null
    } catch (thrown) {
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
