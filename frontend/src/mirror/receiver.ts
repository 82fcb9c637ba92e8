import { HELD_NONE, HELD_UNIT, MAX_GROUP, MAX_PAYLOAD, MAX_RANGES, WANTS_ACK, HAS_DATA, WINDOW, near } from './datagram'
import type { Ack, Datagram } from './datagram'
import { MAX_MESSAGE, WireError } from './wire'

/** How long an acknowledgement waits for something to travel with, in ms. */
const ACK_DELAY = 4
const ACK_EVERY = 8
/** How many delivered packets are kept to mend others with. */
const BEHIND = 2 * MAX_GROUP
const PLACES = WINDOW - BEHIND - 1

/**
 * Puts packets in order and their messages together; holds at most WINDOW
 * packets. The twin of mirror/link/receiver.go. Times are in ms.
 */
export class Receiver {
  /** When the next acknowledgement goes; Infinity is never. */
  due = Infinity
  private slots = new Map<number, Uint8Array>()
  private next = 0
  private top = 0
  private mended = 0
  private stamp = 0
  private came = -Infinity
  private pending = 0
  private message = new Uint8Array(2 + MAX_MESSAGE)
  private size = 0

  /** deliver gets each message, valid during the call; an empty one is the last. */
  constructor(private readonly deliver: (message: Uint8Array) => void) {}

  /** Takes the data or parity of a datagram. */
  take(d: Datagram, now: number): void {
    this.stamp = d.stamp
    this.came = now
    this.pending++
    const hole = this.next < this.top
    const seq = near(this.next, d.seq)
    if (d.bits & HAS_DATA) this.put(seq, d.body)
    else this.mend(seq, d)
    const holed = this.next < this.top
    if (hole !== holed || this.pending >= (holed ? 2 : ACK_EVERY) || d.bits & WANTS_ACK) this.due = now
    else if (this.due === Infinity) this.due = now + ACK_DELAY
  }

  private put(seq: number, payload: Uint8Array): boolean {
    if (seq < this.next || seq >= this.next + PLACES || this.slots.has(seq)) return false
    this.slots.set(seq, payload.slice())
    this.top = Math.max(this.top, seq + 1)
    for (let packet; (packet = this.slots.get(this.next)); this.next++) {
      this.slots.delete(this.next - BEHIND)
      this.read(packet)
    }
    return true
  }

  /** Makes the one packet that is missing of a parity's group. */
  private mend(first: number, d: Datagram): void {
    let missing = -1
    for (let seq = first; seq < first + d.count; seq++) {
      if (this.slots.has(seq)) continue
      if (missing >= 0 || seq < this.next) return
      missing = seq
    }
    if (missing < 0) return
    let size = d.sizes
    const sum = new Uint8Array(MAX_PAYLOAD)
    sum.set(d.body.subarray(0, MAX_PAYLOAD))
    for (let seq = first; seq < first + d.count; seq++) {
      const packet = this.slots.get(seq)
      if (!packet) continue
      size ^= packet.length
      for (let i = 0; i < packet.length; i++) sum[i]! ^= packet[i]!
    }
    if (size > 0 && size <= MAX_PAYLOAD && this.put(missing, sum.subarray(0, size))) this.mended++
  }

  /** Reads a packet's part of the messages. */
  private read(packet: Uint8Array): void {
    for (let at = 0; at < packet.length; ) {
      const want = this.size < 2 ? 2 : 2 + this.length()
      const part = packet.subarray(at, at + want - this.size)
      this.message.set(part, this.size)
      this.size += part.length
      at += part.length
      if (this.size < 2) continue
      if (this.length() > MAX_MESSAGE) throw new WireError('length of a message')
      if (this.size < 2 + this.length()) continue
      this.size = 0
      this.deliver(this.message.slice(2, 2 + this.length())) // its reader keeps it
    }
  }

  private length(): number {
    return (this.message[0]! << 8) | this.message[1]!
  }

  /** Says what has arrived. */
  ack(now: number): Ack {
    this.pending = 0
    this.due = Infinity
    const held = Math.floor((now - this.came) / HELD_UNIT)
    const ack: Ack = {
      next: this.next >>> 0,
      room: PLACES,
      echo: this.stamp,
      held: Math.min(held, HELD_NONE),
      mended: this.mended,
      ranges: [],
    }
    for (let seq = this.next + 1; seq < this.top && ack.ranges.length < MAX_RANGES; seq++) {
      if (!this.slots.has(seq)) continue
      const from = seq
      while (this.slots.has(seq)) seq++
      ack.ranges.push([from, seq])
    }
    return ack
  }
}
