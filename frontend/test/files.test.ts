import { Blob as NodeBlob, File as NodeFile } from 'node:buffer'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { FILES, MAX_PIECE, parseTicket, sayFile, ticketBytes, word, type FileMessage } from '../src/mirror/filewire'
import { attachDrop } from '../src/mirror/drop'
import { Files, type Entry, type Moving } from '../src/mirror/files'
import { Flow } from '../src/mirror/flow'
import { movingText } from '../src/mirror/notice'
import { safePath, type Arrived } from '../src/mirror/takefiles'
import { parseHost, WireError } from '../src/mirror/wire'
import { crc32, zip } from '../src/mirror/zip'

// jsdom's cannot be read.
vi.stubGlobal('Blob', NodeBlob)
vi.stubGlobal('File', NodeFile)

const hex = (b: Uint8Array) => [...b].map((n) => n.toString(16).padStart(2, '0')).join('')
const utf8 = (s: string) => new TextEncoder().encode(s)

describe('messages of files', () => {
  it('are read', () => {
    const size = [0, 0, 0, 0, 0, 0, 0, 2]
    expect(parseHost(Uint8Array.of(0x1c, 0, 0, 0, 7))).toEqual({ type: 'fileTake', id: 7 })
    expect(parseHost(Uint8Array.of(0x1d, 0, 0, 0, 7, 1, ...size, ...utf8('a/ü')))).toEqual({ type: 'fileEntry', id: 7, dir: true, size: 2, path: 'a/ü', cost: 18 + 64 })
    expect(parseHost(Uint8Array.of(0x1e, 0, 0, 0, 7, 9))).toEqual({ type: 'filePiece', id: 7, bytes: Uint8Array.of(9), cost: 6 + 64 })
    expect(parseHost(Uint8Array.of(0x1f, 0, 0, 0, 7, 4, 2, ...size, 120))).toEqual({ type: 'fileNews', id: 7, word: 4, reason: 'noRoom', count: 2, text: 'x' })
  })
  it('that are bad end the view', () => {
    for (const bad of [[0x1c], [0x1c, 0, 0, 0, 1, 0], [0x1d, 0, 0, 0, 1, 0], [0x1d, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], [0x1d, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff], [0x1f, 0, 0, 0, 1]]) {
      expect(() => parseHost(Uint8Array.from(bad))).toThrow(WireError)
    }
  })
  it('are said', () => {
    const ticket = { id: 1, files: 2, bytes: 3 }
    expect(hex(sayFile.drop(ticket))).toBe('9b' + hex(ticketBytes(ticket)))
    expect(parseTicket(ticketBytes(ticket))).toEqual(ticket)
    expect(parseTicket(new Uint8Array(15))).toBe(null)
    expect(hex(sayFile.take(1))).toBe('9c00000001')
    expect(hex(sayFile.entry(1, true, 2, 'a'))).toBe('9d00000001' + '01' + '0000000000000002' + '61')
    expect(hex(sayFile.piece(1, Uint8Array.of(5)))).toBe('9e0000000105')
    expect(hex(sayFile.news(1, word.stop, 'noRoom', 3, 'x'))).toBe('9f00000001' + '0402' + '0000000000000003' + '78')
  })
})

/** A page whose host is another page: both say the same. */
class Side {
  told: Moving[] = []
  /** Called once, with the next news. */
  then: (() => void) | null = null
  saved: Arrived[][] = []
  peer: Side | null = null
  deaf = false
  readonly files = new Files({
    send: (m) => {
      const copy = m.slice()
      copy[0]! &= 0x7f
      queueMicrotask(() => this.peer?.hear(copy))
    },
    tell: (m) => {
      this.told.push(m)
      if (this.then) queueMicrotask(this.then)
      this.then = null
    },
    save: (files) => this.saved.push(files),
  })

  hear(b: Uint8Array): void {
    if (!this.deaf) this.files.take(parseHost(b) as FileMessage)
  }

  get over(): Moving | undefined {
    return this.told.find((m) => m.over)
  }
}

const file = (path: string, ...bytes: number[]): Entry => ({ path, file: new File([Uint8Array.from(bytes)], path.split('/').at(-1)!) })

