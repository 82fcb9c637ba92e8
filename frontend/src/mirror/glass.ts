import type { Cursor, Update } from './decoder'
import type { Picture } from './picture'
import type { Glass } from './session.svelte'

/** Draws on a canvas of exactly the source's size; only what changed is put. */
export class CanvasGlass implements Glass {
  private readonly ctx: CanvasRenderingContext2D | null
  private image: ImageData | null = null
  private of: Picture | null = null

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.ctx = canvas.getContext('2d', { alpha: false })
  }

  size(width: number, height: number): void {
    this.canvas.width = width
    this.canvas.height = height
  }

  draw(picture: Picture, update: Update): void {
    if (this.of !== picture) {
      this.of = picture
      this.image = new ImageData(picture.bytes, picture.width, picture.height)
    }
    for (const r of update.dirty) this.ctx?.putImageData(this.image!, 0, 0, r.x, r.y, r.w, r.h)
  }

  cursor(c: Cursor): void {
    this.canvas.style.cursor = cursorCss(c)
  }
}

function cursorCss(c: Cursor): string {
  if (c.width === 0) return 'none'
  const canvas = document.createElement('canvas')
  canvas.width = c.width
  canvas.height = c.height
  const image = new ImageData(new Uint8ClampedArray(c.rgba), c.width, c.height)
  canvas.getContext('2d')?.putImageData(image, 0, 0)
  return `url(${canvas.toDataURL()}) ${Math.min(c.hotX, c.width - 1)} ${Math.min(c.hotY, c.height - 1)}, default`
}
