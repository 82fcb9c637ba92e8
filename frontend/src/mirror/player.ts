import { Decoder, type Cursor, type Update } from './decoder'
import { WebFilm, type Film } from './film'
import type { Picture } from './picture'
import { Assembler, WireError } from './wire'

/** Where pictures go; drawn before the frame is acknowledged. */
export interface Glass {
  size(width: number, height: number): void
  draw(picture: Picture, update: Update): void
  cursor(cursor: Cursor): void
}

/** Who has the frames played. */
export interface Audience {
  /** A frame is on the glass: say so to the host. */
  shown(seq: number, update: Update): void
  /** The host broke docs/wire.md (a WireError), or this browser cannot play what it said it can. */
  failed(error: unknown): void
}

/** What bounds a picture that is one of many. */
export interface Limits {
  /** Bytes that the window of the compressed stream has at most. */
  window?: number
  /** Throws a WireError when a frame is larger than it may be. */
  check?(frame: Uint8Array): void
  /** Bytes of a frame that is not whole yet are held, or let go when negative. */
  held?(bytes: number): void
}

/** So many frames may wait for a video before them; a host sends at most two. */
const MAX_WAITING = 8

/** Plays the frames of one picture on a glass, in order. close ends it. */
export class Player {
  private readonly assembler = new Assembler()
  private readonly film: Film | null
  private readonly decoder: Decoder
  private playing = false
  private waiting: { seq: number; frame: Uint8Array }[] = []
  private holds = 0
  private closed = false

  /** video says whether the host may send any. */
  constructor(
    private readonly glass: Glass,
    private readonly to: Audience,
    video: boolean,
    private readonly limits: Limits = {},
  ) {
    this.film = video ? new WebFilm() : null
    this.decoder = new Decoder(this.film, limits.window)
  }

  get picture(): Picture | null {
    return this.decoder.picture
  }

  /** Takes a part of a frame. Throws a WireError. */
  part(p: { seq: number; part: number; parts: number; bytes: Uint8Array }): void {
    const frame = this.assembler.add(p)
    this.hold(frame ? -this.holds : p.bytes.length)
    if (!frame) return
    this.limits.check?.(frame)
    this.show(p.seq, frame)
  }

  close(): void {
    this.closed = true
    this.hold(-this.holds)
    this.waiting = []
    this.film?.close()
  }

  private hold(bytes: number): void {
    this.holds += bytes
    this.limits.held?.(bytes)
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
    try {
      const update = await coming
      if (this.closed) return
      this.playing = false
      this.shown(seq, update)
      while (!this.playing && this.waiting.length > 0) {
        const next = this.waiting.shift()!
        this.show(next.seq, next.frame)
      }
    } catch (error) {
      if (!this.closed) this.to.failed(error)
    }
  }

  private shown(seq: number, update: Update): void {
    const picture = this.decoder.picture!
    if (update.resized) this.glass.size(picture.width, picture.height)
    this.glass.draw(picture, update)
    if (update.cursor) this.glass.cursor(update.cursor)
    this.to.shown(seq, update)
  }
}
