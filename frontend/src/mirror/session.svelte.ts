import { UiError } from '../api/error'
import type { Carrier, Open, Target, Transport } from './carrier'
import { Decoder, type Cursor, type Update } from './decoder'
import { abilities, WebFilm, type Film } from './film'
import type { Picture } from './picture'
import { Assembler, parseHost, say, WireError, type HostMessage } from './wire'

export type ViewState = 'connecting' | 'live' | 'offline' | 'closed'

/** Where pictures go; drawn before the frame is acknowledged. */
export interface Glass {
  size(width: number, height: number): void
  draw(picture: Picture, update: Update): void
  cursor(cursor: Cursor): void
}

const PING_MS = 2000
/** Nothing heard for this long after a ping: the connection is dead. */
const SILENT_MS = 7000
/** So many frames may wait for a video before them; a host sends at most two. */
const MAX_WAITING = 8
/** A video that is not heard of for so long is over. */
const VIDEO_MS = 1000
const BACKOFF_MS = [300, 700, 1500, 3000, 5000, 10_000]

/**
 * One view of one screen, for as long as the page shows it. It opens the
 * carrier (WebRTC first, the WebSocket after a failure), draws and acknowledges
 * frames, and opens anew with backoff when the connection is lost; meanwhile the
 * glass keeps the last picture. close ends it for good.
 */
export class Session {
  state = $state<ViewState>('connecting')
  transport = $state<Transport>('websocket')
  title = $state('')
  viewOnly = $state(false)
  width = $state(0)
  height = $state(0)
  /** Why it is closed or offline, when known. */
  error = $state.raw<UiError | null>(null)
  frame = $state(0)
  latencyMs = $state<number | null>(null)
  lastFrameAt = $state(0)
  bytes = $state(0)
  /** What is video at present. */
  video = $state.raw<Update['video']>(null)
  /** Takes what the host says about the clipboard; null when the view opens. */
  onClip: (m: HostMessage | null) => void = () => {}

  private carrier: Carrier | null = null
  private stop = new AbortController()
  private decoder = new Decoder()
  private assembler = new Assembler()
  private film: Film | null = null
  private filmBroken = false
  private playing = false
  private waiting: { seq: number; frame: Uint8Array }[] = []
  private videoAt = 0
  private attempt = 0
  private retry: ReturnType<typeof setTimeout> | undefined
  private beat: ReturnType<typeof setInterval> | undefined
  private heard = 0
  private pings = 0n
  private pingAt = new Map<bigint, number>()
  private generation = 0

  constructor(
    private readonly target: Target,
    private readonly open: Open,
    private readonly glass: Glass,
    private prefer: Transport,
  ) {
    void this.connect()
  }

  /** Sends a message of the viewer; dropped unless the view is live. */
  send(message: Uint8Array<ArrayBuffer>): void {
    this.carrier?.send(message)
  }

  /** Pointer moves may be dropped when the connection does not keep up. */
  sendMove(x: number, y: number): void {
    if (this.carrier && this.carrier.unsent < 64 << 10) this.carrier.send(say.pointer(x, y))
  }

  /** Tries again now: after an error, or when the host came back. */
  again(): void {
    if (this.state === 'live' || this.stop.signal.aborted) return
    this.attempt = 0
    void this.connect()
  }

  close(): void {
    this.stop.abort()
    this.drop()
    this.state = 'closed'
  }

  private async connect(): Promise<void> {
    this.drop()
    const mine = ++this.generation
    if (this.state !== 'offline') this.state = 'connecting'
    this.film = this.filmBroken || typeof VideoDecoder === 'undefined' ? null : new WebFilm()
    this.decoder = new Decoder(this.film)
    this.assembler = new Assembler()
    const transport = this.prefer
    try {
      const carrier = await this.open(
        this.target,
        transport,
        {
          message: (bytes) => mine === this.generation && this.take(bytes),
          ended: (error) => mine === this.generation && this.lost(error),
        },
        this.stop.signal,
      )
      if (mine !== this.generation || this.stop.signal.aborted) return carrier.close()
      this.carrier = carrier
      this.transport = transport
      this.heard = Date.now()
      this.beat = setInterval(() => this.ping(), PING_MS)
    } catch (error) {
      if (mine === this.generation && !this.stop.signal.aborted) this.refused(UiError.from(error), transport)
    }
  }

  /** A carrier did not open: try the other one at once, or wait. */
  private refused(error: UiError, transport: Transport): void {
    if (error.final) return this.end(error)
    if (transport === 'webrtc') {
      this.prefer = 'websocket'
      return void this.connect()
    }
    this.lost(error)
  }

