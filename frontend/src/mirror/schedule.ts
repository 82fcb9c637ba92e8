/** Seconds that a packet of sound lasts. */
export const LASTS = 0.01
/** Seconds that are held before playing begins: at first, and at most. */
const LEAST = 0.04
const MOST = 0.2
/** Held more after it ran dry. */
const MORE = 0.01
/** What waits for so much longer than needed is cut out, seen over a span of packets. */
const SLACK = 0.02
const SPAN = 50
/** Packets without running dry, after which less is held again. */
const CALM = 1000
/** Seconds after which silence is no longer taken for running dry. */
const RECENT = 0.3
/** More packets than these are not lost: the host began anew. */
const JUMP = 50

/**
 * Says when packets of sound that come unevenly are to be played, so that they
 * sound even and late by as little as the path allows. Times are in seconds of the
 * clock that plays. The page's twin of mirror/sound/buffer.go.
 */
export class Schedule {
  private next = 0
  private number = -1
  private held = LEAST
  private fewest = Infinity
  private steps = 0
  private calm = 0
  private cut = 0

  /** When to play a packet that came now; null is never: it comes too late, or too much waits. */
  at(number: number, ends: boolean, now: number): number | null {
    const gap = this.number < 0 ? 0 : (number - this.number) & 0xffff
    if (gap > 0x10000 - JUMP) return null
    if (gap < JUMP) this.next += gap * LASTS // lost packets leave their place
    this.number = ends ? -1 : (number + 1) & 0xffff
    if (this.next < now) this.begin(gap < JUMP && now - this.next < RECENT, now)
    this.count(this.next - now)
    if (this.cut > 0 && !ends) {
      this.cut--
      return null
    }
    const at = this.next
    this.next = ends ? 0 : at + LASTS
    return at
  }

  /** Begins playing; dry says that sound was playing until just now. */
  private begin(dry: boolean, now: number): void {
    if (dry) {
      this.held = Math.min(this.held + MORE, MOST)
      this.calm = 0
    }
    this.next = now + this.held
    this.fewest = Infinity
    this.steps = this.cut = 0
  }

  /** Notes how long a packet waits; if all of a span waited for too long, some are cut out. */
  private count(waits: number): void {
    this.fewest = Math.min(this.fewest, waits)
    if (++this.calm >= CALM) {
      this.held = Math.max(this.held - MORE, LEAST)
      this.calm = 0
    }
    if (++this.steps < SPAN) return
    this.cut = Math.max(0, Math.floor((this.fewest - this.held - SLACK) / LASTS))
    this.steps = 0
    this.fewest = Infinity
  }
}
