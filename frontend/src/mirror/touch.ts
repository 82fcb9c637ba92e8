/** How the pointer moves: a button or finger goes down there, is held, or there is none. */
export type Phase = 'press' | 'hold' | 'move'

/** What fingers mean; places are of the client area. */
export interface Gestures {
  point(x: number, y: number, phase: Phase): void
  button(n: number, down: boolean): void
  /** Turns of the wheel in notches, positive right and down. */
  turn(dx: number, dy: number): void
  /** The picture is pulled apart around a place, and moved. */
  zoom(factor: number, x: number, y: number, dx: number, dy: number): void
}

/** A finger that moves no further than this has not moved. */
const STILL_PX = 8
const LONG_MS = 500
/** A finger that is down again so soon drags, or makes a double click. */
const AGAIN_MS = 300
/** So much apart two fingers must go to pinch, and so far together to turn the wheel. */
const PINCH_PX = 24
const TURN_PX = 10
/** Pixels that two fingers move for a notch of the wheel. */
const NOTCH_PX = 40

type State = 'none' | 'maybe' | 'point' | 'drag' | 'two' | 'turn' | 'pinch' | 'done'

interface Finger {
  x: number
  y: number
}

/**
 * Makes of fingers what a mouse does: one points, and a tap clicks; held still it
 * is a right click; put down again after a tap it drags. Two turn the wheel, or
 * make the view larger. Once two were down, one of them left alone does nothing.
 */
export class Touch {
  private fingers = new Map<number, Finger>()
  private state: State = 'none'
  private from: Finger = { x: 0, y: 0 }
  private spread = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private tapped: Finger & { at: number } = { x: 0, y: 0, at: -Infinity }

  constructor(
    private readonly to: Gestures,
    private readonly now: () => number = () => performance.now(),
  ) {}

  down(id: number, x: number, y: number): void {
    this.fingers.set(id, { x, y })
    clearTimeout(this.timer)
    if (this.fingers.size === 1) return this.first(x, y)
    if (this.state === 'drag') this.to.button(1, false)
    this.state = this.fingers.size === 2 ? 'two' : 'done'
    this.from = this.middle()
    this.spread = this.apart()
  }

  private first(x: number, y: number): void {
    this.from = { x, y }
    this.to.point(x, y, 'press')
    if (this.now() - this.tapped.at < AGAIN_MS && far(this.tapped, this.from) < 3 * STILL_PX) {
      this.state = 'drag'
      this.to.button(1, true)
      return
    }
    this.state = 'maybe'
    this.timer = setTimeout(() => this.long(), LONG_MS)
  }

  private long(): void {
    this.state = 'done'
    this.click(3)
  }

  move(id: number, x: number, y: number): void {
    const finger = this.fingers.get(id)
    if (!finger) return
    finger.x = x
    finger.y = y
    if (this.state === 'maybe' && far(this.from, finger) > STILL_PX) {
      clearTimeout(this.timer)
      this.state = 'point'
    }
    if (this.state === 'point') this.to.point(x, y, 'move')
    if (this.state === 'drag') this.to.point(x, y, 'hold')
    if (this.fingers.size === 2) this.both()
  }

  /** Two fingers moved. */
  private both(): void {
    const [middle, apart] = [this.middle(), this.apart()]
    if (this.state === 'two') {
      if (Math.abs(apart - this.spread) > PINCH_PX) this.state = 'pinch'
      else if (far(this.from, middle) > TURN_PX) this.state = 'turn'
      else return
    }
    const [dx, dy] = [middle.x - this.from.x, middle.y - this.from.y]
    if (this.state === 'turn') this.to.turn(-dx / NOTCH_PX, -dy / NOTCH_PX)
    else if (this.state === 'pinch') this.to.zoom(apart / Math.max(this.spread, 1), middle.x, middle.y, dx, dy)
    this.from = middle
    this.spread = apart
  }

  up(id: number): void {
    if (!this.fingers.delete(id)) return
    clearTimeout(this.timer)
    if (this.state === 'maybe') {
      this.click(1)
      this.tapped = { ...this.from, at: this.now() }
    } else if (this.state === 'drag') this.to.button(1, false)
    this.state = this.fingers.size > 0 ? 'done' : 'none'
  }

  /** The browser took the fingers, or the view ends. */
  cancel(): void {
    clearTimeout(this.timer)
    if (this.state === 'drag') this.to.button(1, false)
    this.fingers.clear()
    this.state = 'none'
  }

  private click(button: number): void {
    this.to.button(button, true)
    this.to.button(button, false)
  }

  private middle(): Finger {
    const all = [...this.fingers.values()]
    const sum = all.reduce((a, f) => ({ x: a.x + f.x, y: a.y + f.y }), { x: 0, y: 0 })
    return { x: sum.x / all.length, y: sum.y / all.length }
  }

  private apart(): number {
    const [a, b] = [...this.fingers.values()]
    return a && b ? far(a, b) : 0
  }
}

function far(a: Finger, b: Finger): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
