import { Blob as NodeBlob, File as NodeFile } from 'node:buffer'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Clipboard, pictureOf, type Copied, type Note } from '../src/mirror/clipboard'
import { FILES, ticketBytes } from '../src/mirror/filewire'
import { attachKeyboard } from '../src/mirror/input'
import { parseHost, say, WireError } from '../src/mirror/wire'

// jsdom's cannot be read.
vi.stubGlobal('Blob', NodeBlob)
vi.stubGlobal('File', NodeFile)

const TEXT = 'text/plain;charset=utf-8'
const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')
const utf8 = (s: string) => new TextEncoder().encode(s)

describe('messages of the clipboard', () => {
  it('reads those of a host', () => {
    expect(parseHost(Uint8Array.of(0x18, 0, 0, 0, 7, ...utf8('a/b\nc/d\nrest')))).toEqual({ type: 'clipOffer', serial: 7, types: ['a/b', 'c/d'] })
    expect(parseHost(Uint8Array.of(0x19, 0, 0, 0, 7, ...utf8('a/b')))).toEqual({ type: 'clipWant', serial: 7, mime: 'a/b' })
    expect(parseHost(Uint8Array.of(0x1a, 0, 0, 0, 7, 3, 9))).toEqual({ type: 'clipData', serial: 7, last: true, refused: true, bytes: Uint8Array.of(9) })
    expect(() => parseHost(Uint8Array.of(0x18, 0, 0, 0))).toThrow(WireError)
    expect(() => parseHost(Uint8Array.of(0x1a, 0, 0, 0, 1))).toThrow(WireError)
  })
  it('writes those of a viewer', () => {
    expect(hex(say.clipOffer(1, ['a/b', 'c/d']))).toBe('9800000001' + hex(utf8('a/b\nc/d\n')))
    expect(hex(say.clipWant(2, 'a/b'))).toBe('9900000002' + hex(utf8('a/b')))
    expect(hex(say.clipData(2, 1, Uint8Array.of(5)))).toBe('9a000000020105')
  })
})

