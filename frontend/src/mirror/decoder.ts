import type { Film } from './film'
import { Picture, pixel, type Rect } from './picture'
import { soften } from './soften'
import { WireError } from './wire'
import { ZstdStream } from './zstd'

const KEY = 1
const ZSTD = 2
const FRESH = 4
const HEADER = 5
const MAX_CONTENT = 96 << 20
const MAX_PIXELS = 32 << 20
const MAX_CURSOR = 256
/** How often the copies and fills of one frame may touch the whole picture. */
const WORK = 16
/** More dirty places than this become one. */
const MAX_DIRTY = 64
/** The side of the squares that a video's mask names. */
const SQUARE = 64

export interface Cursor {
  hotX: number
  hotY: number
  width: number
  height: number
  /** R G B A, alpha straight; empty: hidden. */
  rgba: Uint8Array
}

export interface Update {
  /** The picture is another one now. */
  resized: boolean
  dirty: Rect[]
  /** The new cursor, null if it stayed. */
  cursor: Cursor | null
  /** A part of the frame was video: the size in which it came and in which it is shown. */
  video: { width: number; height: number; shown: Rect } | null
}

/** What a video operation says. */
interface Shot {
  rect: Rect
  key: boolean
  full: boolean
  width: number
  height: number
  mask: Uint8Array
  data: Uint8Array
}

const nothing = (): Update => ({ resized: false, dirty: [], cursor: null, video: null })

/** Applies frames to a picture. After an error it is of no use: open the view anew. */
export class Decoder {
  picture: Picture | null = null
  private update = nothing()
  private work = 0
  private readonly stream: ZstdStream
  /** The video that goes on, as size and sampling; empty: it must begin with a key frame. */
  private playing = ''

  /** Without a film, video is an error: it was not asked for. window bounds the compressed stream's, in bytes. */
  constructor(
    private readonly film: Film | null = null,
    window?: number,
  ) {
    this.stream = new ZstdStream(window)
  }

  /**
   * Applies a frame. One with video takes time: then a promise is given, and the next frame must wait
   * for it.
   */
  decode(frame: Uint8Array): Update | Promise<Update> {
    this.update = nothing()
    if (frame.length < HEADER) throw new WireError('frame header is too short')
    const flags = frame[0]!
    if (flags & ~(KEY | ZSTD | FRESH)) throw new WireError('unknown frame flags')
    const v = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const picture = this.begin(v.getUint16(1), v.getUint16(3), (flags & KEY) !== 0)
    const rest = frame.subarray(HEADER)
    const ops = new Reader(flags & ZSTD ? this.stream.next(rest, (flags & FRESH) !== 0) : rest)
    if (ops.left > MAX_CONTENT) throw new WireError('content is too large')
    return this.apply(picture, ops)
  }

  private apply(picture: Picture, ops: Reader): Update | Promise<Update> {
    while (ops.left > 0) {
      const kind = ops.u8()
      if (kind === 5) return this.video(picture, ops)
      this.op(picture, kind, ops)
    }
    return this.update
  }

  private video(picture: Picture, ops: Reader): Promise<Update> {
    const shot = readShot(picture, ops)
    if (!this.film || this.update.video) throw new WireError('video that was not asked for')
    const playing = `${shot.width}x${shot.height} ${shot.full}`
    if (!shot.key && this.playing !== playing) throw new WireError('video that does not begin with a key frame')
    this.playing = playing
    this.update.video = { width: shot.width, height: shot.height, shown: shot.rect }
    return this.paste(picture, shot, this.film.decode(shot, shot.rect.w, shot.rect.h), ops)
  }

  private async paste(picture: Picture, shot: Shot, coming: Promise<Uint8ClampedArray>, ops: Reader): Promise<Update> {
    const rgba = await coming
    for (const part of parts(shot)) {
      picture.paste(part, shot.rect, rgba)
      this.dirty(part)
    }
    return this.apply(picture, ops)
  }

  private begin(width: number, height: number, key: boolean): Picture {
    if (width === 0 || height === 0 || width * height > MAX_PIXELS) throw new WireError('size of the picture')
    this.work = WORK * Math.max(width * height, 1 << 16)
    const now = this.picture
    const same = now !== null && now.width === width && now.height === height
    if (!key) {
      if (!same) throw new WireError('size changed without a key frame')
      return now
    }
    this.playing = ''
    if (same) now.clear()
    const picture = same ? now : new Picture(width, height)
    this.update.resized = !same
    this.picture = picture
    this.dirty({ x: 0, y: 0, w: width, h: height })
    return picture
  }

  private op(picture: Picture, kind: number, r: Reader): void {
    switch (kind) {
      case 1:
        return this.copy(picture, r)
      case 2:
        return this.fill(picture, r)
      case 3:
        return this.raw(picture, r)
      case 4:
        return this.palette(picture, r, false)
      case 7:
        return this.palette(picture, r, true)
      case 8:
        return this.coarse(picture, r)
      case 6:
        return this.cursor(r)
    }
    throw new WireError('unknown operation')
  }

  private copy(picture: Picture, r: Reader): void {
    const sx = r.u16()
    const sy = r.u16()
    const to = inside(picture, r.rect())
    inside(picture, { ...to, x: sx, y: sy })
    this.spend(to)
    picture.copy(sx, sy, to)
    this.dirty(to)
  }

  private fill(picture: Picture, r: Reader): void {
    const rect = inside(picture, r.rect())
    const rgb = r.bytes(3)
    this.spend(rect)
    picture.fill(rect, pixel(rgb[0]!, rgb[1]!, rgb[2]!))
    this.dirty(rect)
  }

