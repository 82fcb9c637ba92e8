import { HAS_ACK, HAS_DATA, HAS_PARITY, HELD_NONE, HELD_UNIT, MAX_PAYLOAD, WANTS_ACK, near, parseDatagram, roomForAck, writeDatagram } from './datagram'
import type { Ack, Datagram } from './datagram'
import { Receiver } from './receiver'
import { MAX_MESSAGE } from './wire'

const ACK_DELAY = 4
const COPY_DELAY = 4
/** The round trip from which a lost packet is noticed, so that small things are sent twice. */
const WORTH_COPYING = 8
const FIRST_RTT = 100
const LEAST_PROBE = 8
const MOST_PROBE = 500
/** How long a close waits for the other side. */
const DRAIN_MS = 2000
/** Packets under way: a page says little, and its SCTP minds the path. */
const MOST = 32

interface Packet {
  payload: Uint8Array
  sent: number
  copy: number // when its copy goes; Infinity is never
}

/** Where a link sends and tells. */
export interface Ends {
  send(datagram: Uint8Array<ArrayBuffer>): void
  message(bytes: Uint8Array): void
  /** The other side said its last word. */
  ended(): void
}

/**
 * Messages in order and without loss over datagrams that may be lost, doubled
 * and reordered: the page's end of mirror/link. It sends every packet of its own
 * with a copy instead of a parity, as a page sends keys and little else. Times
 * are in ms of now().
 */
export class Link {
  private receiver: Receiver
  private packets = new Map<number, Packet>() // that have not arrived
  private next = 0
  private limit = MOST
  private pending: Uint8Array[] = [] // payloads that wait
  private srtt = 0
  private trip = 0
  private newest = -Infinity // when the newest datagram that arrived was sent
  private last = 0
  private tries = 0
  private timer: ReturnType<typeof setTimeout> | undefined
  private stopped = false
  private done = () => {}

  constructor(
    private readonly ends: Ends,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.receiver = new Receiver((m) => {
      if (this.stopped) return
      if (m.length > 0) return ends.message(m)
      this.receiver.due = this.now() // it waits for that
      queueMicrotask(() => ends.ended())
    })
  }

  /** Bytes that have not left yet. */
  get unsent(): number {
    return this.pending.reduce((sum, p) => sum + p.length, 0)
  }

  /** Says the last word and calls done when all has arrived, or after a while. */
  close(done: () => void): void {
    this.done = done
    this.write(new Uint8Array())
    setTimeout(done, DRAIN_MS)
  }

  /** Sends one message; an empty one is the last. */
  write(message: Uint8Array): void {
    if (message.length > MAX_MESSAGE) throw new RangeError('length of a message')
    const framed = new Uint8Array(2 + message.length)
    framed[0] = message.length >> 8
    framed[1] = message.length & 0xff
    framed.set(message, 2)
    for (let at = 0; at < framed.length; at += MAX_PAYLOAD) this.pending.push(framed.subarray(at, at + MAX_PAYLOAD))
    this.pump()
  }

  /** Takes a datagram; a bad one throws. */
  receive(bytes: Uint8Array): void {
    const d = parseDatagram(bytes)
    const now = this.now()
    if (d.ack) this.acked(d.ack, now)
    if (d.bits & (HAS_DATA | HAS_PARITY)) this.receiver.take(d, now)
    else if (d.bits & WANTS_ACK) this.receiver.due = now
    this.pump()
  }

