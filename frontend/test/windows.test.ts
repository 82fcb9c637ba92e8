import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { layOut, tightness } from '../src/mirror/desk'
import { Memory } from '../src/mirror/memory'
import { Pointing } from '../src/mirror/pointing'
import { Windows } from '../src/mirror/windows.svelte'
import { parseHost, WireError } from '../src/mirror/wire'
import { ACTIVE, DIALOG, MAXIMIZED, MINIMIZED, MODAL, POPUP, sayWindow, type Told } from '../src/mirror/wirewindows'

vi.stubGlobal('ImageData', class {})

const told = (id: number, more: Partial<Told> = {}): Told => ({
  id, parent: 0, flags: 0, x: 0, y: 0, width: 400, height: 300, minWidth: 0, minHeight: 0, maxWidth: 0, maxHeight: 0, title: 'w' + id, ...more,
})
const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')
const u16 = (...n: number[]) => n.flatMap((v) => [(v >> 8) & 255, v & 255])

describe('messages about windows', () => {
  it('reads each', () => {
    const body = [0x11, ...u16(0, 7, 0, 3, 0x41, -5, 9, 640, 480, 1, 2, 3, 4), 0x68, 0x69]
    expect(parseHost(Uint8Array.from(body))).toEqual({
      type: 'window',
      window: { id: 7, parent: 3, flags: 65, x: -5, y: 9, width: 640, height: 480, minWidth: 1, minHeight: 2, maxWidth: 3, maxHeight: 4, title: 'hi' },
    })
    expect(parseHost(Uint8Array.of(0x10, 0, 0, 0, 9))).toEqual({ type: 'on', id: 9 })
    expect(parseHost(Uint8Array.of(0x12, 0, 0, 0, 9))).toEqual({ type: 'gone', id: 9 })
    expect(parseHost(Uint8Array.of(0x13, 0, 0, 0, 9, 1, 2))).toEqual({ type: 'icon', id: 9, png: Uint8Array.of(1, 2) })
    expect(parseHost(Uint8Array.of(0x28, 0xe4, 0xb8, 0xad))).toEqual({ type: 'untyped', text: '中' })
    expect(parseHost(Uint8Array.of(1, 1, 2, 0, 1, 0, 1))).toMatchObject({ windows: true, viewOnly: false })
  })
  it.each([
    ['cut off', [0x11, 0, 0, 0, 1, 0]],
    ['without a number', [0x11, ...u16(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)]],
    ['on too long', [0x10, 0, 0, 0, 1, 0]],
    ['gone too short', [0x12, 0, 0]],
  ])('refuses one %s', (_, b) => expect(() => parseHost(Uint8Array.from(b))).toThrow(WireError))
  it('writes each', () => {
    expect(hex(sayWindow.over(0x10002))).toBe('9000010002')
    expect(hex(sayWindow.place(1, -1, 2, 3, 4))).toBe('9100000001ffff000200030004')
    expect(hex(sayWindow.state(1, MAXIMIZED, MAXIMIZED))).toBe('92000000010808')
    expect(hex(sayWindow.shut(1))).toBe('9300000001')
    expect(hex(sayWindow.desk(1920, 1080))).toBe('9407800438')
  })
})

let sent: string[]
let windows: Windows
let view: { send(m: Uint8Array): void; viewOnly: boolean; keepsUp: boolean }
const shown = vi.fn()
const audience = { shown, failed: vi.fn() }
beforeEach(() => {
  vi.useFakeTimers()
  sent = []
  view = { send: (m) => void sent.push(hex(m)), viewOnly: false, keepsUp: true }
  windows = new Windows(view)
  windows.setDesk(800, 600, 30)
  windows.begin(audience, false)
  sent = []
})
afterEach(() => {
  windows.close()
  vi.useRealTimers()
})
const tell = (...all: Told[]) => all.forEach((window) => windows.take({ type: 'window', window }))
const gone = (id: number) => windows.take({ type: 'gone', id })
const tabs = () => windows.tabs.map((p) => p.id)
/** A key frame of one fill, as docs/wire.md has it. */
const frame = (seq: number, w: number, h: number) => ({
  type: 'part' as const, seq, part: 0, parts: 1, bytes: Uint8Array.from([1, ...u16(w, h), 2, ...u16(0, 0, w, h), 9, 9, 9]),
})

