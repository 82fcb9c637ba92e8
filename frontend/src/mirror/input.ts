import { evdev } from './keymap'
import { Mouse, type MouseSink } from './mouse'
import { Touch, type Phase } from './touch'
import { say } from './wire'

/** What input needs of a view. */
export interface Sink {
  /** Sends what keys say, to whatever has the focus there. */
  send(message: Uint8Array<ArrayBuffer>): void
  /** Whether input goes to the host now. */
  active(): boolean
  /** The person pastes this here; the keys that mean it follow. */
  paste?(data: DataTransfer | null): void
  /** Has a text typed by the host. */
  type?(text: string): void
  /** Whether keys that type something are sent as what they type here. */
  letters?(): boolean
}

/** What a pointer needs of a view. */
export interface PointerSink extends MouseSink {
  active(): boolean
  /** Moves the pointer to a place of the client area. */
  point(x: number, y: number, phase: Phase): void
  /** Sends buttons and wheel turns to whatever the pointer is at. */
  send(message: Uint8Array<ArrayBuffer>): void
  /** The person is in the view: it takes the keyboard. */
  focus(): void
  /** Shows the view larger by a factor around a place, and moves it. */
  zoom?(factor: number, x: number, y: number, dx: number, dy: number): void
  /** The keys that are held, for a wheel turned with Ctrl. */
  holds?(code: string): boolean
}

/** How long a browser may take from the keys to its paste event. */
const PASTE_MS = 100
/** Windows says AltGr as Ctrl and Alt at once. */
const ALTGR_MS = 50

/** DOM button → wire button (1 left, 2 middle, 3 right, 8 back, 9 forward). */
const BUTTONS = [1, 2, 3, 8, 9]
const NOTCH = 120
/** Pixels, lines and pages of one wheel notch (WheelEvent.deltaMode 0, 1, 2). */
const PER_NOTCH = [100, 3, 1]
/** How much larger 100 pixels of a pinch on a trackpad make the view. */
const PINCH = 1.6

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
    return this.notches(dx / (PER_NOTCH[mode] ?? 1), dy / (PER_NOTCH[mode] ?? 1))
  }

  notches(dx: number, dy: number): { dx: number; dy: number } {
    this.x += dx * NOTCH
    this.y += dy * NOTCH
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
 * Sends the keyboard of an element to a screen while the element has the focus.
 * Keys are physical ones, but for those an input method takes. Ctrl+Alt pressed
 * and let go alone gives the keyboard back. Returns the way to end it, which
 * also tells what is held.
 */
export function attachKeyboard(el: HTMLElement, sink: Sink, onRelease: () => void): { end(): void; holds(code: string): boolean } {
  const held = new Set<string>()
  let chord = false
  let ctrlAt = -Infinity
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
    if (held.size) sink.send(say.release())
    held.clear()
    chord = false
  }
  const down = (code: string, key: number) => {
    held.add(code)
    chord = held.size === 2 && isChord(held)
    sink.send(say.key(key, true))
  }
  const up = (code: string, key: number) => {
    held.delete(code)
    sink.send(say.key(key, false))
  }
  /** Takes a key as what it types here. False: it is a physical key all the same. */
  const asLetter = (e: KeyboardEvent): boolean => {
    if (!sink.type || !sink.letters?.()) return false
    if (chooses(e)) {
      // A key that chooses what others type is ours alone.
      if (e.key === 'AltGraph' && held.has('ControlLeft') && e.timeStamp - ctrlAt < ALTGR_MS) up('ControlLeft', 29)
      e.preventDefault()
      return true
    }
    if (e.key === 'Dead') return true // the browser puts it together with the next one
    if ([...e.key].length !== 1 || e.key === ' ') return false
    e.preventDefault()
    chord = false
    sink.type(e.key)
    return true
  }
  const keydown = (e: KeyboardEvent) => {
    if (!sink.active()) return
    if (composes(e)) return e.stopPropagation()
    const code = e.code || e.key // a phone's keyboard has no codes, but these keys have names
    const key = evdev(code)
    if (!isPaste(e) && asLetter(e)) return e.stopPropagation()
    if (key === undefined) return
    pasteNow()
    e.stopPropagation()
    if (code === 'ControlLeft') ctrlAt = e.timeStamp
    if (isPaste(e) && sink.paste && !e.repeat && !held.has(code)) {
      // The browser's paste event brings the text, with no permission asked; the key waits for it.
      held.add(code)
      pasting = { timer: setTimeout(pasteNow, PASTE_MS), go: () => down(code, key) }
      return
    }
    e.preventDefault()
    if (!e.repeat && !held.has(code)) down(code, key)
  }
  const keyup = (e: KeyboardEvent) => {
    const code = e.code || e.key
    const key = evdev(code)
    if (key === undefined || !held.has(code)) return
    pasteNow()
    e.preventDefault()
    e.stopPropagation()
    if (chord) return el.blur() // blur lets go and tells
    up(code, key)
    // macOS sends no keyup for keys let go while Meta is held.
    if (code.startsWith('Meta')) letGo()
  }
  const blur = () => {
    const wanted = chord
    letGo()
    if (wanted) onRelease()
  }
  const paste = (e: ClipboardEvent) => {
    e.preventDefault()
    if (sink.active()) sink.paste?.(e.clipboardData)
    pasteNow()
  }
  const stop = new AbortController()
  const on = listener(el, stop.signal)
  on('keydown', keydown)
  on('keyup', keyup)
  on('blur', blur)
  on('paste', paste)
  window.addEventListener('blur', blur, { signal: stop.signal })
  return {
    holds: (code) => held.has(code),
    end: () => {
      letGo()
      stop.abort()
    },
  }
}

