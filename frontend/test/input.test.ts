import { beforeEach, describe, expect, it, vi } from 'vitest'
import { asked, fit, middle, toWhole } from '../src/mirror/fit'
import { attachKeyboard, attachPointer, toSource, Wheel } from '../src/mirror/input'
import { evdev, keymap } from '../src/mirror/keymap'

it('maps physical keys to evdev', () => {
  const want: Record<string, number> = {
    Escape: 1, Digit1: 2, Digit0: 11, KeyQ: 16, KeyP: 25, KeyA: 30, KeyL: 38, KeyZ: 44, KeyM: 50, Space: 57, F1: 59, F10: 68,
    F11: 87, F12: 88, F13: 183, F24: 194, Numpad7: 71, Numpad0: 82, Numpad5: 76, NumpadEnter: 96, ArrowUp: 103, MetaLeft: 125,
    AltRight: 100, IntlBackslash: 86, IntlYen: 124, ContextMenu: 127,
  }
  for (const [code, key] of Object.entries(want)) expect(evdev(code), code).toBe(key)
  expect(evdev('Unidentified')).toBeUndefined()
})

it('has every key of a 105-key board once', () => {
  const codes = new Set(keymap.values())
  for (let code = 1; code <= 83; code++) expect(codes.has(code), `KEY ${code}`).toBe(true)
  for (const code of [86, 87, 88, ...Array.from({ length: 16 }, (_, i) => 96 + i).filter((c) => c !== 101), 119, 125, 126, 127]) {
    expect(codes.has(code), `KEY ${code}`).toBe(true)
  }
})

it('finds the source pixel under the pointer', () => {
  const box = { left: 100, top: 50, width: 400, height: 200 }
  const size = { width: 800, height: 400 }
  expect(toSource({ x: 100, y: 50 }, box, size)).toEqual({ x: 0, y: 0 })
  expect(toSource({ x: 300.4, y: 150 }, box, size)).toEqual({ x: 400, y: 200 })
  expect(toSource({ x: 9999, y: -5 }, box, size)).toEqual({ x: 799, y: 0 })
})

it('begins pictures at whole device pixels', () => {
  for (const [at, dpr] of [[211, 1.5], [211, 2], [10.5, 1], [7, 1.25]] as const) {
    const whole = (at + toWhole(at, dpr)) * dpr
    expect(Math.abs(whole - Math.round(whole))).toBeLessThan(0.02)
    expect(toWhole(at, dpr) * dpr).toBeLessThan(1)
  }
  expect(middle(1001, 800, 1)).toBe(100)
  expect(middle(1001, 800, 2)).toBe(100.5)
})

it('adds up fractions of a wheel notch', () => {
  const wheel = new Wheel()
  expect(wheel.turn(0, 100, 0)).toEqual({ dx: 0, dy: 120 })
  expect(wheel.turn(0, 1, 1)).toEqual({ dx: 0, dy: 40 })
  const turns = Array.from({ length: 10 }, () => wheel.turn(0, 0.5, 0).dy)
  expect(turns.reduce((a, b) => a + b)).toBe(6)
})

it('shows larger pictures by whole device pixels', () => {
  expect(fit({ width: 800, height: 600 }, { width: 1000, height: 700 }, 1)).toEqual({ width: 800, height: 600, crisp: true })
  expect(fit({ width: 640, height: 400 }, { width: 1400, height: 900 }, 1)).toEqual({ width: 1280, height: 800, crisp: true })
  expect(fit({ width: 800, height: 600 }, { width: 1000, height: 700 }, 2)).toEqual({ width: 800, height: 600, crisp: true })
  expect(fit({ width: 2000, height: 1000 }, { width: 1000, height: 900 }, 1)).toEqual({ width: 1000, height: 500, crisp: false })
})

it('shows a source on a fine display no smaller than on a coarse one', () => {
  // 1.56 device pixels for each: one would be half the size.
  expect(fit({ width: 1280, height: 800 }, { width: 1000, height: 700 }, 2)).toEqual({ width: 1000, height: 625, crisp: false })
  expect(fit({ width: 500, height: 350 }, { width: 1000, height: 700 }, 2)).toEqual({ width: 1000, height: 700, crisp: true })
})

