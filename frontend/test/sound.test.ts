import { describe, expect, it } from 'vitest'
import { LASTS, Schedule } from '../src/mirror/schedule'
import { parseHost, say, WireError } from '../src/mirror/wire'

const hex = (b: Uint8Array) => Buffer.from(b).toString('hex')

describe('messages of sound', () => {
  it('reads those of a host', () => {
    expect(parseHost(Uint8Array.of(0x20, 1, 2, 1, 9))).toEqual({ type: 'sound', number: 0x102, ends: true, packet: Uint8Array.of(9) })
    expect(parseHost(Uint8Array.of(0x21, 2, 0x61))).toEqual({ type: 'listening', state: 'failed', text: 'a' })
    expect(parseHost(Uint8Array.of(0x22, 1))).toEqual({ type: 'speaking', state: 'on', text: '' })
    for (const bad of [Uint8Array.of(0x20, 0, 0, 0), Uint8Array.of(0x21), new Uint8Array(1300).fill(0x20)]) {
      expect(() => parseHost(bad)).toThrow(WireError)
    }
  })
  it('writes those of a viewer', () => {
    expect([say.listen(true), say.speak(true), say.speak(false)].map(hex)).toEqual(['a101', 'a201', 'a200'])
    expect(hex(say.sound(0x102, true, Uint8Array.of(9, 8)))).toBe('a00102010908')
  })
})

/** Gives when each packet plays that comes at a time. */
function plays(schedule: Schedule, ...packets: [number: number, now: number, ends?: boolean][]) {
  return packets.map(([number, now, ends]) => {
    const at = schedule.at(number, ends ?? false, now)
    return at === null ? null : Math.round(at * 1000)
  })
}

describe('when sound plays', () => {
  it('is even where packets are not', () => {
    expect(plays(new Schedule(), [7, 1], [8, 1.025], [9, 1.026], [10, 1.04])).toEqual([1040, 1050, 1060, 1070])
  })
  it('leaves a lost packet its place, and drops one that comes too late', () => {
    expect(plays(new Schedule(), [65535, 1], [1, 1.02], [0, 1.021], [2, 1.03])).toEqual([1040, 1060, null, 1070])
  })
  it('holds more after it ran dry', () => {
    expect(plays(new Schedule(), [1, 1], [2, 1.2])).toEqual([1040, 1250])
  })
  it('does not take the end of a sound for running dry', () => {
    expect(plays(new Schedule(), [1, 1, true], [2, 1.06])).toEqual([1040, 1100])
    expect(plays(new Schedule(), [1, 1], [2, 9])).toEqual([1040, 9040])
  })
  it('begins anew with a host that does', () => {
    expect(plays(new Schedule(), [30_000, 1], [1, 1.01], [60_000, 1.02], [5, 1.03])).toEqual([1040, 1050, 1060, 1070])
  })
  it('cuts out what waits for too long', () => {
    const schedule = new Schedule()
    let late = 0
    // The first comes half a second late, all others in time.
    schedule.at(0, false, 0)
    for (let n = 1; n < 200; n++) {
      const now = n * LASTS - 0.5 + 0.5 * Math.exp(-n)
      const at = schedule.at(n, false, Math.max(now, 0))
      if (at !== null) late = at - Math.max(now, 0)
    }
    expect(late).toBeLessThan(0.08)
    expect(late).toBeGreaterThan(0)
  })
})
