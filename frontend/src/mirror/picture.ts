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

  /** Writes rows of packed indices, first pixel in the high bits. False if one is beyond the colours. */
  palette(r: Rect, colours: Uint32Array, bits: number, packed: Uint8Array): boolean {
    const rowBytes = (r.w * bits + 7) >> 3
    const mask = (1 << bits) - 1
    for (let y = 0; y < r.h; y++) {
      const at = (r.y + y) * this.width + r.x
      for (let x = 0; x < r.w; x++) {
        const bit = x * bits
        const index = (packed[y * rowBytes + (bit >> 3)]! >> (8 - bits - (bit & 7))) & mask
        if (index >= colours.length) return false
        this.px[at + x] = colours[index]!
      }
    }
    return true
  }
}
