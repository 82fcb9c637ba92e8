/** What a screen does with a mouse that it holds. */
export interface MouseSink {
  /** Whether the screen takes how far a mouse moved, and not where it is. */
  relative?(): boolean
  /** Tells how far, in whole pixels. False: not now; it comes with the next. */
  motion?(dx: number, dy: number): boolean
  /** The browser did not hold the mouse. */
  refused?(): void
}

/**
 * Holds the person's mouse over an element (Pointer Lock API) for a screen that
 * takes how far it moved, as a machine without a tablet does. The browser says
 * how to get it back: Escape.
 */
export class Mouse {
  private x = 0
  private y = 0

  constructor(
    private readonly el: HTMLElement,
    private readonly sink: MouseSink,
    signal: AbortSignal,
  ) {
    document.addEventListener('pointerlockerror', () => sink.relative?.() && sink.refused?.(), { signal })
  }

  get held(): boolean {
    return document.pointerLockElement === this.el
  }

  /** Asks for the mouse if this press is for that. Browsers without a way give only places. */
  take(e: PointerEvent): boolean {
    if (this.held || e.pointerType !== 'mouse' || !this.sink.relative?.() || !('requestPointerLock' in this.el)) return false
    Promise.resolve(this.el.requestPointerLock()).catch(() => {}) // pointerlockerror tells
    return true
  }

  /** Adds up what a fine display tells in fractions. */
  move(dx: number, dy: number): void {
    this.x += dx
    this.y += dy
    const [x, y] = [most(this.x), most(this.y)]
    if ((x === 0 && y === 0) || !this.sink.motion?.(x, y)) return
    this.x -= x
    this.y -= y
  }

  letGo(): void {
    if (this.held) document.exitPointerLock()
  }
}

function most(n: number): number {
  return Math.max(-32768, Math.min(32767, Math.trunc(n)))
}
