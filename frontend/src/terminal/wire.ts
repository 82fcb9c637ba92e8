// The messages of a terminal; docs/wire.md has them byte by byte.

/** The most bytes of one input message. */
export const MAX_CHUNK = 8 << 10

export type HostMessage =
  | { kind: 'hello'; viewOnly: boolean }
  | { kind: 'data'; bytes: Uint8Array }
  | { kind: 'skipped'; bytes: number }
  | { kind: 'closed'; reason: 'ended' | 'revoked' | 'failed'; text: string; hint: string }
  | { kind: 'unknown' }

export class TerminalWireError extends Error {}

const text = new TextDecoder()

/** Reads a message of the host, or throws TerminalWireError. */
export function parseHost(m: Uint8Array): HostMessage {
  const body = m.subarray(1)
  switch (m[0]) {
    case undefined:
      throw new TerminalWireError('an empty message')
    case 0x01:
      if (body.length < 2 || body[0] !== 1) throw new TerminalWireError('a hello of another version')
      return { kind: 'hello', viewOnly: (body[1]! & 1) !== 0 }
    case 0x02:
      return { kind: 'data', bytes: body }
    case 0x03: {
      if (body.length !== 8) throw new TerminalWireError('a wrong number of bytes left out')
      return { kind: 'skipped', bytes: Number(new DataView(body.buffer, body.byteOffset, 8).getBigUint64(0)) }
    }
    case 0x05: {
      if (body.length < 1) throw new TerminalWireError('a closed without a reason')
      const [said = '', hint = ''] = text.decode(body.subarray(1)).split('\n', 2)
      return { kind: 'closed', reason: body[0] === 0 ? 'ended' : body[0] === 1 ? 'revoked' : 'failed', text: said, hint }
    }
  }
  return { kind: 'unknown' }
}

/** What is typed, in messages that are not too long. */
export function input(bytes: Uint8Array): Uint8Array<ArrayBuffer>[] {
  const out: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0; at < bytes.length; at += MAX_CHUNK) {
    const part = bytes.subarray(at, at + MAX_CHUNK)
    const m = new Uint8Array(1 + part.length)
    m[0] = 0x81
    m.set(part, 1)
    out.push(m)
  }
  return out
}

export function size(columns: number, rows: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(0x82, columns >> 8, columns & 255, rows >> 8, rows & 255)
}
