import { MAX_FRAME, WireError } from './wire'

/** Bytes of all pictures together: 64 Mi pixels, each kept here and on its canvas. */
const MAX_PICTURES = (64 << 20) * 8
/** Bytes of the window of a picture's compressed stream; hosts keep to 1 MiB. */
export const STREAM_WINDOW = 2 << 20
/** A frame's content: so many bytes for each pixel, and some for a cursor. */
const ROOM_PIXEL = 16
const ROOM_FRAME = 1 << 20

/** The memory of the pictures of many windows, which a host must not fill (docs/wire.md). */
export class Memory {
  private pictures = new Map<number, number>()
  private frames = 0

  /** Checks a frame of a window before it is decoded. */
  check(id: number, frame: Uint8Array): void {
    if (frame.length < 9) return // the decoder says what is wrong
    const v = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const pixels = v.getUint16(1) * v.getUint16(3)
    const compressed = (v.getUint8(0) & 2) !== 0
    const content = compressed ? v.getUint32(5) : frame.length
    if (content > ROOM_PIXEL * pixels + ROOM_FRAME) throw new WireError('a frame that is too large for its window')
    this.pictures.set(id, pixels * 8)
    if ([...this.pictures.values()].reduce((a, b) => a + b) > MAX_PICTURES) throw new WireError('the windows are too large together')
  }

  /** Bytes of a frame that is not whole yet came, or went. */
  hold(bytes: number): void {
    this.frames += bytes
    if (this.frames > MAX_FRAME) throw new WireError('the frames under way are too large together')
  }

  forget(id: number): void {
    this.pictures.delete(id)
  }
}
