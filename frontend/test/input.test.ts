import { beforeEach, expect, it, vi } from 'vitest'
import { fit } from '../src/mirror/fit'
import { attachInput, toSource, Wheel } from '../src/mirror/input'
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

let sent: string[]
let moved: number[][]
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
  attachInput(
    el,
    {
      send: (m) => sent.push(Buffer.from(m).toString('hex')),
      sendMove: (x, y) => moved.push([x, y]),
      size: () => ({ width: 100, height: 100 }),
      active: () => active,
    },
    released,
  )
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

it('sends buttons and the wheel', () => {
  el.dispatchEvent(new MouseEvent('pointerdown', { button: 2, buttons: 2, cancelable: true }))
  el.dispatchEvent(new MouseEvent('pointerup', { button: 2, cancelable: true }))
  el.dispatchEvent(new WheelEvent('wheel', { deltaY: -100 }))
  expect(sent).toEqual(['830301', '830300', '840000ff88'])
  expect(moved.length).toBe(2)
})
