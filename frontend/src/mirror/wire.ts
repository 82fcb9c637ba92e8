import { parseFile, type FileMessage } from './filewire'
import { parseWindow, type WindowMessage } from './wirewindows'

// The messages of docs/wire.md, version 1. The host is not trusted: every
// length is checked, an unknown type is skipped (null), a bad one throws.

export const MAX_MESSAGE = 16 << 10
export const MAX_FRAME = 64 << 20
/** Bytes of one text. */
export const MAX_TEXT = 256
const VERSION = 1

/** What a host said that breaks docs/wire.md; it ends the view. */
export class WireError extends Error {
  override name = 'WireError'
}

export type HostMessage =
  | { type: 'hello'; viewOnly: boolean; windows: boolean; width: number; height: number; title: string }
  | { type: 'part'; seq: number; part: number; parts: number; bytes: Uint8Array }
  | { type: 'title'; title: string }
  | { type: 'closed'; reason: 'ended' | 'revoked' | 'failed'; text: string }
  | { type: 'pong'; id: bigint }
  | { type: 'pointing'; relative: boolean }
  | { type: 'clipOffer'; serial: number; types: string[] }
  | { type: 'clipWant'; serial: number; mime: string }
  | { type: 'clipData'; serial: number; last: boolean; refused: boolean; bytes: Uint8Array }
  | FileMessage
  | { type: 'untyped'; text: string }
  | WindowMessage
  | { type: 'sound'; number: number; ends: boolean; packet: Uint8Array }
  | { type: 'listening' | 'speaking'; state: 'off' | 'on' | 'failed'; text: string }

const text = new TextDecoder()
const reasons = ['ended', 'revoked', 'failed'] as const

/** Reads one message of a host; null for a type this version does not know. */
export function parseHost(b: Uint8Array): HostMessage | null {
  if (b.length === 0 || b.length > MAX_MESSAGE) throw new WireError('message length')
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength)
  switch (b[0]) {
    case 0x01:
      return parseHello(b, v)
    case 0x02:
      return parsePart(b, v)
    case 0x04:
      return { type: 'title', title: text.decode(b.subarray(1)) }
    case 0x05: {
      if (b.length < 2) throw new WireError('closed is too short')
      return { type: 'closed', reason: reasons[v.getUint8(1)] ?? 'failed', text: text.decode(b.subarray(2)) }
    }
    case 0x06:
      if (b.length !== 9) throw new WireError('pong length')
      return { type: 'pong', id: v.getBigUint64(1) }
    case 0x07:
      if (b.length !== 2) throw new WireError('pointing length')
      return { type: 'pointing', relative: v.getUint8(1) !== 0 }
    case 0x18:
    case 0x19:
    case 0x1a:
      return parseClip(b, v)
    case 0x1c:
    case 0x1d:
    case 0x1e:
    case 0x1f:
      return parseFile(b, v)
    case 0x28:
      return { type: 'untyped', text: text.decode(b.subarray(1)) }
    case 0x20:
    case 0x21:
    case 0x22:
      return parseSound(b, v)
  }
  return parseWindow(b, v)
}

const MAX_SOUND = 1275
const soundStates = ['off', 'on', 'failed'] as const

function parseSound(b: Uint8Array, v: DataView): HostMessage {
  if (b[0] === 0x20) {
    if (b.length < 5 || b.length > 4 + MAX_SOUND) throw new WireError('length of a packet of sound')
    return { type: 'sound', number: v.getUint16(1), ends: (v.getUint8(3) & 1) !== 0, packet: b.subarray(4) }
  }
  if (b.length < 2) throw new WireError('answer about sound is too short')
  const state = soundStates[v.getUint8(1)] ?? 'failed'
  return { type: b[0] === 0x21 ? 'listening' : 'speaking', state, text: text.decode(b.subarray(2)) }
}

function parseClip(b: Uint8Array, v: DataView): HostMessage {
  if (b.length < 5) throw new WireError('message about the clipboard is too short')
  const serial = v.getUint32(1)
  if (b[0] === 0x18) return { type: 'clipOffer', serial, types: text.decode(b.subarray(5)).split('\n').slice(0, -1) }
  if (b[0] === 0x19) return { type: 'clipWant', serial, mime: text.decode(b.subarray(5)) }
  if (b.length < 6) throw new WireError('data of the clipboard is too short')
  const flags = v.getUint8(5)
  return { type: 'clipData', serial, last: (flags & 1) !== 0, refused: (flags & 2) !== 0, bytes: b.subarray(6) }
}

function parseHello(b: Uint8Array, v: DataView): HostMessage {
  if (b.length < 7) throw new WireError('hello is too short')
  if (v.getUint8(1) !== VERSION) throw new WireError('version of the screen wire')
  return {
    type: 'hello',
    viewOnly: (v.getUint8(2) & 1) !== 0,
    windows: (v.getUint8(2) & 2) !== 0,
    width: v.getUint16(3),
    height: v.getUint16(5),
    title: text.decode(b.subarray(7)),
  }
}

