import { UiError } from '../api/error'
import type { Carrier, Listener } from '../mirror/carrier'
import { input, parseHost, size, type HostMessage } from './wire'

/** Which terminal to open; the size is in characters. */
export interface TerminalTarget {
  host: string
  machine: string
  columns: number
  rows: number
  term: string
}

export type OpenTerminal = (target: TerminalTarget, to: Listener, signal: AbortSignal) => Promise<Carrier>

/** What shows the terminal. */
export interface Paper {
  readonly columns: number
  readonly rows: number
  write(bytes: Uint8Array): void
  /** Something the page says itself, on a line of its own. */
  note(text: string): void
  /** Begins anew: what the host sends next is the backlog. */
  reset(): void
}

export type TerminalState = 'connecting' | 'live' | 'offline' | 'ended' | 'failed'

const BACKOFF_MS = [300, 700, 1500, 3000, 5000, 10_000]
/** A person who pastes more than this waits for the connection. */
const MAX_UNSENT = 1 << 20

/**
 * One view of one terminal, for as long as the page shows it. A serial console
 * whose connection is lost is opened again with backoff, and its backlog shown
 * anew; a shell is not, for it ended with its connection.
 */
export class TerminalSession {
  state = $state<TerminalState>('connecting')
  viewOnly = $state(false)
  /** Why it failed. */
  error = $state.raw<UiError | null>(null)
  /** The host's word for an orderly end. */
  reason = $state('')

  private carrier: Carrier | null = null
  private stop = new AbortController()
  private attempt = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private generation = 0

  constructor(
    private readonly target: { host: string; machine: string },
    private readonly open: OpenTerminal,
    private readonly paper: Paper,
    private readonly skipped: (bytes: number) => string,
  ) {
    void this.connect()
  }

  /** Types; dropped unless the view is live and may control. */
  type(bytes: Uint8Array): void {
    if (!this.carrier || this.state !== 'live' || this.viewOnly || this.carrier.unsent > MAX_UNSENT) return
    for (const message of input(bytes)) this.carrier.send(message)
  }

  resize(columns: number, rows: number): void {
    this.carrier?.send(size(columns, rows))
  }

  /** Opens it anew: after its end, or at once when it waits. */
  again(): void {
    if (this.state === 'live' || this.state === 'connecting' || this.stop.signal.aborted) return
    this.attempt = 0
    this.state = 'connecting'
    void this.connect()
  }

  close(): void {
    this.stop.abort()
    this.drop()
  }

  private drop(): void {
    clearTimeout(this.retry)
    this.generation++
    this.carrier?.close()
    this.carrier = null
  }

  private async connect(): Promise<void> {
    this.drop()
    const mine = this.generation
    const now = () => mine === this.generation && !this.stop.signal.aborted
    const { columns, rows } = this.paper
    try {
      const carrier = await this.open(
        { ...this.target, columns, rows, term: 'xterm-256color' },
        {
          message: (m) => now() && this.take(m),
          ended: (error) => now() && this.lost(error),
        },
        this.stop.signal,
      )
      if (now()) this.carrier = carrier
      else carrier.close()
    } catch (thrown) {
      if (now()) this.lost(UiError.from(thrown))
    }
  }

  private take(bytes: Uint8Array): void {
    let said: HostMessage
    try {
      said = parseHost(bytes)
    } catch (thrown) {
      return this.fail(UiError.from(thrown))
    }
    switch (said.kind) {
      case 'hello':
        this.paper.reset()
        this.attempt = 0
        this.viewOnly = said.viewOnly
        this.error = null
        this.state = 'live'
        this.resize(this.paper.columns, this.paper.rows)
        break
      case 'data':
        this.paper.write(said.bytes)
        break
      case 'skipped':
        this.paper.note(this.skipped(said.bytes))
        break
      case 'closed':
        if (said.reason === 'ended') {
          this.drop()
          this.reason = said.text
          this.state = 'ended'
        } else {
          this.fail(new UiError({ cause: said.reason === 'revoked' ? 'permission' : '', detail: said.text, hint: said.hint }))
        }
    }
  }

  private fail(error: UiError): void {
    this.drop()
    this.error = error
    this.state = 'failed'
  }

  /** The connection is gone without a word of the host, or could not be opened. */
  private lost(error: UiError | null): void {
    const shell = this.target.machine === 'self'
    if (error?.final || (error && error.cause === '' && error.detail)) return this.fail(error)
    if (shell && this.state === 'live') return this.fail(error ?? new UiError({ cause: 'offline' }))
    this.drop()
    this.error = error
    this.state = 'offline'
    const wait = BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)]!
    this.retry = setTimeout(() => void this.connect(), wait)
  }
}
