import { Decompress } from 'fzstd'
import { WireError } from './wire'

const MAX_CONTENT = 96 << 20
const MAX_WINDOW = 8 << 20
const MAGIC = 0xfd2fb528

/**
 * The zstd stream (RFC 8878) of a host's frames, within the bounds of
 * docs/wire.md. Headers and the chain of blocks are checked before anything is
 * allocated.
 */
export class ZstdStream {
  private inner: Decompress | null = null
  private out = new Uint8Array(0)
  private at = 0

  constructor(private readonly most = MAX_WINDOW) {}

  /**
   * Gives the content of a frame: its length as u32, then the chunk of the
   * stream that holds all of it and nothing else.
   */
  next(b: Uint8Array, fresh: boolean): Uint8Array {
    if (b.length < 4) throw new WireError('zstd: no length')
    const content = new DataView(b.buffer, b.byteOffset, b.byteLength).getUint32(0)
    if (content > MAX_CONTENT) throw new WireError('zstd: content is too large')
    const chunk = b.subarray(4)
    checkBlocks(chunk, fresh ? header(chunk, this.most) : 0)
    if (fresh) this.inner = new Decompress((part) => this.take(part))
    if (!this.inner) throw new WireError('zstd: no beginning')
    this.out = new Uint8Array(content)
    this.at = 0
    try {
      this.inner.push(chunk)
    } catch (cause) {
      this.inner = null
      throw cause instanceof WireError ? cause : new WireError('zstd: ' + String(cause), { cause })
    }
    if (this.at !== content) throw new WireError('zstd: content is shorter than it says')
    return this.out
  }

  private take(part: Uint8Array): void {
    if (part.length > this.out.length - this.at) throw new WireError('zstd: content is longer than it says')
    this.out.set(part, this.at)
    this.at += part.length
  }
}

/** Checks the frame header and gives its length. */
function header(b: Uint8Array, most: number): number {
  const v = new DataView(b.buffer, b.byteOffset, b.byteLength)
  if (b.length < 6 || v.getUint32(0, true) !== MAGIC) throw new WireError('zstd: no frame')
  const flags = v.getUint8(4)
  if (flags & 0xef) throw new WireError('zstd: not the header of a stream')
  if (windowSize(v.getUint8(5)) > most) throw new WireError('zstd: window is too large')
  return 6
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

/** Walks the block headers: the last block must end where the chunk does. */
function checkBlocks(b: Uint8Array, at: number): void {
  while (at < b.length) {
    if (at + 3 > b.length) throw new WireError('zstd: block is cut off')
    const head = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16)
    const type = (head >> 1) & 3
    if (type === 3 || head & 1) throw new WireError('zstd: reserved or last block')
    at += 3 + (type === 1 ? 1 : head >> 3)
  }
  if (at !== b.length) throw new WireError('zstd: block is cut off')
}
