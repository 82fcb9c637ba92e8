/** A made-up desktop, R G B rows: a wall, a window with lines of text, a bar. */
export function paint(w: number, h: number, name: string): Uint8Array {
  const rgb = new Uint8Array(w * h * 3)
  const box = (x0: number, y0: number, x1: number, y1: number, r: number, g: number, b: number) => {
    for (let y = Math.max(0, y0); y < Math.min(h, y1); y++) {
      for (let x = Math.max(0, x0); x < Math.min(w, x1); x++) rgb.set([r, g, b], (y * w + x) * 3)
    }
  }
  const seed = [...name].reduce((n, c) => (n * 31 + c.charCodeAt(0)) % 997, 7)
  box(0, 0, w, h, 24 + (seed % 30), 40 + (seed % 40), 70 + (seed % 60))
  box(0, h - 22, w, h, 18, 20, 26)
  box(60, 40, w - 90, h - 60, 22, 24, 30)
  box(60, 40, w - 90, 58, 48, 52, 62)
  for (let i = 0; i < 16; i++) {
    const y = 72 + i * 16
    if (y > h - 76) break
    let x = 72
    for (let k = 0; k < 9; k++) {
      const len = 12 + ((seed * (i + 3) * (k + 5)) % 58)
      if (x + len > w - 110 || k > 2 + ((i * seed) % 6)) break
      box(x, y, x + len, y + 6, k === 0 ? 96 : 190, k === 0 ? 200 : 196, k === 0 ? 130 : 206)
      x += len + 8
    }
  }
  return rgb
}
