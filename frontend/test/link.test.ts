import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { near, parseDatagram, writeDatagram } from '../src/mirror/datagram'
import { Link } from '../src/mirror/link'
import { WireError } from '../src/mirror/wire'

interface Vector {
  name: string
  hex: string
  bits: number
  body: string
}

const vectors = JSON.parse(readFileSync('../mirror/link/testdata/datagrams.json', 'utf8')) as Vector[]
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')

describe('datagrams', () => {
  it.each(vectors)('reads and writes $name as Go does', ({ name: _, hex: text, body, ...want }) => {
    const d = parseDatagram(bytes(text))
    expect(d).toMatchObject(want)
    expect(hex(d.body)).toBe(body)
    expect(hex(writeDatagram(d))).toBe(text)
  })
  it.each([
    ['nothing', ''],
    ['an unknown bit', '80'],
    ['data and parity', '060000000000000000ff'],
    ['no payload', '020000000000000000'],
    ['a short ack', '01000000'],
    ['too many ranges', '01000000000000000000000000000000000011'],
    ['ranges cut off', '01000000000000000000000000000000000001'],
    ['an empty range', '0100000000000000000000000000000000000100010000'],
    ['a parity of nothing', '0400000000000000000000000001'],
    ['too long', '00'.repeat(1151)],
  ])('refuses %s', (_, text) => expect(() => parseDatagram(bytes(text))).toThrow(WireError))
  it('finds the number near another', () => {
    expect(near(10, 5)).toBe(5)
    expect(near(0xfffffff0, 3)).toBe(0x100000003)
    expect(near(0x100000003, 0xfffffff0)).toBe(0xfffffff0)
  })
})

/** Two links over a network that loses, doubles and reorders. */
function pair(lose: () => boolean, delay: () => number) {
  const got: [string[], string[]] = [[], []]
  const kept: Uint8Array[] = []
  const ended = [0, 0]
  const sent = [0, 0]
  const links: Link[] = []
  const end = (i: number) =>
    new Link(
      {
        send: (d) => {
          sent[i]!++
          if (!lose()) setTimeout(() => links[1 - i]!.receive(d), delay())
        },
        message: (m) => {
          kept.push(m)
          got[i]!.push(hex(m))
        },
        ended: () => ended[i]!++,
      },
      () => Date.now(),
    )
  links.push(end(0), end(1))
  return { a: links[0]!, b: links[1]!, got, kept, ended, sent }
}

/** A seeded random number from 0 to 1. */
function random(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
}

describe('a link', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it.each([0, 0.01, 0.1, 0.2])('brings every message in order with %d lost', async (loss) => {
    const r = random(1)
    const { a, b, got } = pair(() => r() < loss, () => 20 + 10 * r())
    const want: [string[], string[]] = [[], []]
    for (let i = 0; i < 200; i++) {
      const m = new Uint8Array(i % 10 === 0 ? 5000 : 4).fill(i % 251)
      a.write(m)
      want[1].push(hex(m))
      b.write(m.subarray(0, 3))
      want[0].push(hex(m.subarray(0, 3)))
      await vi.advanceTimersByTimeAsync(r() * 20)
    }
    await vi.advanceTimersByTimeAsync(20_000)
    expect(got[1]).toEqual(want[1])
    expect(got[0]).toEqual(want[0])
    a.stop()
    b.stop()
  })

  it('gives messages that stay as they are', async () => {
    const { a, b, kept } = pair(() => false, () => 1)
    for (const n of [1, 2, 3]) a.write(new Uint8Array([n]))
    await vi.advanceTimersByTimeAsync(500)
    expect(kept.map(hex)).toEqual(['01', '02', '03'])
    a.stop()
    b.stop()
  })

  it('makes up for a lost key at once', async () => {
    let lost = false
    const { a, b, got } = pair(() => lost, () => 20)
    a.write(new Uint8Array([1]))
    await vi.advanceTimersByTimeAsync(500)
    lost = true
    a.write(new Uint8Array([2]))
    lost = false
    await vi.advanceTimersByTimeAsync(24)
    expect(got[1]).toEqual(['01', '02'])
    a.stop()
    b.stop()
  })

  it('says little to a side that is silent', async () => {
    const { a, b, sent } = pair(() => true, () => 20)
    a.write(new Uint8Array(16 << 10))
    for (let i = 0; i < 20; i++) a.write(new Uint8Array(16 << 10))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(sent[0]).toBeLessThan(200)
    expect(a.unsent).toBeGreaterThan(16 << 10)
    a.stop()
    b.stop()
  })

  it('tells the last word', async () => {
    const { a, b, got, ended } = pair(() => false, () => 20)
    const done = vi.fn()
    a.write(new Uint8Array([7]))
    a.close(done)
    await vi.advanceTimersByTimeAsync(30)
    expect(got[1]).toEqual(['07'])
    expect(ended[1]).toBe(1)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(20)
    expect(done).toHaveBeenCalledTimes(1)
    a.stop()
    b.stop()
  })
})
