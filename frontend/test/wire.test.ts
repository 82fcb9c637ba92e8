import { describe, expect, it } from 'vitest'
import { Assembler, parseHost, say, WireError } from '../src/mirror/wire'

const bytes = (...b: number[]) => Uint8Array.from(b)
const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')

describe('messages of a host', () => {
  it('reads each type', () => {
    expect(parseHost(bytes(1, 1, 1, 3, 32, 2, 88, 65))).toEqual({ type: 'hello', viewOnly: true, windows: false, width: 800, height: 600, title: 'A' })
    expect(parseHost(bytes(2, 0, 0, 0, 5, 0, 1, 0, 2, 9))).toMatchObject({ type: 'part', seq: 5, part: 1, parts: 2 })
    expect(parseHost(bytes(4, 0xe4, 0xbd, 0xa0))).toEqual({ type: 'title', title: '你' })
    expect(parseHost(bytes(5, 1, 66))).toEqual({ type: 'closed', reason: 'revoked', text: 'B' })
    expect(parseHost(bytes(7, 1))).toEqual({ type: 'pointing', relative: true })
    expect(parseHost(bytes(6, 0, 0, 0, 0, 0, 0, 1, 0))).toEqual({ type: 'pong', id: 256n })
  })
  it('skips a type it does not know', () => {
    expect(parseHost(bytes(0x42, 1, 2))).toBeNull()
    expect(parseHost(bytes(0x03))).toBeNull()
  })
  it.each([
    ['nothing', bytes()],
    ['too long', new Uint8Array(16385).fill(4)],
    ['hello cut off', bytes(1, 1, 0, 0)],
    ['hello of version 2', bytes(1, 2, 0, 0, 1, 0, 1)],
    ['part cut off', bytes(2, 0, 0, 0, 1, 0, 0, 0)],
    ['part beyond parts', bytes(2, 0, 0, 0, 1, 0, 1, 0, 1)],
    ['no parts', bytes(2, 0, 0, 0, 1, 0, 0, 0, 0)],
    ['closed without a reason', bytes(5)],
    ['pong too short', bytes(6, 1)],
    ['pointing too long', bytes(7, 1, 1)],
  ])('refuses %s', (_, b) => expect(() => parseHost(b)).toThrow(WireError))
})

describe('frame parts', () => {
  const part = (seq: number, part: number, parts: number, ...b: number[]) => ({ seq, part, parts, bytes: bytes(...b) })
  it('joins parts', () => {
    const a = new Assembler()
    expect(a.add(part(1, 0, 2, 1, 2))).toBeNull()
    expect(a.add(part(1, 1, 2, 3))).toEqual(bytes(1, 2, 3))
    expect(a.add(part(2, 0, 1, 4))).toEqual(bytes(4))
  })
  it.each([
    ['a first frame that is not 1', [part(2, 0, 1)]],
    ['a gap', [part(1, 0, 1), part(3, 0, 1)]],
    ['a part missing', [part(1, 0, 3), part(1, 2, 3)]],
    ['a frame begun before the last ended', [part(1, 0, 2), part(2, 0, 1)]],
    ['another count of parts', [part(1, 0, 3), part(1, 1, 2)]],
    ['the same part twice', [part(1, 0, 2), part(1, 0, 2)]],
  ])('refuses %s', (_, parts) => {
    const a = new Assembler()
    expect(() => parts.forEach((p) => a.add(p))).toThrow(WireError)
  })
  it('holds at most 64 MiB', () => {
    const a = new Assembler()
    const big = new Uint8Array(1 << 20)
    expect(() => {
      for (let i = 0; i < 66; i++) a.add({ seq: 1, part: i, parts: 70, bytes: big })
    }).toThrow('too large')
  })
})

it('writes what a viewer says', () => {
  expect(hex(say.key(30, true))).toBe('81001e01')
  expect(hex(say.pointer(1, 258))).toBe('8200010102')
  expect(hex(say.button(3, false))).toBe('830300')
  expect(hex(say.wheel(-120, 120))).toBe('84ff880078')
  expect(hex(say.ack(7))).toBe('8500000007')
  expect(hex(say.resize(1280, 800))).toBe('8605000320')
  expect([say.release(), say.refresh(), say.bye()].map(hex)).toEqual(['87', '88', '89'])
  expect(hex(say.ping(1n))).toBe('8a0000000000000001')
})