  /** Ends all timers. */
  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
  }

  private acked(ack: Ack, now: number): void {
    const next = near(this.next, ack.next)
    this.limit = Math.max(this.limit, next + ack.room)
    const ranges = ack.ranges.map(([from, end]) => [near(this.next, from), near(this.next, end)] as const)
    const arrived = [...this.packets.keys()].filter((seq) => seq < next || ranges.some(([from, end]) => seq >= from && seq < end))
    for (const seq of arrived) this.packets.delete(seq)
    if (arrived.length > 0) {
      this.last = now
      this.tries = 0
      if (this.packets.size === 0 && this.pending.length === 0) this.done()
    }
    if (ack.held === HELD_NONE) return
    const ago = ((stamp(now) - ack.echo) >>> 0) / 1000
    if (ago > 60_000 || now - ago < this.newest) return
    this.newest = now - ago
    this.trip = Math.max(ago - ack.held * HELD_UNIT, 0.001)
    this.srtt = this.srtt === 0 ? this.trip : this.srtt + (this.trip - this.srtt) / 8
  }

  /** Sends what may go now and sets the timer for the rest. */
  private pump(): void {
    if (this.stopped) return
    const now = this.now()
    if (this.probeAt() <= now) this.probe(now)
    for (const [seq, p] of this.packets) {
      if (this.lostAt(p) <= now) this.sendPacket(seq, p, now)
      else if (p.copy <= now) this.sendCopy(seq, p, now)
    }
    while (this.pending.length > 0 && this.packets.size < MOST && this.next < this.limit) {
      const p = { payload: this.pending.shift()!, sent: now, copy: this.srtt >= WORTH_COPYING ? now + COPY_DELAY : Infinity }
      this.packets.set(this.next, p)
      this.sendPacket(this.next++, p, now)
    }
    if (this.receiver.due <= now) this.send({ bits: 0, seq: 0, count: 0, stamp: 0, sizes: 0, body: new Uint8Array() }, now)
    this.schedule(now)
  }

  /** When a packet counts as lost: one that was sent later has arrived (RFC 8985). */
  private lostAt(p: Packet): number {
    return p.sent < this.newest ? p.sent + this.trip + Math.max(this.trip / 8, COPY_DELAY + 1) : Infinity
  }

  private probeAt(): number {
    if (this.packets.size === 0 && (this.pending.length === 0 || this.next < this.limit)) return Infinity
    const wait = this.trip === 0 ? FIRST_RTT : Math.max(this.srtt * 1.25 + ACK_DELAY, LEAST_PROBE)
    return this.last + Math.min(wait * 2 ** Math.min(this.tries, 6), MOST_PROBE)
  }

  /** Sends the oldest packet again, or asks for room. */
  private probe(now: number): void {
    this.tries++
    this.last = now
    const oldest = this.packets.entries().next().value
    if (oldest) this.sendPacket(oldest[0], oldest[1], now, WANTS_ACK)
    else this.send({ bits: WANTS_ACK, seq: 0, count: 0, stamp: 0, sizes: 0, body: new Uint8Array() }, now)
  }

  private sendPacket(seq: number, p: Packet, now: number, more = 0): void {
    p.sent = this.last = now
    this.send({ bits: HAS_DATA | more, seq, count: 0, stamp: stamp(now), sizes: 0, body: p.payload }, now)
  }

  private sendCopy(seq: number, p: Packet, now: number): void {
    p.copy = Infinity
    this.send({ bits: HAS_PARITY, seq, count: 1, stamp: stamp(now), sizes: p.payload.length, body: p.payload }, now)
  }

  private send(d: Datagram, now: number): void {
    if (this.receiver.due < Infinity && roomForAck(d.body)) {
      d.bits |= HAS_ACK
      d.ack = this.receiver.ack(now)
    }
    this.ends.send(writeDatagram(d))
  }

  private schedule(now: number): void {
    clearTimeout(this.timer)
    let at = Math.min(this.receiver.due, this.probeAt())
    for (const p of this.packets.values()) at = Math.min(at, p.copy, this.lostAt(p))
    if (at < Infinity) this.timer = setTimeout(() => this.pump(), Math.max(at - now, 0))
  }
}

/** A time on the wire: µs, the low 32 bits. */
function stamp(now: number): number {
  return Math.floor(now * 1000) >>> 0
}
