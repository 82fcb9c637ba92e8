import { CanvasGlass } from './glass'
import { STREAM_WINDOW, type Memory } from './memory'
import { Player, type Audience } from './player'
import type { Picture } from './picture'
import type { Cursor, Update } from './decoder'
import { DIALOG, POPUP, type Told } from './wirewindows'

/** How long a place that the person chose stands against what the host says. */
const PATIENCE_MS = 3000
/** How a PNG begins. */
const PNG = [0x89, 0x50, 0x4e, 0x47]

/** One window of an app: what the host says of it, and its picture on a canvas of its own. */
export class Pane {
  told = $state.raw<Told>()!
  /** A data URL, or nothing. */
  icon = $state('')
  /** Pixels of the picture; 0 before the first frame. */
  width = $state(0)
  height = $state(0)
  /** Where the person moved it, until the host has it there. */
  moved = $state.raw<{ x: number; y: number } | null>(null)
  /** The view was opened anew, and the host has not told of it there. */
  stale = $state(false)
  /** The person closed it, and its app has not yet. */
  closing = false
  /** This page asked for it to be maximized. */
  filled = false
  readonly canvas = document.createElement('canvas')
  private readonly glass = new CanvasGlass(this.canvas)
  private player: Player | null = null
  private movedTimer: ReturnType<typeof setTimeout> | undefined

  constructor(
    told: Told,
    private readonly memory: Memory,
  ) {
    this.told = told
    this.canvas.width = this.canvas.height = 0
  }

  get id(): number {
    return this.told.id
  }
  is(flag: number): boolean {
    return (this.told.flags & flag) !== 0
  }
  /** Whether it has one size only, in some direction. */
  get fixed(): boolean {
    const { minWidth, maxWidth, minHeight, maxHeight } = this.told
    return (maxWidth > 0 && maxWidth <= minWidth) || (maxHeight > 0 && maxHeight <= minHeight)
  }
  /** Whether it is to fill the area when it stands alone in its tab. */
  get fills(): boolean {
    return !this.fixed && !this.is(POPUP | DIALOG)
  }

  /** Begins a picture anew; what was shown stays until its first frame. */
  begin(audience: Audience, video: boolean): void {
    this.player?.close()
    this.stale = false
    const to: Audience = { shown: (seq, update) => this.shown(seq, update, audience), failed: (e) => audience.failed(e) }
    this.player = new Player(this, to, video, {
      window: STREAM_WINDOW,
      check: (frame) => this.memory.check(this.id, frame),
      held: (bytes) => this.memory.hold(bytes),
    })
  }

  /** Takes a part of a frame; one for a view that is over is dropped. */
  part(p: { seq: number; part: number; parts: number; bytes: Uint8Array }): void {
    if (!this.stale) this.player?.part(p)
  }

  /** Takes what the host says of it now. */
  tell(told: Told): void {
    this.told = told
    if (this.moved?.x === told.x && this.moved.y === told.y) this.moved = null
  }

  /** The person moved it to a place of the host's desk. */
  move(x: number, y: number): void {
    this.moved = { x, y }
    clearTimeout(this.movedTimer)
    this.movedTimer = setTimeout(() => (this.moved = null), PATIENCE_MS)
  }

  setIcon(png: Uint8Array): void {
    if (!PNG.every((b, i) => png[i] === b)) return
    this.icon = 'data:image/png;base64,' + btoa(String.fromCharCode(...png))
  }

  lost(): void {
    this.closing = false // what was asked on that connection was asked
    this.player?.close()
    this.player = null
    this.stale = true
  }

  close(): void {
    clearTimeout(this.movedTimer)
    this.player?.close()
    this.player = null
    this.memory.forget(this.id)
    this.canvas.width = this.canvas.height = 0 // gives its memory back at once
  }

  // As a Glass: the canvas, and its size for who lays it out.
  size(width: number, height: number): void {
    this.glass.size(width, height)
    this.width = width
    this.height = height
  }
  draw(picture: Picture, update: Update): void {
    this.glass.draw(picture, update)
  }
  cursor(cursor: Cursor): void {
    this.glass.cursor(cursor)
  }

  private shown(seq: number, update: Update, audience: Audience): void {
    this.canvas.dataset.frame = String(seq)
    audience.shown(seq, update)
  }
}
