import { MAX_TEXT } from './wire'

/** Characters that may wait to be typed. */
export const MAX_TYPED = 16 << 10
/** Characters of a piece: of four bytes each, they fit one message. */
const PIECE = MAX_TEXT / 4

/**
 * Sends text to be typed, piece by piece: the next one when the host has typed
 * the one before, so that nothing else the viewer says waits for a long text.
 */
export class Typist {
  private left: string[] = []
  private waits: bigint | null = null

  /** say sends a piece and a ping after it, whose number it gives. */
  constructor(private readonly say: (text: string) => bigint) {}

  /** False when the text is too long, and nothing of it is typed. */
  type(text: string): boolean {
    const all = [...text.replace(/\r\n?/g, '\n')]
    if (all.length + this.left.length * PIECE > MAX_TYPED) return false
    for (let at = 0; at < all.length; at += PIECE) this.left.push(all.slice(at, at + PIECE).join(''))
    if (this.waits === null) this.next()
    return true
  }

  /** The host has done all before a ping. */
  pong(id: bigint): void {
    if (this.waits === null || id < this.waits) return
    this.waits = null
    this.next()
  }

  /** Another connection: what waited is not typed there. */
  reset(): void {
    this.left = []
    this.waits = null
  }

  /** A lone piece needs no answer: what is typed key by key never waits. */
  private next(): void {
    const piece = this.left.shift()
    if (piece === undefined) return
    const id = this.say(piece)
    if (this.left.length > 0) this.waits = id
  }
}