it.each([
  [1, false, 1000, 700],
  [1.5, false, 1500, 1050],
  [2, false, 1000, 700],
  [2, true, 2000, 1400],
  [2.625, false, 1312, 918],
  [3, false, 1000, 700],
])('asks for a size that fills whole device pixels: %s, sharp %s', (dpr, sharp, width, height) => {
  const box = { width: 1000, height: 700 }
  expect(asked(box, dpr, sharp)).toEqual({ width, height })
  expect(fit({ width, height }, box, dpr, sharp).crisp).toBe(true)
})

let sent: string[]
let moved: unknown[][]
let typed: string[]
let letters: boolean
let el: HTMLElement
let released = vi.fn()
let active = true
beforeEach(() => {
  document.body.innerHTML = '<div tabindex="0"></div>'
  el = document.body.firstElementChild as HTMLElement
  sent = []
  moved = []
  active = true
  released = vi.fn()
  typed = []
  letters = false
  const sink = {
    send: (m: Uint8Array) => void sent.push(Buffer.from(m).toString('hex')),
    active: () => active,
    type: (text: string) => void typed.push(text),
    letters: () => letters,
  }
  attachKeyboard(el, sink, released)
  attachPointer(el, { ...sink, focus: () => el.focus(), point: (x, y, phase) => void moved.push([x, y, phase]) })
  el.focus()
})
const key = (type: string, code: string, more = {}) => el.dispatchEvent(new KeyboardEvent(type, { code, cancelable: true, bubbles: true, ...more }))

it('sends keys once and lets all go when the focus leaves', () => {
  key('keydown', 'KeyA')
  key('keydown', 'KeyA', { repeat: true })
  key('keydown', 'ShiftLeft')
  key('keyup', 'KeyA')
  el.blur()
  expect(sent).toEqual(['81001e01', '81002a01', '81001e00', '87'])
})

it('gives the keyboard back on Ctrl+Alt alone, and passes Ctrl+Alt+T on', () => {
  key('keydown', 'ControlLeft')
  key('keydown', 'AltLeft')
  key('keydown', 'KeyT')
  for (const code of ['KeyT', 'AltLeft', 'ControlLeft']) key('keyup', code)
  expect(document.activeElement).toBe(el)
  expect(sent).toContain('81001401')
  key('keydown', 'ControlLeft')
  key('keydown', 'AltLeft')
  key('keyup', 'AltLeft')
  expect(document.activeElement).not.toBe(el)
  expect(sent.at(-1)).toBe('87')
  expect(released).toHaveBeenCalledOnce()
})

it('sends nothing while the view is not live', () => {
  active = false
  expect(key('keydown', 'KeyA')).toBe(true)
  el.dispatchEvent(new WheelEvent('wheel', { deltaY: 100 }))
  expect(sent).toEqual([])
})

describe('a screen that takes how far a mouse moved', () => {
  let relative: boolean
  let keepsUp: boolean
  let lock: ReturnType<typeof vi.fn>
  const held = (now: boolean) => Object.defineProperty(document, 'pointerLockElement', { value: now ? el : null, configurable: true })
  const point = (type: string, { movementX = 0, movementY = 0, ...more }) => {
    const e = Object.assign(new MouseEvent(type, { cancelable: true, ...more }), { pointerType: 'mouse' })
    el.dispatchEvent(Object.defineProperties(e, { movementX: { value: movementX }, movementY: { value: movementY } }))
  }
  const click = () => {
    point('pointerdown', { button: 0, buttons: 1 })
    point('pointerup', { button: 0 })
  }
  beforeEach(() => {
    document.body.innerHTML = '<div tabindex="0"></div>'
    el = document.body.firstElementChild as HTMLElement
    relative = keepsUp = true
    lock = vi.fn()
    Object.assign(el, { requestPointerLock: lock })
    held(false)
    attachPointer(el, {
      active: () => true, focus: () => {}, send: (m) => void sent.push(Buffer.from(m).toString('hex')),
      point: (x, y, phase) => void moved.push([x, y, phase]), relative: () => relative,
      motion: (dx, dy) => keepsUp && (moved.push([dx, dy]), true),
    })
  })

  it('holds it with the first press, which is not sent', () => {
    click()
    expect(lock).toHaveBeenCalledOnce()
    expect(sent).toEqual([])
    held(true)
    moved = []
    point('pointermove', { button: -1, movementX: 1.5, movementY: -3 })
    point('pointermove', { button: -1, movementX: 1.5, movementY: 0 })
    keepsUp = false
    point('pointermove', { button: -1, movementX: 5, movementY: 5 })
    keepsUp = true
    point('pointermove', { button: -1, movementX: 1, movementY: 0 })
    click()
    expect(moved).toEqual([[1, -3], [2, 0], [6, 5]])
    expect(sent).toEqual(['830101', '830100'])
    expect(lock).toHaveBeenCalledOnce()
  })

  it('gives places of a finger, and where the screen takes places', () => {
    relative = false
    click()
    expect(lock).not.toHaveBeenCalled()
    expect(sent).toEqual(['830101', '830100'])
  })
})

