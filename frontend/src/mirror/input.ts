import { evdev } from './keymap'
import { say } from './wire'

/** What input needs of a view. */
export interface Sink {
  send(message: Uint8Array<ArrayBuffer>): void
  sendMove(x: number, y: number): void
  /** Size of the picture in source pixels. */
  size(): { width: number; height: number }
  /** Whether input goes to the host now. */
  active(): boolean
  /** The person pastes a text here; the keys that mean it follow. */
  paste?(text: string): void
}

/** How long a browser may take from the keys to its paste event. */
const PASTE_MS = 100

/** DOM button → wire button (1 left, 2 middle, 3 right, 8 back, 9 forward). */
const BUTTONS = [1, 2, 3, 8, 9]
const NOTCH = 120
/** Pixels, lines and pages of one wheel notch (WheelEvent.deltaMode 0, 1, 2). */
const PER_NOTCH = [100, 3, 1]

/** Where a place of the client area is in source pixels. */
export function toSource(
  client: { x: number; y: number },
  box: { left: number; top: number; width: number; height: number },
  size: { width: number; height: number },
): { x: number; y: number } {
  const place = (at: number, span: number, n: number) =>
    Math.max(0, Math.min(n - 1, Math.floor((at * n) / Math.max(span, 1))))
  return {
    x: place(client.x - box.left, box.width, size.width),
    y: place(client.y - box.top, box.height, size.height),
  }
}

/** Adds wheel turns up and gives whole 1/120 notches, keeping the rest. */
export class Wheel {
  private x = 0
  private y = 0

  turn(dx: number, dy: number, mode: number): { dx: number; dy: number } {
    const scale = NOTCH / (PER_NOTCH[mode] ?? 1)
    this.x += dx * scale
    this.y += dy * scale
    const out = { dx: whole(this.x), dy: whole(this.y) }
    this.x -= out.dx
    this.y -= out.dy
    return out
  }
}

/** The whole part as an i16; sums of fractions fall just short of it. */
function whole(n: number): number {
  return Math.max(-32768, Math.min(32767, Math.trunc(n + Math.sign(n) * 1e-6)))
}

/**
 * Sends the keyboard and mouse of one element to a screen while the element has
 * the focus. Ctrl+Alt pressed and let go alone gives the keyboard back. Returns
 * the way to end it.
 */
export function attachInput(el: HTMLElement, sink: Sink, onRelease: () => void): () => void {
  const held = new Set<string>()
  const buttons = new Set<number>()
  const wheel = new Wheel()
  let chord = false
  let pasting: { timer: ReturnType<typeof setTimeout>; go: () => void } | null = null

  const pasteNow = () => {
    if (!pasting) return
    clearTimeout(pasting.timer)
    const { go } = pasting
    pasting = null
    go()
  }
  const letGo = () => {
    pasteNow()
    if (held.size || buttons.size) sink.send(say.release())
    held.clear()
    buttons.clear()
    chord = false
  }
  const down = (code: string, key: number) => {
    held.add(code)
    chord = held.size === 2 && isChord(held)
    sink.send(say.key(key, true))
  }
  const keydown = (e: KeyboardEvent) => {
    const key = evdev(e.code)
    if (!sink.active() || key === undefined) return
    pasteNow()
    e.stopPropagation()
    if (isPaste(e) && sink.paste && !e.repeat && !held.has(e.code)) {
      // The browser's paste event brings the text, with no permission asked; the key waits for it.
      held.add(e.code)
      pasting = { timer: setTimeout(pasteNow, PASTE_MS), go: () => down(e.code, key) }
      return
    }
    e.preventDefault()
    if (!e.repeat && !held.has(e.code)) down(e.code, key)
  }
  const keyup = (e: KeyboardEvent) => {
    const key = evdev(e.code)
    if (key === undefined || !held.has(e.code)) return
    pasteNow()
    e.preventDefault()
    e.stopPropagation()
    if (chord) return el.blur() // blur lets go and tells
    held.delete(e.code)
    sink.send(say.key(key, false))
    // macOS sends no keyup for keys let go while Meta is held.
    if (e.code.startsWith('Meta')) letGo()
  }
  const blur = () => {
    const wanted = chord
    letGo()
    if (wanted) onRelease()
  }
  const move = (e: PointerEvent) => {
    if (!sink.active()) return
    const at = toSource({ x: e.clientX, y: e.clientY }, el.getBoundingClientRect(), sink.size())
    sink.sendMove(at.x, at.y)
  }
  const press = (e: PointerEvent) => {
    if (!sink.active()) return
    el.focus({ preventScroll: true })
    const button = BUTTONS[e.button]
    if (button === undefined) return
    e.preventDefault()
    if (e.isTrusted) el.setPointerCapture(e.pointerId)
    move(e)
    buttons.add(button)
    sink.send(say.button(button, true))
  }
  const lift = (e: PointerEvent) => {
    const button = BUTTONS[e.button]
    if (button === undefined || !buttons.delete(button)) return
    e.preventDefault()
    move(e)
    sink.send(say.button(button, false))
  }
  // A second button while one is down comes as a move (Pointer Events, chorded buttons).
  const moveOrChord = (e: PointerEvent) => {
    if (e.button < 0) return move(e)
    const on = (e.buttons & [1, 4, 2, 8, 16][e.button]!) !== 0
    if (on) press(e)
    else lift(e)
  }
  const turn = (e: WheelEvent) => {
    if (!sink.active()) return
    e.preventDefault()
    const { dx, dy } = wheel.turn(e.deltaX, e.deltaY, e.deltaMode)
    if (dx || dy) sink.send(say.wheel(dx, dy))
  }
  const paste = (e: ClipboardEvent) => {
    e.preventDefault()
    if (sink.active()) sink.paste?.(e.clipboardData?.getData('text/plain') ?? '')
    pasteNow()
  }
  const stop = new AbortController()
  const on = <K extends keyof HTMLElementEventMap>(type: K, f: (e: HTMLElementEventMap[K]) => void) =>
    el.addEventListener(type, f, { signal: stop.signal, passive: false })
  on('keydown', keydown)
  on('keyup', keyup)
  on('blur', blur)
  on('pointermove', moveOrChord)
  on('pointerdown', press)
  on('pointerup', lift)
  on('pointercancel', letGo)
  on('wheel', turn)
  on('paste', paste)
  on('contextmenu', (e) => e.preventDefault())
  window.addEventListener('blur', blur, { signal: stop.signal })
  return () => {
    letGo()
    stop.abort()
  }
}

function isPaste(e: KeyboardEvent): boolean {
  if (e.altKey) return false
  return (e.code === 'KeyV' && (e.ctrlKey || e.metaKey)) || (e.code === 'Insert' && e.shiftKey && !e.ctrlKey)
}

function isChord(held: Set<string>): boolean {
  return (
    (held.has('ControlLeft') || held.has('ControlRight')) && (held.has('AltLeft') || held.has('AltRight'))
  )
}
