import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Deed, Verdict } from '../api/trust'

/** How many records come with one question, and at most when all are exported. */
const PAGE = 200
const MOST = 1000
const RETRY_MS = 3000
/** How many of the newest are kept while nobody scrolls to them. */
const KEPT = 20_000

/** The audit log as it is looked at: the newest first, older ones as somebody scrolls to them. */
export class Deeds {
  /** Newest first; null until they are known. */
  list = $state.raw<Deed[] | null>(null)
  more = $state(false)
  /** The log is complete from there. */
  from = $state.raw<Date | null>(null)
  error = $state.raw<UiError | null>(null)
  loading = $state(false)
  verdict = $state.raw<Verdict | null>(null)
  verifying = $state(false)
  private of = ''
  private stop = new AbortController()
  private retry: ReturnType<typeof setTimeout> | undefined

  constructor(private readonly api: Pick<Api, 'deeds' | 'deedsAfter' | 'verifyDeeds'>) {}

  /** Shows what one computer did, "" for all, and follows it until the returned function is called. */
  look(of: string): () => void {
    this.of = of
    document.addEventListener('visibilitychange', this.turn)
    this.begin()
    return () => {
      document.removeEventListener('visibilitychange', this.turn)
      this.rest()
    }
  }

  again(): void {
    this.begin()
  }

  private rest(): void {
    this.stop.abort()
    clearTimeout(this.retry)
  }

  private readonly turn = (): void => {
    this.rest()
    if (document.visibilityState === 'visible') this.begin()
  }

  private begin(): void {
    this.rest()
    this.stop = new AbortController()
    void this.run(this.stop.signal)
  }

  private async run(signal: AbortSignal): Promise<void> {
    try {
      const { records, more, from } = await this.api.deeds(this.of, 0, PAGE)
      if (signal.aborted) return
      this.list = records.toReversed()
      this.more = more
      this.from = from
      this.error = null
      let soon: Deed[] = []
      const flush = () => {
        const all = [...soon.reverse(), ...(this.list ?? [])]
        this.more ||= all.length > KEPT
        this.list = all.slice(0, KEPT)
        soon = []
      }
      for await (const deed of this.api.deedsAfter(this.of, records.at(-1)?.seq ?? 0, signal)) {
        if (signal.aborted) return
        // Of many at once the list is drawn once.
        if (soon.push(deed) === 1) setTimeout(() => !signal.aborted && flush())
      }
    } catch (thrown) {
      if (signal.aborted) return
      this.error = UiError.from(thrown)
    }
    if (signal.aborted || this.error?.final) return
    this.retry = setTimeout(() => void this.run(signal), RETRY_MS)
  }

  /** Older ones, below those that are known: more at once where most of them are filtered out. */
  async older(filtered = false): Promise<void> {
    const last = this.list?.at(-1)
    if (!last || !this.more || this.loading) return
    const { signal } = this.stop
    this.loading = true
    try {
      const { records, more } = await this.api.deeds(this.of, last.seq, filtered ? MOST : PAGE)
      if (signal.aborted) return
      this.list = [...(this.list ?? []), ...records.reverse()]
      this.more = more
    } catch (thrown) {
      if (!signal.aborted) this.error = UiError.from(thrown)
    } finally {
      this.loading = false
    }
  }

  async verify(): Promise<void> {
    this.verifying = true
    try {
      this.verdict = await this.api.verifyDeeds()
    } catch (thrown) {
      this.error = UiError.from(thrown)
    } finally {
      this.verifying = false
    }
  }

  /** The whole log, or what one computer did, as JSON lines, oldest first. */
  async export(): Promise<string[]> {
    const pages: string[] = []
    for (let before = 0, more = true; more; ) {
      const answer = await this.api.deeds(this.of, before, MOST)
      pages.push(answer.records.map((r) => JSON.stringify(r) + '\n').join(''))
      before = answer.records[0]?.seq ?? 0
      more = answer.more && before > 0
    }
    return pages.reverse()
  }
}