describe('the windows of an app', () => {
  it('says the desk first', () => {
    windows.begin(audience, false)
    expect(sent).toEqual([hex(sayWindow.desk(800, 600))])
  })

  it('are tabs, but for dialogs and menus, and fill the desk', () => {
    tell(told(1, { flags: ACTIVE }), told(2), told(3, { parent: 1, flags: DIALOG | MODAL }), told(4, { parent: 3, flags: POPUP }))
    expect(tabs()).toEqual([1, 2])
    expect(windows.chosen).toBe(1)
    expect(windows.family(windows.shown!).map((p) => p.id)).toEqual([1, 3, 4])
    expect(sent).toEqual([1, 2].map((id) => hex(sayWindow.state(id, MAXIMIZED, MAXIMIZED))))
  })

  it('of one size stand in the middle', () => {
    tell(told(1, { minWidth: 400, maxWidth: 400, minHeight: 300, maxHeight: 300 }), told(2, { flags: DIALOG, x: 200, y: 150 }))
    expect(sent).toEqual([hex(sayWindow.place(1, 200, 150, 400, 300))])
  })

  it('give way to the one that the host gives the focus, but not to an echo of before', () => {
    tell(told(1, { flags: ACTIVE }), told(2))
    windows.choose(windows.panes.get(2)!)
    expect(sent.at(-1)).toBe(hex(sayWindow.state(2, ACTIVE, ACTIVE)))
    windows.choose(windows.panes.get(1)!)
    tell(told(1), told(2, { flags: ACTIVE })) // the answer to the first choice
    expect(windows.chosen).toBe(1)
    tell(told(2), told(1, { flags: ACTIVE }))
    tell(told(1), told(2, { flags: ACTIVE })) // the app's own
    expect(windows.chosen).toBe(2)
    tell(told(2), told(3, { flags: ACTIVE })) // a new one
    expect(windows.chosen).toBe(3)
  })

  it('that go leave the tab beside, which gets the focus', () => {
    tell(told(1), told(2, { flags: ACTIVE }), told(3))
    gone(2)
    expect([tabs(), windows.chosen]).toEqual([[1, 3], 3])
    expect(sent.at(-1)).toBe(hex(sayWindow.state(3, ACTIVE, ACTIVE)))
  })

  it('get frames of their own, and acknowledge them', () => {
    tell(told(1), told(2))
    sent = []
    windows.take({ type: 'on', id: 2 })
    windows.part(frame(1, 40, 30))
    windows.take({ type: 'on', id: 1 })
    windows.part(frame(1, 50, 60))
    windows.take({ type: 'on', id: 77 })
    windows.part(frame(9, 1, 1)) // of one that is gone
    expect(sent).toEqual([hex(sayWindow.over(2)), '8500000001', hex(sayWindow.over(1)), '8500000001'])
    expect([windows.panes.get(2)!.width, windows.panes.get(1)!.height]).toEqual([40, 60])
  })

  it('take keys where the focus is: a modal dialog has them, not its menu', () => {
    tell(told(1), told(3, { parent: 1, flags: DIALOG | MODAL }), told(4, { parent: 3, flags: POPUP }))
    sent = []
    windows.keys(Uint8Array.of(0x87))
    expect(sent).toEqual([hex(sayWindow.over(3)), '87'])
  })

  it('are closed by their app; without any the view says bye', () => {
    tell(told(1, { flags: ACTIVE }))
    windows.shut(windows.panes.get(1)!)
    expect(sent.at(-1)).toBe(hex(sayWindow.shut(1)))
    gone(1)
    vi.advanceTimersByTime(2900)
    expect(sent).not.toContain('89')
    vi.advanceTimersByTime(200)
    expect(sent.at(-1)).toBe('89')
  })

  it('that open another one in time keep the app', () => {
    tell(told(1, { flags: ACTIVE }))
    windows.shut(windows.panes.get(1)!)
    gone(1)
    tell(told(2))
    vi.advanceTimersByTime(5000)
    expect(sent).not.toContain('89')
  })

  it('stay when the connection is lost, but for menus, and are those told of again', () => {
    tell(told(1, { flags: ACTIVE }), told(2), told(3, { parent: 1, flags: POPUP }))
    const before = windows.panes.get(1)
    windows.lost()
    expect([...windows.panes.keys()]).toEqual([1, 2])
    windows.begin(audience, false)
    tell(told(1, { flags: ACTIVE | MAXIMIZED }))
    windows.take({ type: 'on', id: 1 })
    windows.part(frame(1, 5, 5)) // numbers begin anew
    expect(windows.panes.get(1)).toBe(before)
    vi.advanceTimersByTime(3100)
    expect([...windows.panes.keys()]).toEqual([1])
  })

  it('that were closed while the connection was lost are closed when they are told of again, once', () => {
    tell(told(1, { flags: ACTIVE }))
    windows.lost()
    windows.shut(windows.panes.get(1)!)
    windows.begin(audience, false)
    expect(sent).not.toContain(hex(sayWindow.shut(1)))
    tell(told(1, { flags: ACTIVE }))
    tell(told(1, { flags: ACTIVE, title: 'Save?' }))
    expect(sent.filter((m) => m === hex(sayWindow.shut(1))).length).toBe(1)
    windows.lost() // the app asked something and the person went on
    windows.begin(audience, false)
    tell(told(1, { flags: ACTIVE }))
    expect(sent.filter((m) => m === hex(sayWindow.shut(1))).length).toBe(1)
  })

  it('that are minimized come back when they are chosen', () => {
    tell(told(1, { flags: ACTIVE }), told(2, { flags: MINIMIZED }))
    sent = []
    windows.choose(windows.panes.get(2)!)
    expect(sent).toEqual([hex(sayWindow.state(2, MINIMIZED, 0)), hex(sayWindow.state(2, ACTIVE, ACTIVE))])
  })

  it('are as large as before when the person leaves', () => {
    tell(told(1), told(2, { flags: MAXIMIZED }))
    tell(told(1, { flags: MAXIMIZED }))
    sent = []
    windows.leave()
    expect(sent).toEqual([hex(sayWindow.state(1, MAXIMIZED, 0))])
  })

  it('are only looked at without control', () => {
    view.viewOnly = true
    tell(told(1), told(2))
    windows.choose(windows.panes.get(2)!)
    windows.shut(windows.panes.get(2)!)
    expect([windows.chosen, sent]).toEqual([2, []])
  })

  it('are no more than a page can hold', () => {
    for (let id = 1; id <= 128; id++) tell(told(id))
    expect(() => tell(told(129))).toThrow(WireError)
  })

  it('that are each other’s parents end nothing', () => {
    tell(told(1, { parent: 2 }), told(2, { parent: 1 }))
    expect(tabs().length).toBeGreaterThan(0)
  })
})

