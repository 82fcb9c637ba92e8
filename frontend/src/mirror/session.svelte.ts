import { UiError } from '../api/error'
import type { Carrier, Open, Target, Transport } from './carrier'
import type { Update } from './decoder'
import { abilities } from './film'
import { Player, type Glass } from './player'
import { Typist } from './typist'
import { Windows } from './windows.svelte'
import { parseHost, say, WireError, type HostMessage } from './wire'

export type { Glass } from './player'
export type ViewState = 'connecting' | 'live' | 'offline' | 'closed'

const PING_MS = 2000
/** Nothing heard for this long after a ping: the connection is dead. */
const SILENT_MS = 7000
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
  /** The screen takes how far a mouse moved, and not where it is. */
  relative = $state(false)
  width = $state(0)
  height = $state(0)
  /** Why it is closed or offline, when known. */
  error = $state.raw<UiError | null>(null)
  /** The newest frame's number; of windows, how many frames there were. */
  frame = $state(0)
  latencyMs = $state<number | null>(null)
  lastFrameAt = $state(0)
  bytes = $state(0)
  /** What is video at present. */
  video = $state.raw<Update['video']>(null)
  /** The windows of an app, where the host shows them one by one. */
  windows = $state.raw<Windows | null>(null)
  /** Takes what the host says about the clipboard and files; null when the view opens. */
  onClip: (m: HostMessage | null) => void = () => {}
  /** Is told what the host cannot type. */
  onUntyped: (text: string) => void = () => {}
  /** Takes what the host says of sound; null when the view opens. */
  onSound: (m: HostMessage | null) => void = () => {}

  private carrier: Carrier | null = null
  private stop = new AbortController()
  private player: Player | null = null
  private filmBroken = false
  private videoAt = 0
  private readonly typist = new Typist((text) => this.sayText(text))
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
    if (this.keepsUp) this.send(say.pointer(x, y))
  }

  /** As a pointer's move, but what is not sent is to come later. */
  sendMotion(dx: number, dy: number): boolean {
    if (this.keepsUp) this.send(say.motion(dx, dy))
    return this.keepsUp
  }

  get keepsUp(): boolean {
    return this.carrier !== null && this.carrier.unsent < 64 << 10
  }

  /** Has a text typed by the host. False when it is too long. */
  type(text: string): boolean {
    return this.carrier === null || this.typist.type(text)
  }

  /** Tries again now: after an error, or when the host came back. */
  again(): void {
    if (this.state === 'live' || this.stop.signal.aborted) return
    this.attempt = 0
    void this.connect()
  }

  close(): void {
    this.windows?.leave()
    this.stop.abort()
    this.drop()
    this.windows?.close()
    this.state = 'closed'
  }

  private async connect(): Promise<void> {
    this.drop()
    const mine = ++this.generation
    if (this.state !== 'offline') this.state = 'connecting'
    this.player = new Player(this.glass, this.audience(mine), this.films)
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
    this.player?.close()
    this.player = null
    this.windows?.lost()
    this.typist.reset()
    this.pingAt.clear()
    this.latencyMs = null
  }

  private ping(): void {
    if (Date.now() - this.heard > SILENT_MS) return this.lost(null)
    this.sayPing()
  }

  private sayPing(): bigint {
    const id = ++this.pings
    this.pingAt.set(id, performance.now())
    this.send(say.ping(id))
    return id
  }

  private sayText(text: string): bigint {
    if (this.windows) this.windows.keys(say.text(text))
    else this.send(say.text(text))
    return this.sayPing()
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
        this.greeted(m)
        break
      case 'part':
        if (this.windows) this.windows.part(m)
        else this.player?.part(m)
        break
      case 'title':
        this.title = m.title
        break
      case 'pointing':
        this.relative = m.relative
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
      case 'fileTake':
      case 'fileEntry':
      case 'filePiece':
      case 'fileNews':
        this.onClip(m)
        break
      case 'untyped':
        this.onUntyped(m.text)
        break
      case 'on':
      case 'window':
      case 'gone':
      case 'icon':
        this.windows?.take(m)
        break
      case 'sound':
      case 'listening':
      case 'speaking':
        this.onSound(m)
    }
  }

  private greeted(m: HostMessage & { type: 'hello' }): void {
    this.title = m.title
    this.viewOnly = m.viewOnly
    this.relative = false
    this.error = null
    if (m.windows) {
      this.windows ??= new Windows(this)
      this.windows.begin(this.audience(this.generation), this.films)
      this.lives()
    } else if (this.width !== m.width || this.height !== m.height) {
      this.resize(m.width, m.height)
      this.glass.size(m.width, m.height)
    }
    this.onClip(null)
    this.onSound(null)
    void this.sayAble()
  }

  /** Whether this page takes video. */
  private get films(): boolean {
    return !this.filmBroken && typeof VideoDecoder !== 'undefined'
  }

  /** Says that this page takes video, if it does. */
  private async sayAble(): Promise<void> {
    const mine = this.generation
    const flags = this.films ? await abilities() : 0
    if (flags !== 0 && mine === this.generation) this.send(say.able(flags))
  }

  private audience(mine: number) {
    return {
      shown: (seq: number, update: Update) => {
        const picture = this.player?.picture
        if (!this.windows && picture && update.resized) this.resize(picture.width, picture.height)
        if (!this.windows) this.send(say.ack(seq))
        this.shown(this.windows ? this.frame + 1 : seq, update)
      },
      failed: (error: unknown) => {
        if (mine !== this.generation) return
        if (error instanceof WireError) return this.broken(error)
        this.filmBroken = true // this browser says more than it can: go on with tiles
        this.lost(null)
      },
    }
  }

  private shown(frame: number, update: Update): void {
    this.frame = frame
    this.lastFrameAt = Date.now()
    if (update.video) this.videoAt = this.lastFrameAt
    if (update.video || this.lastFrameAt - this.videoAt > VIDEO_MS) this.video = update.video
    this.lives()
  }

  private lives(): void {
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
  }

  private pong(id: bigint): void {
    const sent = this.pingAt.get(id)
    if (sent !== undefined) this.latencyMs = performance.now() - sent
    for (const old of this.pingAt.keys()) if (old <= id) this.pingAt.delete(old)
    this.typist.pong(id)
  }
}

function closedError(reason: 'ended' | 'revoked' | 'failed', text: string, path: string): UiError | null {
  if (reason === 'ended') return null
  const [detail, hint] = text.split('\n')
  return new UiError({ op: 'screen', path, cause: reason === 'revoked' ? 'permission' : '', detail, hint })
}
