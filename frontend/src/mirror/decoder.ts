import { Picture, pixel, type Rect } from './picture'
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
}

/** Applies frames to a picture. After an error it is of no use: open the view anew. */
export class Decoder {
  picture: Picture | null = null
  private update: Update = { resized: false, dirty: [], cursor: null }
  private work = 0
  private readonly stream = new ZstdStream()

  decode(frame: Uint8Array): Update {
    this.update = { resized: false, dirty: [], cursor: null }
    if (frame.length < HEADER) throw new WireError('frame header is too short')
    const flags = frame[0]!
    if (flags & ~(KEY | ZSTD | FRESH)) throw new WireError('unknown frame flags')
    const v = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const picture = this.begin(v.getUint16(1), v.getUint16(3), (flags & KEY) !== 0)
    const rest = frame.subarray(HEADER)
    const ops = new Reader(flags & ZSTD ? this.stream.next(rest, (flags & FRESH) !== 0) : rest)
    if (ops.left > MAX_CONTENT) throw new WireError('content is too large')
    while (ops.left > 0) this.op(picture, ops)
    return this.update
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
    if (same) now.clear()
    const picture = same ? now : new Picture(width, height)
    this.update.resized = !same
    this.picture = picture
    this.dirty({ x: 0, y: 0, w: width, h: height })
    return picture
  }

  private op(picture: Picture, r: Reader): void {
    switch (r.u8()) {
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
  rect(): Rect {
    return { x: this.u16(), y: this.u16(), w: this.u16(), h: this.u16() }
  }
}