describe('the files of a view', () => {
  let a: Side
  let b: Side
  beforeEach(() => {
    a = new Side()
    b = new Side()
    a.peer = b
    b.peer = a
  })
  const fetch = (entries: Entry[]) => b.files.fetch(b.files.look(a.files.ticket(entries))!)

  it('come whole, with directories', async () => {
    const large = new Uint8Array(3 * MAX_PIECE + 5).map((_, n) => n * 7)
    fetch([{ path: 'd', file: null }, file('d/empty'), { path: 'd/large', file: new File([large], 'large') }, file('ü', 1, 2)])
    await vi.waitFor(() => expect(b.saved).toHaveLength(1))
    const [empty, two, three] = b.saved[0]!
    expect([empty!.path, two!.path, three!.path]).toEqual(['d/empty', 'd/large', 'ü'])
    expect(new Uint8Array(await two!.blob.arrayBuffer())).toEqual(large)
    expect(two!.crc).toBe(crc32(large))
    await vi.waitFor(() => expect(a.over?.over).toBe('kept'))
    expect(b.over).toMatchObject({ here: true, files: 3, over: 'kept' })
  })
  it('are cancelled by either side', async () => {
    for (const by of [a, b]) {
      b.then = () => by.files.cancel() // before the rest has come
      fetch([{ path: 'l', file: new File([new Uint8Array(1 << 22)], 'l') }])
      await vi.waitFor(() => expect([a.over?.over, b.over?.over]).toEqual(['cancelled', 'cancelled']))
      expect(b.saved).toHaveLength(0)
      a.told = []
      b.told = []
      await new Promise((r) => setTimeout(r, 10))
    }
  })
  it('are refused when they are not there, or too many, or too large', async () => {
    b.files.fetch({ id: 77, files: 1, bytes: 1 })
    await vi.waitFor(() => expect(b.over?.over).toBe('gone'))
    expect(b.files.look(ticketBytes({ id: 1, files: 30_000, bytes: 1 }))).toBe(null)
    b.told = []
    b.files.fetch({ id: 78, files: 1, bytes: 2 ** 40 })
    expect(b.over?.over).toBe('noRoom')
  })
  it('of a hostile host are bounded', async () => {
    b.files.fetch({ id: 5, files: 1, bytes: 10 })
    b.files.take({ type: 'fileEntry', id: 5, dir: false, size: 2 ** 50, path: 'x', cost: 1 })
    await vi.waitFor(() => expect(b.over?.over).toBe('failed'))
    b.told = []
    b.files.fetch({ id: 6, files: 1, bytes: 10 })
    b.files.take({ type: 'fileEntry', id: 6, dir: false, size: 1, path: 'x', cost: 1 })
    b.files.take({ type: 'filePiece', id: 6, bytes: new Uint8Array(2), cost: 1 })
    await vi.waitFor(() => expect(b.over?.over).toBe('failed'))
  })
  it('that are dropped tell where they went, or why not', async () => {
    a.files.drop([file('x', 1)])
    a.files.take({ type: 'fileNews', id: 1, word: word.stop, reason: 'forbidden', count: 0, text: '' })
    expect(a.over).toMatchObject({ drop: true, over: 'forbidden' })
    a.told = []
    b.deaf = true
    a.files.drop([file('x', 1)])
    a.files.take({ type: 'fileTake', id: 2 })
    a.files.take({ type: 'fileNews', id: 2, word: word.kept, reason: 'failed', count: 1, text: '~/Downloads' })
    await vi.waitFor(() => expect(a.over).toMatchObject({ over: 'kept', where: '~/Downloads' }))
    expect(movingText(a.over!, 'nas')).toMatchObject({ key: 'screen.filesDropped', params: { where: '~/Downloads', files: '1 file (1 B)' } })
  })
  it('end with their connection', async () => {
    b.deaf = true
    fetch([file('x', 1)])
    b.files.begin()
    await vi.waitFor(() => expect(b.over?.over).toBe('gone'))
  })
})

it('makes the names of a host safe', () => {
  expect(safePath('a/../\u202eb\x00/..\\c/. ')).toBe('a/_/_b_/.._c/_')
  expect(safePath('👨\u200d👩')).toBe('👨\u200d👩')
})

it('follows the path with what is under way', () => {
  const flow = new Flow()
  let now = 1
  const round = (ms: number) => {
    let sent = flow.got
    while (flow.open) {
      flow.send(16 << 10, now)
      sent += 16 << 10
    }
    now += ms
    expect(flow.answer(sent, now)).toBe(true)
  }
  for (let n = 0; n < 20; n++) round(20)
  expect(flow.size).toBe(1 << 20)
  for (let n = 0; n < 40; n++) round(200)
  expect(flow.size).toBe(20 << 10)
  expect(flow.answer(flow.got + 1, now)).toBe(false)
})

it('packs files as unzip reads them', async () => {
  expect(crc32(utf8('123456789'))).toBe(0xcbf43926)
  const bytes = utf8('hello')
  const b = new Uint8Array(await zip([{ path: 'd/ü', blob: new Blob([bytes]), crc: crc32(bytes) }]).arrayBuffer())
  const v = new DataView(b.buffer)
  expect(v.getUint32(0, true)).toBe(0x04034b50)
  expect(v.getUint32(14, true)).toBe(crc32(bytes))
  expect([v.getUint32(18, true), v.getUint16(26, true)]).toEqual([5, 4])
  const end = b.length - 22
  expect(v.getUint32(end, true)).toBe(0x06054b50)
  expect(v.getUint16(end + 10, true)).toBe(1)
  expect(v.getUint32(v.getUint32(end + 16, true), true)).toBe(0x02014b50)
})

it('takes files that are dropped, and lets none replace the page', () => {
  document.body.innerHTML = '<div></div>'
  const el = document.body.firstElementChild as HTMLElement
  const log: unknown[] = []
  let active = true
  const end = attachDrop(el, { active: () => active, point: (x, y) => log.push([x, y]), drop: (data) => log.push(data) })
  const fire = (target: EventTarget, type: string, types: string[]) => {
    const dataTransfer = { types }
    const e = Object.assign(new Event(type, { bubbles: true, cancelable: true }), { dataTransfer, clientX: 3, clientY: 4 })
    target.dispatchEvent(e)
    return { dataTransfer, prevented: e.defaultPrevented }
  }
  expect(fire(el, 'dragover', ['Files'])).toEqual({ dataTransfer: { types: ['Files'], dropEffect: 'copy' }, prevented: true })
  const { dataTransfer } = fire(el, 'drop', ['Files'])
  expect(log).toEqual([[3, 4], dataTransfer])
  expect(fire(el, 'drop', ['text/plain']).prevented).toBe(false)
  expect(fire(document.body, 'drop', ['Files']).prevented).toBe(true)
  active = false
  expect(fire(el, 'drop', ['Files']).prevented).toBe(true)
  expect(log).toHaveLength(2)
  end()
  expect(fire(el, 'drop', ['Files']).prevented).toBe(false)
})

it('has a type of its own', () => expect(FILES).toBe('application/x-hither-files'))