  private raw(picture: Picture, r: Reader): void {
    const rect = inside(picture, r.rect())
    picture.raw(rect, r.bytes(rect.w * rect.h * 3))
    this.dirty(rect)
  }

  private palette(picture: Picture, r: Reader, columns: boolean): void {
    const rect = inside(picture, r.rect())
    const n = r.u8() + 1
    if (n < 2) throw new WireError('palette of one colour')
    const rgb = r.bytes(n * 3)
    const colours = new Uint32Array(n)
    for (let i = 0; i < n; i++) colours[i] = pixel(rgb[i * 3]!, rgb[i * 3 + 1]!, rgb[i * 3 + 2]!)
    const bits = n <= 2 ? 1 : n <= 4 ? 2 : n <= 16 ? 4 : 8
    const [along, across] = columns ? [rect.h, rect.w] : [rect.w, rect.h]
    const packed = r.bytes(((along * bits + 7) >> 3) * across)
    if (!picture.palette(rect, colours, bits, packed, columns)) throw new WireError('index beyond the palette')
    this.dirty(rect)
  }

  private coarse(picture: Picture, r: Reader): void {
    const rect = inside(picture, r.rect())
    const step = r.u8()
    if (step === 0) throw new WireError('coarse picture without squares')
    const [w, h] = [Math.ceil(rect.w / step), Math.ceil(rect.h / step)]
    const rgb = r.bytes(w * h * 3)
    this.spend(rect)
    soften(picture, rect, rgb, w, h, step)
    this.dirty(rect)
  }

  private cursor(r: Reader): void {
    const [hotX, hotY, width, height] = [r.u16(), r.u16(), r.u16(), r.u16()]
    if (width > MAX_CURSOR || height > MAX_CURSOR || (width === 0) !== (height === 0)) {
      throw new WireError('size of the cursor')
    }
    this.update.cursor = { hotX, hotY, width, height, rgba: r.bytes(width * height * 4).slice() }
  }

  private spend(r: Rect): void {
    this.work -= r.w * r.h
    if (this.work < 0) throw new WireError('copies and fills touch too much')
  }

  private dirty(r: Rect): void {
    const list = this.update.dirty
    const first = list[0]
    if (first && covers(first, r)) return
    if (list.length < MAX_DIRTY) list.push(r)
    else this.update.dirty = [list.reduce(union, r)]
  }
}

function readShot(picture: Picture, r: Reader): Shot {
  const rect = inside(picture, r.rect())
  const codec = r.u8()
  const flags = r.u8()
  const [width, height] = [r.u16(), r.u16()]
  if (codec !== 1 || flags > 3 || (rect.x | rect.y) & 1) throw new WireError('kind of video')
  if (width < 1 || height < 1 || width > rect.w || height > rect.h) throw new WireError('size of the video')
  const squares = touched(rect)
  const mask = r.bytes((squares.w * squares.h + 7) >> 3)
  const data = r.bytes(r.u32())
  if (data.length === 0) throw new WireError('video without data')
  return { rect, key: (flags & 1) !== 0, full: (flags & 2) !== 0, width, height, mask, data }
}

/** The squares that touch r. */
function touched(r: Rect): Rect {
  const x = Math.floor(r.x / SQUARE)
  const y = Math.floor(r.y / SQUARE)
  return { x, y, w: Math.ceil((r.x + r.w) / SQUARE) - x, h: Math.ceil((r.y + r.h) / SQUARE) - y }
}

/** The places that a shot draws: runs of squares whose bit is set. */
function* parts({ rect, mask }: Shot): Generator<Rect> {
  const s = touched(rect)
  const set = (i: number) => ((mask[i >> 3]! >> (7 - (i & 7))) & 1) === 1
  for (let y = 0; y < s.h; y++) {
    for (let x = 0; x < s.w; x++) {
      const from = x
      while (x < s.w && set(y * s.w + x)) x++
      if (x === from) continue
      const left = Math.max((s.x + from) * SQUARE, rect.x)
      const top = Math.max((s.y + y) * SQUARE, rect.y)
      yield {
        x: left,
        y: top,
        w: Math.min((s.x + x) * SQUARE, rect.x + rect.w) - left,
        h: Math.min((s.y + y + 1) * SQUARE, rect.y + rect.h) - top,
      }
    }
  }
}

function inside(picture: Picture, r: Rect): Rect {
  if (!picture.holds(r)) throw new WireError('rectangle leaves the picture')
  return r
}

function covers(a: Rect, b: Rect): boolean {
  return b.x >= a.x && b.y >= a.y && b.x + b.w <= a.x + a.w && b.y + b.h <= a.y + a.h
}

function union(a: Rect, b: Rect): Rect {
  const x = Math.min(a.x, b.x)
  const y = Math.min(a.y, b.y)
  return { x, y, w: Math.max(a.x + a.w, b.x + b.w) - x, h: Math.max(a.y + a.h, b.y + b.h) - y }
}

/** Takes numbers off a frame's operations; past the end it throws. */
class Reader {
  private at = 0
  constructor(private readonly b: Uint8Array) {}

  get left(): number {
    return this.b.length - this.at
  }
  bytes(n: number): Uint8Array {
    if (n > this.left) throw new WireError('operation is cut off')
    this.at += n
    return this.b.subarray(this.at - n, this.at)
  }
  u8(): number {
    return this.bytes(1)[0]!
  }
  u16(): number {
    const b = this.bytes(2)
    return (b[0]! << 8) | b[1]!
  }
  u32(): number {
    return this.u16() * 65536 + this.u16()
  }
  rect(): Rect {
    return { x: this.u16(), y: this.u16(), w: this.u16(), h: this.u16() }
  }
}
