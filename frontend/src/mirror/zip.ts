import type { Arrived } from './takefiles'

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1
  return n >>> 0
})

/** CRC-32 (ISO 3309) of bytes, going on from that of those before. */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  for (const byte of bytes) crc = table[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

const utf8 = new TextEncoder()
/** Names are UTF-8 (APPNOTE 4.4.4, bit 11). */
const UTF8 = 0x800

/** A ZIP archive of files as they are, without compression; less than 4 GiB and 65,536 files. */
export function zip(files: Arrived[]): Blob {
  const parts: BlobPart[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let at = 0
  for (const file of files) {
    const name = utf8.encode(file.path)
    const about = [UTF8, 0, 0, 0x21, file.crc, file.crc >>> 16, ...size(file.blob.size), ...size(file.blob.size), name.length, 0]
    const head = joined([words(0x4b50, 0x0403, 20, ...about), name])
    directory.push(joined([words(0x4b50, 0x0201, 20, 20, ...about, 0, 0, 0, 0, 0, ...size(at)), name]))
    parts.push(head, file.blob)
    at += head.length + file.blob.size
  }
  const length = directory.reduce((n, d) => n + d.length, 0)
  parts.push(...directory, words(0x4b50, 0x0605, 0, 0, files.length, files.length, ...size(length), ...size(at), 0))
  return new Blob(parts, { type: 'application/zip' })
}

const size = (n: number): number[] => [n & 0xffff, n >>> 16]

/** Numbers of 16 bits, least first. */
function words(...numbers: number[]): Uint8Array<ArrayBuffer> {
  const v = new DataView(new ArrayBuffer(numbers.length * 2))
  numbers.forEach((n, i) => v.setUint16(i * 2, n & 0xffff, true))
  return new Uint8Array(v.buffer)
}

function joined(parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0))
  let at = 0
  for (const p of parts) {
    all.set(p, at)
    at += p.length
  }
  return all
}