describe('the memory of windows', () => {
  const head = (w: number, h: number, content: number) => Uint8Array.from([3, ...u16(w, h), ...u16(content >> 16, content & 0xffff), 0])
  it('refuses content out of proportion and pictures too large together', () => {
    const memory = new Memory()
    memory.check(1, head(10, 10, 1 << 20))
    expect(() => memory.check(1, head(10, 10, 2 << 20))).toThrow(WireError)
    memory.check(2, head(8192, 4096, 0))
    expect(() => memory.check(3, head(8192, 4096, 0))).toThrow(WireError)
    memory.forget(2)
  })
  it('bounds frames under way', () => {
    const memory = new Memory()
    memory.hold(60 << 20)
    expect(() => memory.hold(5 << 20)).toThrow(WireError)
  })
})

describe('the layout of a tab', () => {
  const lay = (bar = 30) => layOut(windows.family(windows.shown!), windows.desk, bar)
  const places = (bar = 30) => lay(bar).boxes.map((b) => [b.pane.id, b.x, b.y])
  it('has menus and dialogs where they are at the host', () => {
    tell(told(1, { width: 800, height: 600 }), told(3, { parent: 1, flags: DIALOG, x: 250, y: 200, width: 300, height: 200 }), told(4, { parent: 3, flags: POPUP, x: 260, y: 380, width: 90, height: 300 }))
    expect(places()).toEqual([[1, 0, 0], [3, 250, 200], [4, 260, 380]])
  })
  it('moves what belongs to a window along with it', () => {
    tell(told(1, { x: 30, y: 40, minWidth: 400, maxWidth: 400 }), told(4, { parent: 1, flags: POPUP, x: 35, y: 60, width: 90, height: 30 }))
    expect(places()).toEqual([[1, 200, 150], [4, 205, 170]])
  })
  it('keeps a dialog and its bar inside', () => {
    tell(told(1, { width: 800, height: 600 }), told(3, { parent: 1, flags: DIALOG, x: 700, y: 5, width: 300, height: 200 }))
    expect(places()[1]).toEqual([3, 500, 30])
    windows.move(windows.panes.get(3)!, 100, 90)
    expect(sent.at(-1)).toBe(hex(sayWindow.place(3, 100, 90, 300, 200)))
    expect(places()[1]).toEqual([3, 100, 90])
  })
  it('asks a dialog that is too large to fit, and shows it smaller until it does', () => {
    tell(told(1, { width: 800, height: 600 }), told(3, { parent: 1, flags: DIALOG, width: 800, height: 600 }))
    expect(sent.at(-1)).toBe(hex(sayWindow.place(3, 0, 30, 800, 570)))
    expect(lay().scale).toBeCloseTo(600 / 630)
    tell(told(3, { parent: 1, flags: DIALOG, y: 30, width: 800, height: 570 }))
    expect([lay().scale, places()[1]]).toEqual([1, [3, 0, 30]])
  })
  it('wants a larger desk for windows that cannot be as small', () => {
    const family = () => windows.family(windows.shown!)
    tell(told(1, { minWidth: 100, minHeight: 100 }))
    expect(tightness(family(), { width: 400, height: 300 }, 30)).toBe(1)
    tell(told(3, { parent: 1, flags: DIALOG, minWidth: 500, minHeight: 570 }))
    expect(tightness(family(), { width: 400, height: 300 }, 30)).toBe(2)
  })
  it('makes a window smaller that is larger than the desk', () => {
    tell(told(1, { width: 1600, height: 600, minWidth: 1600, maxWidth: 1600 }))
    expect(lay().scale).toBe(0.5)
    expect(places()).toEqual([[1, 0, 300]])
  })
})

