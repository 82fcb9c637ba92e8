export interface Rect {
  x: number
  y: number
  w: number
  h: number
}

const BLACK = 0xff000000

/** One pixel as ImageData keeps it (R G B A in memory) on a little-endian computer. */
export function pixel(r: number, g: number, b: number): number {
  return (BLACK | (b << 16) | (g << 8) | r) >>> 0
}

/** Pixels of one screen, opaque RGBA. Rectangles given to it lie inside. */
export class Picture {
  readonly bytes: Uint8ClampedArray<ArrayBuffer>
  private readonly px: Uint32Array

  constructor(
    readonly width: number,
    readonly height: number,
  ) {
    const memory = new ArrayBuffer(width * height * 4)
    this.bytes = new Uint8ClampedArray(memory)
    this.px = new Uint32Array(memory).fill(BLACK)
  }

  holds(r: Rect): boolean {
    return r.w > 0 && r.h > 0 && r.x + r.w <= this.width && r.y + r.h <= this.height
  }

  clear(): void {
    this.px.fill(BLACK)
  }

  /** Moves a rectangle; source and target may overlap. */
  copy(sx: number, sy: number, to: Rect): void {
    const down = to.y > sy
    for (let i = 0; i < to.h; i++) {
      const y = down ? to.h - 1 - i : i
      const from = (sy + y) * this.width + sx
      this.px.copyWithin((to.y + y) * this.width + to.x, from, from + to.w)
    }
  }

  set(x: number, y: number, colour: number): void {
    this.px[y * this.width + x] = colour
  }

  fill(r: Rect, colour: number): void {
    for (let y = r.y; y < r.y + r.h; y++) {
      const at = y * this.width + r.x
      this.px.fill(colour, at, at + r.w)
    }
  }

  /** Writes rows of R G B. */
  raw(r: Rect, rgb: Uint8Array): void {
    let from = 0
    for (let y = r.y; y < r.y + r.h; y++) {
      let at = y * this.width + r.x
      for (const end = at + r.w; at < end; at++, from += 3) {
        this.px[at] = BLACK | (rgb[from + 2]! << 16) | (rgb[from + 1]! << 8) | rgb[from]!
      }
    }
  }

  /** Writes a part of a picture of R G B A that lies at a place of this one. */
  paste(part: Rect, from: Rect, rgba: Uint8ClampedArray): void {
    for (let y = part.y; y < part.y + part.h; y++) {
      const at = ((y - from.y) * from.w + part.x - from.x) * 4
      this.bytes.set(rgba.subarray(at, at + part.w * 4), (y * this.width + part.x) * 4)
    }
  }

  /**
   * Writes rows of packed indices, or columns, each padded to a byte, the first
   * pixel in the high bits. False if one is beyond the colours.
   */
  palette(r: Rect, colours: Uint32Array, bits: number, packed: Uint8Array, columns: boolean): boolean {
    const [along, across] = columns ? [r.h, r.w] : [r.w, r.h]
    const [step, next] = columns ? [this.width, 1] : [1, this.width]
    const lineBytes = (along * bits + 7) >> 3
    const mask = (1 << bits) - 1
    for (let line = 0; line < across; line++) {
      let at = r.y * this.width + r.x + line * next
      for (let i = 0; i < along; i++, at += step) {
        const bit = i * bits
        const index = (packed[line * lineBytes + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask
        if (index >= colours.length) return false
        this.px[at] = colours[index]!
      }
    }
    return true
  }
}