function parsePart(b: Uint8Array, v: DataView): HostMessage {
  if (b.length < 9) throw new WireError('frame part is too short')
  const part = v.getUint16(5)
  const parts = v.getUint16(7)
  if (part >= parts) throw new WireError('frame part number')
  return { type: 'part', seq: v.getUint32(1), part, parts, bytes: b.subarray(9) }
}

/** Puts the parts of frames together; holds at most MAX_FRAME bytes. */
export class Assembler {
  private seq = 0
  private next = 0
  private parts = 0
  private size = 0
  private chunks: Uint8Array[] = []

  /** Gives the frame when this was its last part. A part out of order throws. */
  add(p: { seq: number; part: number; parts: number; bytes: Uint8Array }): Uint8Array | null {
    if (p.part === 0) {
      if (this.next !== this.parts || p.seq !== (this.seq + 1) >>> 0) throw new WireError('frame number')
      Object.assign(this, { seq: p.seq, next: 0, parts: p.parts, size: 0, chunks: [] })
    }
    if (p.seq !== this.seq || p.parts !== this.parts || p.part !== this.next) {
      throw new WireError('order of frame parts')
    }
    this.size += p.bytes.length
    if (this.size > MAX_FRAME) throw new WireError('frame is too large')
    this.next++
    if (p.parts === 1) return p.bytes
    this.chunks.push(p.bytes)
    return this.next < this.parts ? null : this.join()
  }

  private join(): Uint8Array {
    const frame = new Uint8Array(this.size)
    let at = 0
    for (const chunk of this.chunks) {
      frame.set(chunk, at)
      at += chunk.length
    }
    this.chunks = []
    return frame
  }
}

function message(type: number, size: number, fill: (v: DataView) => void): Uint8Array<ArrayBuffer> {
  const v = new DataView(new ArrayBuffer(1 + size))
  v.setUint8(0, type)
  fill(v)
  return new Uint8Array(v.buffer)
}

function serialled(type: number, serial: number, ...rest: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const m = message(type, 4 + rest.reduce((n, r) => n + r.length, 0), (v) => v.setUint32(1, serial))
  let at = 5
  for (const r of rest) {
    m.set(r, at)
    at += r.length
  }
  return m
}

const utf8 = new TextEncoder()
const none = () => {}

/** What a viewer says. */
export const say = {
  key: (code: number, down: boolean) =>
    message(0x81, 3, (v) => (v.setUint16(1, code), v.setUint8(3, +down))),
  pointer: (x: number, y: number) => message(0x82, 4, (v) => (v.setUint16(1, x), v.setUint16(3, y))),
  button: (button: number, down: boolean) =>
    message(0x83, 2, (v) => (v.setUint8(1, button), v.setUint8(2, +down))),
  motion: (dx: number, dy: number) => message(0x8c, 4, (v) => (v.setInt16(1, dx), v.setInt16(3, dy))),
  wheel: (dx: number, dy: number) => message(0x84, 4, (v) => (v.setInt16(1, dx), v.setInt16(3, dy))),
  ack: (seq: number) => message(0x85, 4, (v) => v.setUint32(1, seq)),
  resize: (width: number, height: number) =>
    message(0x86, 4, (v) => (v.setUint16(1, width), v.setUint16(3, height))),
  release: () => message(0x87, 0, none),
  refresh: () => message(0x88, 0, none),
  bye: () => message(0x89, 0, none),
  /** Bit 0: VP9 of 4:2:0, bit 1: and of 4:4:4. */
  able: (flags: number) => message(0x8b, 4, (v) => v.setUint32(1, flags)),
  clipOffer: (serial: number, types: string[]) =>
    serialled(0x98, serial, utf8.encode(types.map((mime) => mime + '\n').join(''))),
  clipWant: (serial: number, mime: string) => serialled(0x99, serial, utf8.encode(mime)),
  /** Bit 0: the last piece, bit 1: refused. */
  clipData: (serial: number, flags: number, bytes: Uint8Array) =>
    serialled(0x9a, serial, Uint8Array.of(flags), bytes),
  /** At most MAX_TEXT bytes. */
  text: (typed: string) => {
    const bytes = utf8.encode(typed)
    const m = message(0xa8, bytes.length, none)
    m.set(bytes, 1)
    return m
  },
  listen: (on: boolean) => message(0xa1, 1, (v) => v.setUint8(1, +on)),
  speak: (on: boolean) => message(0xa2, 1, (v) => v.setUint8(1, +on)),
  /** One Opus packet of the microphone; ends says that silence follows. */
  sound: (number: number, ends: boolean, packet: Uint8Array) => {
    const m = message(0xa0, 3 + packet.length, (v) => (v.setUint16(1, number), v.setUint8(3, +ends)))
    m.set(packet, 4)
    return m
  },
  ping: (id: bigint) => message(0x8a, 8, (v) => v.setBigUint64(1, id)),
}