describe('the pointer over windows', () => {
  const box = (id: number, x: number, y: number, w: number, h: number) => {
    const p = windows.panes.get(id)!
    Object.assign(p, { width: w, height: h })
    p.canvas.getBoundingClientRect = () => ({ left: x, top: y, right: x + w, bottom: y + h, width: w, height: h }) as DOMRect
  }
  let pointing: Pointing
  beforeEach(() => {
    tell(told(1), told(3, { parent: 1, flags: DIALOG }), told(4, { parent: 1, flags: POPUP }))
    box(1, 0, 0, 800, 600)
    box(3, 100, 100, 200, 100)
    box(4, 250, 150, 100, 100)
    pointing = new Pointing(windows)
    sent = []
  })
  const last = () => sent.slice(-2)
  it('is in the topmost one', () => {
    pointing.point(110, 105, 'move')
    expect(last()).toEqual([hex(sayWindow.over(3)), '82000a0005'])
    pointing.point(260, 155, 'move')
    expect(last()).toEqual([hex(sayWindow.over(4)), '82000a0005'])
  })
  it('stays with the one where a button went down, but goes into menus', () => {
    pointing.point(400, 400, 'press')
    pointing.point(110, 105, 'hold')
    expect(sent.at(-1)).toBe('82006e0069')
    pointing.point(260, 155, 'hold')
    expect(last()).toEqual([hex(sayWindow.over(4)), '82000a0005'])
  })
  it('presses beside all windows to close menus', () => {
    box(1, 0, 0, 300, 300)
    pointing.point(10, 10, 'move')
    pointing.point(700, 500, 'press')
    pointing.send(Uint8Array.of(0x83, 1, 1))
    expect(last()).toEqual([hex(sayWindow.over(0)), '830101'])
  })
})
