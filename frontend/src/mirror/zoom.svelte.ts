import type { Size } from './fit'

const MOST = 5

/** How much larger a view is shown than it fits, and where: p becomes factor·p + (x, y). */
export class Zoom {
  factor = $state(1)
  x = $state(0)
  y = $state(0)

  /** CSS, empty when the view is as it fits: then pixels stay whole. */
  get css(): string {
    return this.factor === 1 ? '' : `translate(${this.x}px, ${this.y}px) scale(${this.factor})`
  }

  /** Makes it larger by a factor around a place of the stage, which moved by (dx, dy) to there. No gap opens. */
  by(factor: number, at: { x: number; y: number }, moved: { x: number; y: number }, stage: Size): void {
    const next = Math.max(1, Math.min(this.factor * factor, MOST))
    const place = (to: number, by: number, t: number, size: number) =>
      Math.max(size * (1 - next), Math.min(0, to - ((to - by - t) / this.factor) * next))
    this.x = place(at.x, moved.x, this.x, stage.width)
    this.y = place(at.y, moved.y, this.y, stage.height)
    this.factor = next < 1.02 ? 1 : next
  }
}