describe('the clipboard of a view', () => {
  let sent: Uint8Array[]
  let notes: Note[]
  let active: boolean
  let allowed: boolean
  let written: Copied[]
  let again: (() => void) | undefined
  let tickets: (Uint8Array | null)[]
  let clip: Clipboard
  beforeEach(() => {
    sent = []
    notes = []
    written = []
    tickets = []
    active = allowed = true
    clip = new Clipboard({
      send: (m) => sent.push(m),
      active: () => active,
      write: (what) => (allowed ? Promise.resolve(void written.push(what)) : Promise.reject(new Error('no'))),
      note: (n, then) => {
        notes.push(n)
        again = then
      },
      offered: (ticket) => tickets.push(ticket),
      ticket: (entries) => ticketBytes({ id: 1, files: entries.length, bytes: 0 }),
    })
  })
  const data = (text: Uint8Array, last: boolean) => clip.take({ type: 'clipData', serial: 4, last, refused: false, bytes: text })

  it('copies what the host offers while the person is in the view', async () => {
    clip.take({ type: 'clipOffer', serial: 4, types: ['text/html', TEXT] })
    expect(sent.map(hex)).toEqual([hex(say.clipWant(4, TEXT))])
    const text = utf8('屏幕')
    data(text.subarray(0, 4), false)
    data(text.subarray(4), true)
    await vi.waitFor(() => expect(notes).toEqual(['screen.copied']))
    expect(written).toEqual([{ text: '屏幕' }])
    clip.offer('屏幕')
    expect(sent).toHaveLength(1) // the host has it
  })
  it('says when the browser does not allow it', async () => {
    allowed = false
    clip.take({ type: 'clipOffer', serial: 4, types: [TEXT] })
    data(utf8('x'), true)
    await vi.waitFor(() => expect(notes).toEqual(['screen.copyBlocked']))
    allowed = true
    again!() // with the person's click
    await vi.waitFor(() => expect(written).toEqual([{ text: 'x' }]))
  })
  it('takes a picture with its text, and a ticket of files', async () => {
    const ticket = ticketBytes({ id: 3, files: 2, bytes: 9 })
    clip.take({ type: 'clipOffer', serial: 4, types: [FILES, 'image/png', TEXT] })
    data(utf8('x'), true)
    data(Uint8Array.of(1, 2), false)
    data(Uint8Array.of(3), true)
    data(ticket, true)
    await vi.waitFor(() => expect(notes).toEqual(['screen.copied']))
    expect(sent.map(hex)).toEqual([TEXT, 'image/png', FILES].map((mime) => hex(say.clipWant(4, mime))))
    expect(written[0]!.text).toBe('x')
    expect(written[0]!.png!.size).toBe(3)
    expect(tickets).toEqual([null, ticket])
    clip.take({ type: 'clipOffer', serial: 5, types: [] })
    expect(tickets.at(-1)).toBe(null)
  })
  it('gives a picture and a ticket when they are wanted', async () => {
    clip.offerPicture(new Blob([Uint8Array.of(1, 2, 3)], { type: 'image/png' }))
    expect(hex(sent.shift()!)).toBe(hex(say.clipOffer(1, ['image/png'])))
    clip.take({ type: 'clipWant', serial: 1, mime: 'image/png' })
    await vi.waitFor(() => expect(sent.map(hex)).toEqual([hex(say.clipData(1, 1, Uint8Array.of(1, 2, 3)))]))
    expect(notes).toEqual(['screen.pasted'])
    clip.offerFiles(Promise.resolve([{ path: 'a', file: new File([], 'a') }]))
    clip.take({ type: 'clipWant', serial: 2, mime: FILES })
    await vi.waitFor(() => expect(hex(sent.at(-1)!)).toBe(hex(say.clipData(2, 1, ticketBytes({ id: 1, files: 1, bytes: 0 })))))
    clip.offerFiles(Promise.reject(new Error('gone')))
    clip.take({ type: 'clipWant', serial: 3, mime: FILES })
    await vi.waitFor(() => expect(hex(sent.at(-1)!)).toBe(hex(say.clipData(3, 3, new Uint8Array()))))
  })
  it('tells a picture from a file of one', () => {
    const data = (...files: File[]) => ({ files }) as unknown as DataTransfer
    const picture = new File([], 'image.png', { type: 'image/png' })
    expect(pictureOf(data(picture))).toBe(picture)
    expect(pictureOf(data(new File([], 'me.png', { type: 'image/png' })))).toBe(null)
    expect(pictureOf(data(picture, picture))).toBe(null)
    expect(pictureOf(data())).toBe(null)
  })
  it('takes and gives nothing without the focus', () => {
    active = false
    clip.take({ type: 'clipOffer', serial: 4, types: [TEXT] })
    clip.offer('secret')
    expect(sent).toEqual([])
    active = true
    clip.offer('secret')
    active = false
    clip.take({ type: 'clipWant', serial: 1, mime: TEXT })
    expect(hex(sent.at(-1)!)).toBe(hex(say.clipData(1, 3, new Uint8Array())))
  })
  it('holds no more than a small text of a hostile host', () => {
    clip.take({ type: 'clipOffer', serial: 4, types: [TEXT] })
    for (let n = 0; n < 70; n++) data(new Uint8Array(16 << 10), false)
    expect(notes).toEqual(['screen.copyLarge'])
  })
  it('gives what was offered, in pieces', () => {
    clip.offer('ab'.repeat(10_000))
    expect(hex(sent.shift()!)).toBe(hex(say.clipOffer(1, [TEXT])))
    clip.take({ type: 'clipWant', serial: 1, mime: TEXT })
    expect(sent.map((m) => [m.length, m[5]])).toEqual([[16384, 0], [6 + 20_000 - 16_378, 1]])
    expect(notes).toEqual(['screen.pasted'])
  })
})

describe('the keys that paste', () => {
  let log: string[]
  let el: HTMLElement
  beforeEach(() => {
    document.body.innerHTML = '<div tabindex="0"></div>'
    el = document.body.firstElementChild as HTMLElement
    log = []
    attachKeyboard(
      el,
      {
        send: (m) => log.push(hex(m)),
        active: () => true,
        paste: (data) => log.push('paste ' + data?.getData('text/plain')),
      },
      () => {},
    )
  })
  const key = (type: string, code: string) => {
    const e = new KeyboardEvent(type, { code, ctrlKey: true, cancelable: true, bubbles: true })
    el.dispatchEvent(e)
    return e
  }
  it('wait for the text', () => {
    key('keydown', 'ControlLeft')
    expect(key('keydown', 'KeyV').defaultPrevented).toBe(false)
    expect(log).toEqual(['81001d01'])
    const paste = new Event('paste', { cancelable: true })
    Object.assign(paste, { clipboardData: { getData: () => 'hello' } })
    el.dispatchEvent(paste)
    key('keyup', 'KeyV')
    expect(log).toEqual(['81001d01', 'paste hello', '81002f01', '81002f00'])
  })
  it('do without where none comes', () => {
    key('keydown', 'ControlLeft')
    key('keydown', 'KeyV')
    key('keyup', 'KeyV')
    expect(log).toEqual(['81001d01', '81002f01', '81002f00'])
  })
})
