import { WireError } from './wire'

// The messages of docs/wire.md about the windows of an app.

/** Flags of a window. */
export const POPUP = 1
export const MODAL = 2
export const FULL_SCREEN = 4
export const MAXIMIZED = 8
export const ACTIVE = 16
export const MINIMIZED = 32
export const DIALOG = 64

/** What the host says of a window. Places are pixels of the viewer's desk; a limit of 0 is none. */
export interface Told {
  id: number
  /** 0 is none. */
  parent: number
  flags: number
  x: number
  y: number
  width: number
  height: number
  minWidth: number
  minHeight: number
  maxWidth: number
  maxHeight: number
  title: string
}

export type WindowMessage =
  | { type: 'on'; id: number }
  | { type: 'window'; window: Told }
  | { type: 'gone'; id: number }
  | { type: 'icon'; id: number; png: Uint8Array }

const text = new TextDecoder()

/** Reads a message of the types 0x10 to 0x13; null for another type. */
export function parseWindow(b: Uint8Array, v: DataView): WindowMessage | null {
  if (b[0]! < 0x10 || b[0]! > 0x13) return null
  if (b.length < 5) throw new WireError('message about a window is too short')
  const id = v.getUint32(1)
  if (b[0] === 0x11) return { type: 'window', window: parseTold(id, b, v) }
  if (b[0] === 0x13) return { type: 'icon', id, png: b.subarray(5) }
  if (b.length !== 5) throw new WireError('length of a message about a window')
  return b[0] === 0x10 ? { type: 'on', id } : { type: 'gone', id }
}

function parseTold(id: number, b: Uint8Array, v: DataView): Told {
  if (b.length < 27) throw new WireError('window is too short')
  if (id === 0) throw new WireError('window without a number')
  return {
    id,
    parent: v.getUint32(5),
    flags: v.getUint16(9),
    x: v.getInt16(11),
    y: v.getInt16(13),
    width: v.getUint16(15),
    height: v.getUint16(17),
    minWidth: v.getUint16(19),
    minHeight: v.getUint16(21),
    maxWidth: v.getUint16(23),
    maxHeight: v.getUint16(25),
    title: text.decode(b.subarray(27)),
  }
}

function message(type: number, ...words: number[]): Uint8Array<ArrayBuffer> {
  const v = new DataView(new ArrayBuffer(1 + 2 * words.length))
  v.setUint8(0, type)
  words.forEach((w, i) => v.setUint16(1 + 2 * i, w & 0xffff))
  return new Uint8Array(v.buffer)
}

/** Numbers of 32 bits as two words. */
const long = (id: number): [number, number] => [Math.floor(id / 65536), id & 0xffff]

/** What a viewer says of windows. */
export const sayWindow = {
  over: (id: number) => message(0x90, ...long(id)),
  place: (id: number, x: number, y: number, width: number, height: number) => message(0x91, ...long(id), x, y, width, height),
  /** Makes some flags so, and leaves the others. */
  state: (id: number, which: number, flags: number) => message(0x92, ...long(id), (which << 8) | flags),
  shut: (id: number) => message(0x93, ...long(id)),
  desk: (width: number, height: number) => message(0x94, width, height),
}
