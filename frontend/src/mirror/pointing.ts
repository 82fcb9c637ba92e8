import { toSource } from './input'
import type { Pane } from './pane.svelte'
import type { Phase } from './touch'
import type { Windows } from './windows.svelte'
import { POPUP } from './wirewindows'

/**
 * Finds the window under the pointer. One where a button went down keeps the
 * pointer while it is held, but for a menu that it is dragged into.
 */
export class Pointing {
  private held: Pane | null = null
  private at: Pane | null = null

  constructor(private readonly windows: Windows) {}

  /** Moves the pointer to a place of the client area. */
  point(x: number, y: number, phase: Phase): void {
    const hit = this.hit(x, y)
    if (phase !== 'hold') this.held = null
    if (phase === 'press') this.held = hit
    this.at = this.held && !hit?.is(POPUP) ? this.held : hit
    if (!this.at) return
    const { canvas, width, height } = this.at
    const place = toSource({ x, y }, canvas.getBoundingClientRect(), { width, height })
    this.windows.point(this.at, place.x, place.y)
  }

  /** Sends a button or a turn of the wheel to where the pointer is, which may be beside all windows. */
  send(message: Uint8Array<ArrayBuffer>): void {
    this.windows.about(this.at?.id ?? 0, message)
  }

  private hit(x: number, y: number): Pane | null {
    const root = this.windows.shown
    const inside = (p: Pane) => {
      const box = p.canvas.getBoundingClientRect()
      return x >= box.left && x < box.right && y >= box.top && y < box.bottom
    }
    return (root && this.windows.family(root).findLast(inside)) ?? null
  }
}
