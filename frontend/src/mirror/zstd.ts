import { decompress } from 'fzstd'
import { WireError } from './wire'

const MAX_CONTENT = 96 << 20
const MAX_WINDOW = 8 << 20
const MAGIC = 0xfd2fb528

/**
 * Decompresses exactly one zstd frame (RFC 8878) that carries its content size,
 * within the bounds of docs/wire.md. The header and the chain of blocks are
 * checked before anything is allocated.
 */
export function unzstd(b: Uint8Array): Uint8Array {
  const { content, first, checksum } = header(b)
  if (lastBlockEnd(b, first) + (checksum ? 4 : 0) !== b.length) throw new WireError('zstd: more than one frame')
  const out = new Uint8Array(content)
  try {
    decompress(b, out)
  } catch (cause) {
    throw new WireError('zstd: ' + String(cause), { cause })
  }
  return out
}

function header(b: Uint8Array): { content: number; first: number; checksum: boolean } {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength)
  if (b.length < 6 || v.getUint32(0, true) !== MAGIC) throw new WireError('zstd: no frame')
  const flags = v.getUint8(4)
  const single = (flags & 0x20) !== 0
  if (flags & 0x0b) throw new WireError('zstd: dictionary or reserved bit')
  const sizeBytes = flags >> 6 ? 1 << (flags >> 6) : single ? 1 : 0
  const at = single ? 5 : 6
  if (sizeBytes === 0) throw new WireError('zstd: no content size')
  if (b.length < at + sizeBytes) throw new WireError('zstd: header is too short')
  const content = contentSize(v, at, sizeBytes)
  const window = single ? content : windowSize(v.getUint8(5))
  if (content > MAX_CONTENT) throw new WireError('zstd: content is too large')
  if (!single && window > MAX_WINDOW) throw new WireError('zstd: window is too large')
  return { content, first: at + sizeBytes, checksum: (flags & 4) !== 0 }
}

function contentSize(v: DataView, at: number, bytes: number): number {
  switch (bytes) {
    case 1:
      return v.getUint8(at)
    case 2:
      return v.getUint16(at, true) + 256
    case 4:
      return v.getUint32(at, true)
  }
  const size = v.getBigUint64(at, true)
  return size > BigInt(MAX_CONTENT) ? MAX_CONTENT + 1 : Number(size)
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** Walks the block headers and gives where the last block ends. */
function lastBlockEnd(b: Uint8Array, at: number): number {
  for (;;) {
    if (at + 3 > b.length) throw new WireError('zstd: block is cut off')
    const head = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)
    const type = (head >> 1) & 3
    if (type === 3) throw new WireError('zstd: reserved block')
    at += 3 + (type === 1 ? 1 : head >> 3)
    if (at > b.length) throw new WireError('zstd: block is cut off')
    if (head & 1) return at
  }
}
