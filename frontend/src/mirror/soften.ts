import { pixel, type Picture, type Rect } from './picture'

/** The two squares around place i of n, and how far it is from the first to the second, in 1/256. */
function around(i: number, n: number, step: number): [number, number, number] {
  const twice = 2 * i + 1 - step // from the middle of the first square, in half pixels
  if (twice < 0) return [0, 0, 0]
  const a = Math.floor(twice / (2 * step))
  return [Math.min(a, n - 1), Math.min(a + 1, n - 1), Math.floor(((twice % (2 * step)) * 128) / step)]
}

/** Draws w·h squares of R G B, each of side step, scaled up linearly between their middles. */
export function soften(picture: Picture, rect: Rect, rgb: Uint8Array, w: number, h: number, step: number): void {
  const columns = Array.from({ length: rect.w }, (_, x) => around(x, w, step))
  for (let y = 0; y < rect.h; y++) {
    const [above, below, down] = around(y, h, step)
    const top = above * w * 3
    const bottom = below * w * 3
    for (let x = 0; x < rect.w; x++) {
      const [left, right, along] = columns[x]!
      const mix = (k: number) => {
        const u = rgb[top + left * 3 + k]! * (256 - along) + rgb[top + right * 3 + k]! * along
        const v = rgb[bottom + left * 3 + k]! * (256 - along) + rgb[bottom + right * 3 + k]! * along
        return (u * (256 - down) + v * down) >> 16
      }
      picture.set(rect.x + x, rect.y + y, pixel(mix(0), mix(1), mix(2)))
    }
  }
}
