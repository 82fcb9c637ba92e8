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
/** How long the rest of what a machine wrote may take to come from where it was. */
const REST_MS = 5000

/**
 * One view of one terminal, for as long as the page shows it. A serial console
 * whose connection is lost is opened again with backoff, and its backlog shown
 * anew; a shell is not, for it ended with its connection. A console goes along with
 * its machine: what it writes on the other computer comes behind what is shown.
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
  /** Where its machine is by now. */
  private next: { host: string; machine: string } | null = null
  private rest: ReturnType<typeof setTimeout> | undefined
  /** What comes next goes on where what is shown ends. */
  private goesOn = false

  constructor(
    private target: { host: string; machine: string },
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

  /** Its machine moved. What it wrote where it was is shown first. */
  follow(target: { host: string; machine: string }): void {
    if (target.host === (this.next ?? this.target).host) {
      if (!this.next) this.target = target // it may have another name
      return
    }
    this.next = target
    clearTimeout(this.rest)
    if (this.state !== 'live') return this.goOn()
    this.rest = setTimeout(() => this.goOn(), REST_MS)
  }

  private goOn(): void {
    if (!this.next || this.stop.signal.aborted) return
    clearTimeout(this.rest)
    this.target = this.next
    this.next = null
    this.goesOn = true
    this.attempt = 0
    this.error = null
    this.state = 'connecting'
    void this.connect()
  }

  close(): void {
    clearTimeout(this.rest)
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
        if (!this.goesOn) this.paper.reset()
        this.goesOn = false
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
        if (this.next) this.goOn()
        else if (said.reason === 'ended') {
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
    if (this.next) return this.goOn()
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
