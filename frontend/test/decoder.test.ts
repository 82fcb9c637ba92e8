import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Decoder } from '../src/mirror/decoder'
import type { Chunk, Film } from '../src/mirror/film'
import { WireError } from '../src/mirror/wire'
import { ZstdStream } from '../src/mirror/zstd'
import vectors from './vectors/frames.json'

const u16 = (n: number) => [n >> 8, n & 255]
const rect = (x: number, y: number, w: number, h: number) => [x, y, w, h].flatMap(u16)
const frame = (flags: number, w: number, h: number, ...ops: number[]) => Uint8Array.from([flags, ...u16(w), ...u16(h), ...ops])
const rgb = (d: Decoder, x: number, y: number) => {
  const p = d.picture!
  return [...p.bytes.subarray((y * p.width + x) * 4, (y * p.width + x) * 4 + 4)]
}
/** The beginning of a zstd stream. */
const magic = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]
/** A raw block, not the last. */
const raw = (...content: number[]) => [(content.length << 3) & 255, content.length >> 5, 0, ...content]
const u32 = (n: number) => [...u16(n >>> 16), ...u16(n & 65535)]
/** Decodes a frame without video. */
const now = (d: Decoder, b: Uint8Array) => {
  const update = d.decode(b)
  if (update instanceof Promise) throw new Error('a promise')
  return update
}
/** A video operation. */
const shot = (place: number[], flags: number, w: number, h: number, mask: number[], data: number[], codec = 1) => [
  5, ...place, codec, flags, ...u16(w), ...u16(h), ...mask, 0, 0, ...u16(data.length), ...data,
]
/** A film whose pictures are grey, of the first byte of the data. */
function greys() {
  const seen: Chunk[] = []
  const film: Film = {
    decode: async (chunk, width, height) => {
      seen.push(chunk)
      return new Uint8ClampedArray(width * height * 4).fill(chunk.data[0]!)
    },
    close: () => {},
  }
  return { film, seen }
}
const white = [255, 255, 255, 255]