/**
 * Sends the mouse, pen and fingers over an element to a screen. One finger
 * points and taps, two turn the wheel, see Touch. A screen that takes how far a
 * mouse moved holds it from the first press on, see Mouse. Returns the way to end it,
 * and the one to let the mouse go.
 */
export function attachPointer(el: HTMLElement, sink: PointerSink): { end(): void; freeMouse(): void } {
  const buttons = new Set<number>()
  const wheel = new Wheel()
  const turn = ({ dx, dy }: { dx: number; dy: number }) => {
    if (dx || dy) sink.send(say.wheel(dx, dy))
  }
  const button = (n: number, down: boolean) => {
    if (down) buttons.add(n)
    else if (!buttons.delete(n)) return
    sink.send(say.button(n, down))
  }
  const letGo = () => [...buttons].forEach((n) => button(n, false))
  const stop = new AbortController()
  const mouse = new Mouse(el, sink, stop.signal)
  const at = (e: PointerEvent, phase: Phase) => {
    if (!mouse.held) sink.point(e.clientX, e.clientY, phase)
  }
  const touch = new Touch({
    point: (x, y, phase) => sink.point(x, y, phase),
    button,
    turn: (dx, dy) => turn(wheel.notches(dx, dy)),
    zoom: (factor, x, y, dx, dy) => sink.zoom?.(factor, x, y, dx, dy),
  })

  const press = (e: PointerEvent) => {
    if (!sink.active()) return
    sink.focus()
    if (e.pointerType === 'touch') {
      e.preventDefault()
      capture(e)
      return touch.down(e.pointerId, e.clientX, e.clientY)
    }
    const n = BUTTONS[e.button]
    if (n === undefined) return
    e.preventDefault()
    if (mouse.take(e)) return
    if (!mouse.held) capture(e)
    at(e, buttons.size === 0 ? 'press' : 'hold')
    button(n, true)
  }
  const lift = (e: PointerEvent) => {
    if (e.pointerType === 'touch') return touch.up(e.pointerId)
    const n = BUTTONS[e.button]
    if (n === undefined || !buttons.has(n)) return
    e.preventDefault()
    at(e, 'hold')
    button(n, false)
  }
  const move = (e: PointerEvent) => {
    if (e.pointerType === 'touch') return touch.move(e.pointerId, e.clientX, e.clientY)
    // A second button while one is down comes as a move (Pointer Events, chorded buttons).
    if (e.button >= 0) return (e.buttons & [1, 4, 2, 8, 16][e.button]!) !== 0 ? press(e) : lift(e)
    if (!sink.active()) return
    if (mouse.held) mouse.move(e.movementX, e.movementY)
    else at(e, buttons.size === 0 ? 'move' : 'hold')
  }
  const cancel = (e: PointerEvent) => (e.pointerType === 'touch' ? touch.cancel() : letGo())
  const scroll = (e: WheelEvent) => {
    if (!sink.active()) return
    e.preventDefault()
    const pinch = e.ctrlKey && sink.zoom && !sink.holds?.('ControlLeft') && !sink.holds?.('ControlRight')
    if (pinch) return sink.zoom!(PINCH ** (-e.deltaY / 100), e.clientX, e.clientY, 0, 0)
    turn(wheel.turn(e.deltaX, e.deltaY, e.deltaMode))
  }
  const on = listener(el, stop.signal)
  on('pointermove', move)
  on('pointerdown', press)
  on('pointerup', lift)
  on('pointercancel', cancel)
  on('wheel', scroll)
  on('contextmenu', (e) => e.preventDefault())
  window.addEventListener('blur', letGo, { signal: stop.signal })
  return {
    freeMouse: () => mouse.letGo(),
    end: () => {
      touch.cancel()
      letGo()
      mouse.letGo()
      stop.abort()
    },
  }
}

function capture(e: PointerEvent): void {
  if (e.isTrusted) (e.target as Element).setPointerCapture(e.pointerId)
}

function listener(el: HTMLElement, signal: AbortSignal) {
  return <K extends keyof HTMLElementEventMap>(type: K, f: (e: HTMLElementEventMap[K]) => void) =>
    el.addEventListener(type, f, { signal, passive: false })
}

/** Whether an input method has a key (UI Events: keyCode 229). Dead keys are physical ones here. */
function composes(e: KeyboardEvent): boolean {
  return e.isComposing || (e.keyCode === 229 && e.key !== 'Dead')
}

/** Whether a key only chooses what others type: AltGr, and Option on a Mac. */
function chooses(e: KeyboardEvent): boolean {
  return e.key === 'AltGraph' || (e.key === 'Alt' && /mac/i.test(navigator.platform))
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
