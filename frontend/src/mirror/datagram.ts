// The datagrams of docs/wire.md, "Datagrams". The host is not trusted: every
// length is checked, and a bad one throws. The Go twin is mirror/link/packet.go,
// and mirror/link/testdata/datagrams.json binds both.

import { WireError } from './wire'

export const MAX_DATAGRAM = 1150
export const MAX_PAYLOAD = MAX_DATAGRAM - 12
export const MAX_GROUP = 8
export const WINDOW = 2048
export const MAX_RANGES = 16

/** Bits of the first byte. */
export const HAS_ACK = 1
export const HAS_DATA = 2
export const HAS_PARITY = 4
export const WANTS_ACK = 8

/** held of an ack that echoes nothing, and its unit in milliseconds. */
export const HELD_NONE = 0xffff
export const HELD_UNIT = 0.016

const ACK_HEAD = 17

/** What has arrived; numbers are the low 32 bits. */
export interface Ack {
  /** All packets before have arrived. */
  next: number
  /** Packets from next on that there is a place for. */
  room: number
  /** Stamp of the datagram that came last. */
  echo: number
  /** How long ago that was, in HELD_UNIT. */
  held: number
  /** Packets so far that only a parity brought. */
  mended: number
  /** What arrived behind next: [from, end), the lowest first. */
  ranges: [number, number][]
}

export interface Datagram {
  bits: number
  ack?: Ack
  /** Of the data, or the first of the parity's group. */
  seq: number
  /** Packets in the parity's group. */
  count: number
  /** When it was sent, in µs of the sender's clock. */
  stamp: number
  /** Lengths of the group's payloads, xored. */
  sizes: number
  body: Uint8Array
}

/** The number closest to base whose low 32 bits are low. */
export function near(base: number, low: number): number {
  return base + ((low - (base >>> 0)) | 0)
}

/** Reads a datagram; its body is part of b. */
export function parseDatagram(b: Uint8Array): Datagram {
  if (b.length === 0 || b.length > MAX_DATAGRAM) throw new WireError('length of a datagram')
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength)
  const d: Datagram = { bits: v.getUint8(0), seq: 0, count: 0, stamp: 0, sizes: 0, body: b.subarray(b.length) }
  if (d.bits > 15 || (d.bits & HAS_DATA && d.bits & HAS_PARITY)) throw new WireError('kind of a datagram')
  let at = 1
  if (d.bits & HAS_ACK) {
    d.ack = parseAck(v, at)
    at += ACK_HEAD + 4 * d.ack.ranges.length
  }
  if (d.bits & HAS_DATA) parseData(d, b, v, at)
  else if (d.bits & HAS_PARITY) parseParity(d, b, v, at)
  else if (at !== b.length) throw new WireError('bytes after an acknowledgement')
  return d
}

function parseAck(v: DataView, at: number): Ack {
  if (v.byteLength < at + ACK_HEAD) throw new WireError('an acknowledgement is too short')
  const ack: Ack = {
    next: v.getUint32(at),
    room: v.getUint16(at + 4),
    echo: v.getUint32(at + 6),
    held: v.getUint16(at + 10),
    mended: v.getUint32(at + 12),
    ranges: [],
  }
  const n = v.getUint8(at + 16)
  at += ACK_HEAD
  if (n > MAX_RANGES || v.byteLength < at + 4 * n || ack.room > WINDOW) throw new WireError('ranges of an acknowledgement')
  for (let i = 0, end = 0; i < n; i++, at += 4) {
    const from = v.getUint16(at)
    const size = v.getUint16(at + 2)
    if (from <= end || size === 0 || from + size > WINDOW) throw new WireError('range of an acknowledgement')
    end = from + size
    ack.ranges.push([(ack.next + from) >>> 0, (ack.next + end) >>> 0])
  }
  return ack
}

function parseData(d: Datagram, b: Uint8Array, v: DataView, at: number): void {
  if (b.length <= at + 8 || b.length > at + 8 + MAX_PAYLOAD) throw new WireError('length of a packet')
  Object.assign(d, { seq: v.getUint32(at), stamp: v.getUint32(at + 4), body: b.subarray(at + 8) })
}

function parseParity(d: Datagram, b: Uint8Array, v: DataView, at: number): void {
  if (b.length <= at + 11) throw new WireError('a parity is too short')
  Object.assign(d, {
    seq: v.getUint32(at),
    count: v.getUint8(at + 4),
    stamp: v.getUint32(at + 5),
    sizes: v.getUint16(at + 9),
    body: b.subarray(at + 11),
  })
  if (d.count === 0 || d.count > MAX_GROUP) throw new WireError("size of a parity's group")
}

/** Writes what the bits of d say is there. */
export function writeDatagram(d: Datagram): Uint8Array<ArrayBuffer> {
  const v = new DataView(new ArrayBuffer(MAX_DATAGRAM))
  v.setUint8(0, d.bits)
  let at = 1
  if (d.ack && d.bits & HAS_ACK) at = writeAck(v, at, d.ack)
  if (d.bits & HAS_DATA) {
    v.setUint32(at, d.seq)
    v.setUint32(at + 4, d.stamp)
    at += 8
  } else if (d.bits & HAS_PARITY) {
    v.setUint32(at, d.seq)
    v.setUint8(at + 4, d.count)
    v.setUint32(at + 5, d.stamp)
    v.setUint16(at + 9, d.sizes)
    at += 11
  }
  const out = new Uint8Array(v.buffer, 0, at + d.body.length)
  out.set(d.body, at)
  return out
}

function writeAck(v: DataView, at: number, ack: Ack): number {
  v.setUint32(at, ack.next)
  v.setUint16(at + 4, ack.room)
  v.setUint32(at + 6, ack.echo)
  v.setUint16(at + 10, ack.held)
  v.setUint32(at + 12, ack.mended)
  v.setUint8(at + 16, ack.ranges.length)
  at += ACK_HEAD
  for (const [from, end] of ack.ranges) {
    v.setUint16(at, from - ack.next)
    v.setUint16(at + 2, end - from)
    at += 4
  }
  return at
}

/** Whether an acknowledgement can travel with a body of this length. */
export function roomForAck(body: Uint8Array): boolean {
  return body.length + 12 + ACK_HEAD + 4 * MAX_RANGES <= MAX_DATAGRAM
}