describe('golden frames of the Go encoder', () => {
  it('gives the same pixels, frame by frame', () => {
    const d = new Decoder()
    vectors.forEach((v, i) => {
      const update = now(d, new Uint8Array(Buffer.from(v.frame, 'base64')))
      expect(update.resized).toBe(i === 0 || i === vectors.length - 1)
      expect([d.picture!.width, d.picture!.height]).toEqual([v.width, v.height])
      expect(crc32(d.picture!.bytes), `frame ${i}`).toBe(v.crc)
    })
  })
  it('refuses each of them cut off, without hanging', () => {
    vectors.forEach((v, i) => {
      const whole = new Uint8Array(Buffer.from(v.frame, 'base64'))
      for (const keep of [0, 4, 6, whole.length >> 1, whole.length - 1]) {
        const d = new Decoder()
        for (const before of vectors.slice(0, i)) d.decode(new Uint8Array(Buffer.from(before.frame, 'base64')))
        expect(() => d.decode(whole.slice(0, keep)), `frame ${i}, ${keep} bytes`).toThrow(WireError)
      }
    })
  })
  it('survives flipped bytes: it throws WireError or decodes', () => {
    let seed = 1
    const first = new Uint8Array(Buffer.from(vectors[0]!.frame, 'base64'))
    for (let i = 0; i < 400; i++) {
      const b = new Uint8Array(Buffer.from(vectors[i % vectors.length]!.frame, 'base64'))
      seed = (seed * 1103515245 + 12345) & 0x7fffffff
      b[5 + (seed % (b.length - 5))]! ^= 1 << (seed & 7)
      try {
        const d = new Decoder()
        d.decode(first)
        d.decode(b)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    }
  })
})

describe('operations', () => {
  it('starts black, fills, copies with overlap and takes raw pixels', () => {
    const d = new Decoder()
    expect(now(d, frame(1, 4, 2, 2, ...rect(0, 0, 2, 1), 9, 8, 7)).resized).toBe(true)
    expect(rgb(d, 0, 0)).toEqual([9, 8, 7, 255])
    expect(rgb(d, 3, 1)).toEqual([0, 0, 0, 255])
    d.decode(frame(0, 4, 2, 3, ...rect(0, 0, 1, 1), 1, 2, 3, 1, ...u16(0), ...u16(0), ...rect(1, 0, 3, 2)))
    expect([0, 1, 2].map((x) => rgb(d, x, 0)[0])).toEqual([1, 1, 9])
  })
  it('copies up and down', () => {
    for (const [from, to] of [[0, 1], [1, 0]] as const) {
      const d = new Decoder()
      d.decode(frame(1, 1, 3, 3, ...rect(0, 0, 1, 3), 1, 1, 1, 2, 2, 2, 3, 3, 3))
      d.decode(frame(0, 1, 3, 1, ...u16(0), ...u16(from), ...rect(0, to, 1, 2)))
      expect([0, 1, 2].map((y) => rgb(d, 0, y)[0])).toEqual(to === 1 ? [1, 1, 2] : [2, 3, 3])
    }
  })
  it.each([
    [2, 1, [0b01010000]],
    [3, 2, [0b00010001]],
    [5, 4, [0x01, 0x01]],
    [17, 8, [0, 1, 0, 1]],
  ])('unpacks a palette of %i colours with %i bits', (n, _, packed) => {
    const d = new Decoder()
    const colours = Array.from({ length: n }, (_, i) => (i === 1 ? [255, 255, 255] : [0, 0, i])).flat()
    d.decode(frame(1, 4, 1, 4, ...rect(0, 0, 4, 1), n - 1, ...colours, ...packed))
    expect([0, 1, 2, 3].map((x) => rgb(d, x, 0))).toEqual([[0, 0, 0, 255], white, [0, 0, 0, 255], white])
  })
  it('takes a cursor and hides it', () => {
    const d = new Decoder()
    const shown = now(d, frame(1, 1, 1, 6, ...u16(1), ...u16(0), ...u16(1), ...u16(1), 1, 2, 3, 128)).cursor
    expect(shown).toMatchObject({ hotX: 1, width: 1, rgba: Uint8Array.from([1, 2, 3, 128]) })
    expect(now(d, frame(0, 1, 1, 6, ...rect(0, 0, 0, 0))).cursor).toMatchObject({ width: 0 })
  })
  it.each([
    ['an empty frame', Uint8Array.from([])],
    ['unknown flags', frame(9, 1, 1)],
    ['no size', frame(1, 0, 1)],
    ['a huge size', frame(1, 65535, 65535)],
    ['a change before a key frame', frame(0, 1, 1)],
    ['an unknown operation', frame(1, 1, 1, 7)],
    ['video that was not asked for', frame(1, 1, 1, ...shot(rect(0, 0, 1, 1), 1, 1, 1, [0x80], [9]))],
    ['an empty rectangle', frame(1, 1, 1, 2, ...rect(0, 0, 0, 1), 1, 1, 1)],
    ['a fill that leaves the picture', frame(1, 2, 2, 2, ...rect(1, 1, 2, 1), 1, 1, 1)],
    ['a copy from outside', frame(1, 2, 2, 1, ...u16(1), ...u16(0), ...rect(0, 0, 2, 1))],
    ['raw pixels cut off', frame(1, 2, 1, 3, ...rect(0, 0, 2, 1), 1, 2, 3)],
    ['a palette of one colour', frame(1, 1, 1, 4, ...rect(0, 0, 1, 1), 0, 1, 1, 1, 0)],
    ['an index beyond the palette', frame(1, 1, 1, 4, ...rect(0, 0, 1, 1), 2, ...Array(9).fill(0), 0xc0)],
    ['a cursor that is too large', frame(1, 1, 1, 6, ...rect(0, 0, 257, 1))],
    ['a cursor without height', frame(1, 1, 1, 6, ...rect(0, 0, 1, 0))],
    ['too much work for few bytes', frame(1, 256, 256, ...Array.from({ length: 17 }, () => [2, ...rect(0, 0, 256, 256), 0, 0, 0]).flat())],
  ])('refuses %s', (_, b) => expect(() => new Decoder().decode(b)).toThrow(WireError))
  it('refuses another size without the key flag', () => {
    const d = new Decoder()
    d.decode(frame(1, 2, 2))
    expect(() => d.decode(frame(0, 3, 2))).toThrow('key frame')
  })
})

describe('video', () => {
  // 130×70 at (60, 2) touches squares (0..2, 0..1).
  const place = rect(60, 2, 130, 70)

  it('draws the squares of the mask only, and the operations after it on top', async () => {
    const { film, seen } = greys()
    const d = new Decoder(film)
    const update = await d.decode(frame(1, 200, 100, ...shot(place, 1, 65, 35, [0b01110000], [77, 1, 2]), 2, ...rect(70, 4, 2, 2), 1, 2, 3))
    expect(seen).toMatchObject([{ key: true, full: false, width: 65, height: 35, data: Uint8Array.from([77, 1, 2]) }])
    expect(update.video).toEqual({ width: 65, height: 35, shown: { x: 60, y: 2, w: 130, h: 70 } })
    const at = (x: number, y: number) => rgb(d, x, y)[0]
    expect([at(63, 10), at(64, 10), at(189, 10), at(190, 10), at(100, 1)]).toEqual([0, 77, 77, 0, 0])
    expect([at(63, 70), at(63, 71), at(63, 72), at(64, 70), at(189, 70)]).toEqual([77, 77, 0, 0, 0])
    expect(rgb(d, 71, 5)).toEqual([1, 2, 3, 255])
  })
  it('goes on without key frames while size and sampling stay', async () => {
    const d = new Decoder(greys().film)
    const more = (flags: number, w: number) => frame(0, 200, 100, ...shot(place, flags, w, 35, [0xfc], [5]))
    await d.decode(frame(1, 200, 100, ...shot(place, 1, 65, 35, [0xfc], [5])))
    await d.decode(more(0, 65))
    expect(() => d.decode(more(0, 64))).toThrow('key frame')
    expect(() => d.decode(more(2, 65))).toThrow('key frame')
    await d.decode(more(3, 64))
    d.decode(frame(1, 200, 100))
    expect(() => d.decode(more(2, 64))).toThrow('key frame')
  })
  it.each([
    ['an unknown codec', shot(place, 1, 65, 35, [0], [1], 2)],
    ['an unknown flag', shot(place, 4, 65, 35, [0], [1])],
    ['an odd place', shot(rect(61, 2, 130, 70), 1, 65, 35, [0], [1])],
    ['more than its place', shot(place, 1, 131, 35, [0], [1])],
    ['no size', shot(place, 1, 0, 35, [0], [1])],
    ['no data', shot(place, 1, 65, 35, [0], [])],
    ['a place outside', shot(rect(60, 2, 141, 70), 1, 65, 35, [0], [1])],
    ['data cut off', shot(place, 1, 65, 35, [0], [1, 2]).slice(0, -1)],
  ])('refuses %s', (_, op) => expect(() => new Decoder(greys().film).decode(frame(1, 200, 100, ...op))).toThrow(WireError))
  it('refuses a second one in a frame', async () => {
    const two = [...shot(place, 1, 65, 35, [0], [1]), ...shot(place, 1, 65, 35, [0], [1])]
    await expect(new Decoder(greys().film).decode(frame(1, 200, 100, ...two))).rejects.toThrow('not asked for')
  })
})

describe('zstd', () => {
  it('goes on from frame to frame, and begins anew when told', () => {
    const d = new Decoder()
    const op = (...c: number[]) => [2, ...rect(0, 0, 1, 1), ...c]
    const send = (flags: number, head: number[], ...c: number[]) => {
      d.decode(frame(flags, 1, 1, ...u32(op(...c).length), ...head, ...raw(...op(...c))))
      expect(rgb(d, 0, 0)).toEqual([...c, 255])
    }
    send(7, magic, 5, 6, 7)
    send(2, [], 8, 9, 1)
    send(6, magic, 2, 3, 4)
  })
  it.each([
    ['no length', [0, 0]],
    ['no stream', [...u32(1), 1, 2, 3, 4, 5, 6, 7]],
    ['a tail', [...u32(1), ...magic, ...raw(1), 0]],
    ['a skippable frame', [...u32(0), 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]],
    ['less than it says', [...u32(2), ...magic, ...raw(1)]],
    ['more than it says', [...u32(1), ...magic, ...raw(1, 2)]],
    ['content of 4 GiB', [255, 255, 255, 255, ...magic, ...raw(1)]],
    ['a window of 2 GiB', [...u32(1), 0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, ...raw(1)]],
    ['a dictionary', [...u32(1), 0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 9, ...raw(1)]],
    ['a last block', [...u32(1), ...magic, 9, 0, 0, 1]],
    ['a block cut off', [...u32(3), ...magic, ...raw(1, 2, 3).slice(0, -1)]],
  ])('refuses %s', (_, b) => expect(() => new ZstdStream().next(Uint8Array.from(b), true)).toThrow(WireError))
  it('refuses to go on with what never began', () => {
    expect(() => new ZstdStream().next(Uint8Array.from([...u32(1), ...raw(1)]), false)).toThrow('beginning')
  })
})
