export interface Size {
  width: number
  height: number
}

/**
 * How many device pixels a side of the source's pixel takes where the source
 * takes the view's size. A display of twice the pixels shows the source at
 * twice, so that its text is as large as that of this page; sharp uses every
 * pixel of the display instead.
 */
export function step(dpr: number, sharp: boolean): number {
  return sharp ? 1 : Math.max(1, Math.floor(dpr + 0.01))
}

/** The size in source pixels that fills a box of CSS pixels. */
export function asked(box: Size, dpr: number, sharp: boolean): Size {
  const side = (css: number) => Math.min(65535, Math.floor((css * dpr) / step(dpr, sharp) + 0.01))
  return { width: side(box.width), height: side(box.height) }
}

/**
 * How large a picture of source pixels is shown in a box of CSS pixels. Made
 * larger it stays crisp: each source pixel is a whole number of device pixels.
 * It is smoothed when it is made smaller, and where whole numbers would leave it
 * smaller than CSS pixels are, as half the pixels of a display.
 */
export function fit(source: Size, box: Size, dpr: number, sharp = false): Size & { crisp: boolean } {
  if (source.width === 0 || source.height === 0) return { width: 0, height: 0, crisp: true }
  const most = Math.max(Math.min((box.width * dpr) / source.width, (box.height * dpr) / source.height), 0.01)
  const whole = Math.floor(most + 0.001)
  const crisp = whole >= step(dpr, sharp)
  const scale = crisp ? whole : most
  return { width: (source.width * scale) / dpr, height: (source.height * scale) / dpr, crisp }
}

/** How far from a place of the page the next whole device pixel is, in CSS pixels. */
export function toWhole(at: number, dpr: number): number {
  return (Math.ceil(at * dpr - 0.01) - at * dpr) / dpr
}

/** Where a size stands in the middle of a box, at a whole device pixel. */
export function middle(box: number, size: number, dpr: number): number {
  return Math.floor(((box - size) / 2) * dpr + 0.01) / dpr
}