it('sends buttons and the wheel', () => {
  el.dispatchEvent(new MouseEvent('pointerdown', { button: 2, buttons: 2, cancelable: true }))
  el.dispatchEvent(new MouseEvent('pointerup', { button: 2, cancelable: true }))
  el.dispatchEvent(new WheelEvent('wheel', { deltaY: -100 }))
  expect(sent).toEqual(['830301', '830300', '840000ff88'])
  expect(moved.map((m) => m[2])).toEqual(['press', 'hold'])
})

it('leaves keys to an input method that has them', () => {
  expect(key('keydown', 'KeyN', { key: 'Process', keyCode: 229 })).toBe(true)
  key('keyup', 'KeyN', { key: 'n', keyCode: 78 })
  key('keydown', 'KeyN', { key: 'n', isComposing: true })
  expect(sent).toEqual([])
  // A dead key is a physical key; the host's layout knows what it is there.
  expect(key('keydown', 'Quote', { key: 'Dead', keyCode: 229 })).toBe(false)
  expect(sent).toEqual(['81002801'])
})

it('knows the named keys of a keyboard without codes', () => {
  key('keydown', '', { key: 'Enter' })
  key('keyup', '', { key: 'Enter' })
  expect(key('keydown', '', { key: 'a' })).toBe(true)
  expect(sent).toEqual(['81001c01', '81001c00'])
})

describe('by what keys type', () => {
  beforeEach(() => (letters = true))

  it('sends letters as text, again when they repeat, and the rest as keys', () => {
    for (const [code, k] of [['KeyY', 'z'], ['KeyY', 'z'], ['Space', ' '], ['Enter', 'Enter'], ['ArrowUp', 'ArrowUp']] as const) {
      expect(key('keydown', code, { key: k }), k).toBe(false)
      key('keyup', code, { key: k })
    }
    expect(typed).toEqual(['z', 'z'])
    expect(sent).toEqual(['81003901', '81003900', '81001c01', '81001c00', '81006701', '81006700'])
  })

  it('sends a shortcut as its modifier and its letter', () => {
    key('keydown', 'ControlLeft', { key: 'Control', ctrlKey: true })
    key('keydown', 'KeyY', { key: 'z', ctrlKey: true })
    key('keyup', 'ControlLeft', { key: 'Control' })
    expect([sent, typed]).toEqual([['81001d01', '81001d00'], ['z']])
  })

  it('keeps AltGr, also where it comes as Ctrl and Alt', () => {
    key('keydown', 'ControlLeft', { key: 'Control' })
    key('keydown', 'AltRight', { key: 'AltGraph' })
    key('keydown', 'KeyQ', { key: '@' })
    expect([sent, typed]).toEqual([['81001d01', '81001d00'], ['@']])
  })

  it('lets the browser put a dead key together', () => {
    expect(key('keydown', 'Quote', { key: 'Dead', keyCode: 222 })).toBe(true)
    expect(sent).toEqual([])
  })

  it('keeps the keyboard when Ctrl+Alt types something', () => {
    key('keydown', 'ControlLeft', { key: 'Control' })
    key('keydown', 'AltLeft', { key: 'Alt' })
    key('keydown', 'KeyT', { key: 't' })
    key('keyup', 'AltLeft', { key: 'Alt' })
    expect(document.activeElement).toBe(el)
  })
})
