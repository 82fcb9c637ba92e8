const LEAST = 20 << 10
const FIRST = 64 << 10
const MOST = 1 << 20
/** By how much an answer may be later than the soonest lately before a queue is thought of. */
const LATE_MS = 8
const LATELY_MS = 10_000

/**
 * How many bytes of files may be under way: enough to fill a path, and no more
 * than pass quickly, as keys wait behind them. It grows while answers come as
 * soon as the soonest lately, and shrinks when they come late.
 */
export class Flow {
  size = FIRST
  got = 0
  private sent = 0
  private marks: { sent: number; at: number }[] = []
  private soonest = 0
  private since = 0

  get open(): boolean {
    return this.sent - this.got < this.size
  }

  send(cost: number, now: number): void {
    this.sent += cost
    if (this.marks.length < 256) this.marks.push({ sent: this.sent, at: now })
  }

  /** Notes how much the other side has; false is more than it can have. */
  answer(got: number, now: number): boolean {
    if (got > this.sent || got < this.got) return false
    const full = !this.open
    const fresh = got - this.got
    this.got = got
    let at = 0
    while (this.marks.length > 0 && this.marks[0]!.sent <= got) at = this.marks.shift()!.at
    if (at === 0) return true
    const took = now - at
    if (this.soonest === 0 || took <= this.soonest || now - this.since > LATELY_MS) {
      this.soonest = took
      this.since = now
    }
    if (took > this.soonest * 1.25 + LATE_MS) this.size = Math.max(LEAST, (this.size * 3) / 4)
    else if (full) this.size = Math.min(MOST, this.size + fresh)
    return true
  }
}
