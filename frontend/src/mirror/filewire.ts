// The messages about files of docs/wire.md, "Files".

import { WireError } from './wire'

/** The type of an offer of files; what is pasted of it is a ticket. */
export const FILES = 'application/x-hither-files'
export const MAX_PIECE = (16 << 10) - 5
const MAX_PATH = 4 << 10
/** What an entry or a piece counts beside its bytes on the wire. */
const COST = 64

export interface Ticket {
  id: number
  files: number
  bytes: number
}

/** What is said of a transfer, by its sender (sent, broken) or its receiver. */
export const word = { sent: 0, broken: 1, got: 2, kept: 3, stop: 4 } as const

/** Why files do not come. */
export const reasons = ['failed', 'cancelled', 'noRoom', 'forbidden', 'nowhere', 'busy', 'gone'] as const
export type Reason = (typeof reasons)[number]

export type FileMessage =
  | { type: 'fileTake'; id: number }
  | { type: 'fileEntry'; id: number; dir: boolean; size: number; path: string; cost: number }
  | { type: 'filePiece'; id: number; bytes: Uint8Array; cost: number }
  | { type: 'fileNews'; id: number; word: number; reason: Reason; count: number; text: string }

const strict = new TextDecoder('utf-8', { fatal: true })

/** Reads a message of type 0x1c to 0x1f. */
export function parseFile(b: Uint8Array, v: DataView): FileMessage {
  if (b.length < 5) throw new WireError('message about files is too short')
  const id = v.getUint32(1)
  switch (b[0]) {
    case 0x1c:
      if (b.length !== 5) throw new WireError('take of files')
      return { type: 'fileTake', id }
    case 0x1d:
      if (b.length < 15 || b.length - 14 > MAX_PATH) throw new WireError('entry of files')
      return { type: 'fileEntry', id, dir: (b[5]! & 1) !== 0, size: Number(v.getBigUint64(6)), path: decode(b.subarray(14)), cost: b.length + COST }
    case 0x1e:
      return { type: 'filePiece', id, bytes: b.subarray(5), cost: b.length + COST }
  }
  if (b.length < 15) throw new WireError('news of files')
  return { type: 'fileNews', id, word: b[5]!, reason: reasons[b[6]!] ?? 'failed', count: Number(v.getBigUint64(7)), text: decode(b.subarray(15)) }
}

function decode(b: Uint8Array): string {
  try {
    return strict.decode(b)
  } catch {
    throw new WireError('text that is not UTF-8')
  }
}

export function parseTicket(b: Uint8Array): Ticket | null {
  if (b.length !== 16) return null
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength)
  return { id: v.getUint32(0), files: v.getUint32(4), bytes: Number(v.getBigUint64(8)) }
}

export function ticketBytes(t: Ticket): Uint8Array<ArrayBuffer> {
  const v = new DataView(new ArrayBuffer(16))
  v.setUint32(0, t.id)
  v.setUint32(4, t.files)
  v.setBigUint64(8, BigInt(t.bytes))
  return new Uint8Array(v.buffer)
}

function message(type: number, id: number, ...rest: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const m = new Uint8Array(5 + rest.reduce((n, r) => n + r.length, 0))
  m[0] = type
  new DataView(m.buffer).setUint32(1, id)
  let at = 5
  for (const r of rest) {
    m.set(r, at)
    at += r.length
  }
  return m
}

function sized(...head: number[]): (n: number) => Uint8Array {
  return (n) => {
    const b = new Uint8Array(head.length + 8)
    b.set(head)
    new DataView(b.buffer).setBigUint64(head.length, BigInt(n))
    return b
  }
}

const utf8 = new TextEncoder()

/** What a viewer says of files. */
export const sayFile = {
  drop: (t: Ticket) => message(0x9b, t.id, ticketBytes(t).subarray(4)),
  take: (id: number) => message(0x9c, id),
  entry: (id: number, dir: boolean, size: number, path: string) => message(0x9d, id, sized(+dir)(size), utf8.encode(path)),
  piece: (id: number, bytes: Uint8Array) => message(0x9e, id, bytes),
  news: (id: number, what: number, reason: Reason = 'failed', count = 0, text = '') =>
    message(0x9f, id, sized(what, reasons.indexOf(reason))(count), utf8.encode(text)),
}

/** What a message that was said counts. */
export const costOf = (m: Uint8Array): number => m.length + COST