  private lost(error: UiError | null): void {
    this.drop()
    if (error?.final) return this.end(error)
    this.error = error
    this.state = 'offline'
    const wait = BACKOFF_MS[Math.min(this.attempt++, BACKOFF_MS.length - 1)]!
    this.retry = setTimeout(() => void this.connect(), wait * (0.8 + Math.random() * 0.4))
  }

  private end(error: UiError | null): void {
    this.drop()
    this.error = error
    this.state = 'closed'
  }

  private drop(): void {
    this.generation++
    clearTimeout(this.retry)
    clearInterval(this.beat)
    this.carrier?.close()
    this.carrier = null
    this.film?.close()
    this.film = null
    this.playing = false
    this.waiting = []
    this.pingAt.clear()
    this.latencyMs = null
  }

  private ping(): void {
    if (Date.now() - this.heard > SILENT_MS) return this.lost(null)
    const id = ++this.pings
    this.pingAt.set(id, performance.now())
    this.send(say.ping(id))
  }

  private take(bytes: Uint8Array): void {
    this.heard = Date.now()
    this.bytes += bytes.length
    try {
      this.read(bytes)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.broken(error)
    }
  }

  private read(bytes: Uint8Array): void {
    const m = parseHost(bytes)
    switch (m?.type) {
      case 'hello':
        this.title = m.title
        this.viewOnly = m.viewOnly
        if (this.width !== m.width || this.height !== m.height) this.resize(m.width, m.height)
        this.error = null
        this.onClip(null)
        void this.sayAble()
        break
      case 'part': {
        const frame = this.assembler.add(m)
        if (frame) this.show(m.seq, frame)
        break
      }
      case 'title':
        this.title = m.title
        break
      case 'closed':
        this.end(closedError(m.reason, m.text, this.target.screen))
        break
      case 'pong':
        this.pong(m.id)
        break
      case 'clipOffer':
      case 'clipWant':
      case 'clipData':
        this.onClip(m)
    }
  }

  /** Says that this page takes video, if it does. */
  private async sayAble(): Promise<void> {
    const mine = this.generation
    const flags = this.film ? await abilities() : 0
    if (flags !== 0 && mine === this.generation) this.send(say.able(flags))
  }

  /** Shows a frame; one with video takes time, and those after it wait. */
  private show(seq: number, frame: Uint8Array): void {
    if (this.playing) {
      if (this.waiting.length >= MAX_WAITING) throw new WireError('too many frames')
      this.waiting.push({ seq, frame })
      return
    }
    const update = this.decoder.decode(frame)
    if (!(update instanceof Promise)) return this.shown(seq, update)
    this.playing = true
    void this.play(seq, update)
  }

  private async play(seq: number, coming: Promise<Update>): Promise<void> {
    const mine = this.generation
    try {
      const update = await coming
      if (mine !== this.generation) return
      this.playing = false
      this.shown(seq, update)
      while (!this.playing && this.waiting.length > 0) {
        const next = this.waiting.shift()!
        this.show(next.seq, next.frame)
      }
    } catch (error) {
      if (mine !== this.generation) return
      if (error instanceof WireError) return this.broken(error)
      this.filmBroken = true // this browser says more than it can: go on with tiles
      this.lost(null)
    }
  }

  private shown(seq: number, update: Update): void {
    const picture = this.decoder.picture!
    if (update.resized) this.resize(picture.width, picture.height)
    this.glass.draw(picture, update)
    if (update.cursor) this.glass.cursor(update.cursor)
    this.send(say.ack(seq))
    this.frame = seq
    this.lastFrameAt = Date.now()
    if (update.video) this.videoAt = this.lastFrameAt
    if (update.video || this.lastFrameAt - this.videoAt > VIDEO_MS) this.video = update.video
    this.state = 'live'
    this.attempt = 0
  }

  /** The host said what breaks docs/wire.md. */
  private broken(error: WireError): void {
    this.end(new UiError({ op: 'screen', path: this.target.screen, cause: 'invalid', detail: error.message }))
  }

  private resize(width: number, height: number): void {
    this.width = width
    this.height = height
    this.glass.size(width, height)
  }

  private pong(id: bigint): void {
    const sent = this.pingAt.get(id)
    if (sent !== undefined) this.latencyMs = performance.now() - sent
    this.pingAt.clear()
  }
}

function closedError(reason: 'ended' | 'revoked' | 'failed', text: string, path: string): UiError | null {
  if (reason === 'ended') return null
  return new UiError({ op: 'screen', path, cause: reason === 'revoked' ? 'permission' : '', detail: text })
}
