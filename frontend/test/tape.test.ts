import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { later } from '../src/mirror/later'
import { fileName, Tape } from '../src/mirror/tape.svelte'

/** A recorder that a test feeds. */
class Recorder {
  static last: Recorder
  static isTypeSupported = (kind: string): boolean => kind === 'video/webm;codecs=vp8'
  state: 'inactive' | 'recording' = 'inactive'
  mimeType: string
  ondataavailable: (e: { data: Blob }) => void = () => {}
  onstop = () => {}
  onerror = () => {}
  constructor(readonly stream: MediaStream, options: { mimeType?: string }) {
    this.mimeType = options.mimeType ?? ''
    Recorder.last = this
  }
  start() {
    this.state = 'recording'
  }
  stop() {
    this.state = 'inactive'
    this.ondataavailable({ data: new Blob(['end']) })
    this.onstop()
  }
}

describe('a recording of the page', () => {
  let saved: { film: Blob; name: string }[]
  let tape: Tape
  let track: { stop: () => void }
  let canvas: HTMLCanvasElement
  beforeEach(() => {
    vi.stubGlobal('MediaRecorder', Recorder)
    saved = []
    track = { stop: vi.fn() }
    canvas = document.createElement('canvas')
    canvas.captureStream = () => ({ getTracks: () => [track] }) as unknown as MediaStream
    tape = new Tape((film, name) => saved.push({ film, name }))
    tape.of(canvas)
  })
  afterEach(() => vi.unstubAllGlobals())

  it('saves what came between start and stop', () => {
    tape.toggle('win 11')
    expect(tape.since).toBeGreaterThan(0)
    Recorder.last.ondataavailable({ data: new Blob(['begin ']) })
    tape.toggle('win 11')
    expect(tape.since).toBe(0)
    expect(track.stop).toHaveBeenCalled()
    expect(saved).toHaveLength(1)
    expect(saved[0]!.film.size).toBe('begin end'.length)
    expect(saved[0]!.film.type).toBe('video/webm;codecs=vp8')
    expect(saved[0]!.name).toMatch(/^hither-win-11-\d{4}-\d\d-\d\d-\d{6}\.webm$/)
  })
  it('has what is heard, as a track of its own', async () => {
    const heard = { stop: vi.fn() }
    const shown = { stop: vi.fn() }
    canvas.captureStream = () => ({ getVideoTracks: () => [shown] }) as unknown as MediaStream
    vi.stubGlobal('MediaStream', class {
      constructor(readonly tracks: unknown[]) {}
      getTracks = () => this.tracks
    })
    Recorder.isTypeSupported = (kind) => kind === 'video/webm;codecs=vp8,opus'
    tape.hears = async () => heard as unknown as MediaStreamTrack
    tape.toggle('x')
    await vi.waitFor(() => expect(Recorder.last.stream.getTracks()).toEqual([shown, heard]))
    expect(Recorder.last.mimeType).toBe('video/webm;codecs=vp8,opus')
    tape.toggle('x')
    expect([shown.stop, heard.stop].map((stop) => stop.mock.calls.length)).toEqual([1, 1])
    expect(saved).toHaveLength(1)
    Recorder.isTypeSupported = (kind) => kind === 'video/webm;codecs=vp8'
  })
  it('begins nothing when it was ended before it could be heard', async () => {
    const heard = { stop: vi.fn() } as unknown as MediaStreamTrack
    let give = (_: MediaStreamTrack) => {}
    tape.hears = () => new Promise((done) => (give = done))
    tape.toggle('x')
    expect(tape.since).toBeGreaterThan(0)
    tape.toggle('x')
    give(heard)
    await vi.waitFor(() => expect(heard.stop).toHaveBeenCalled())
    expect([tape.since, saved.length]).toEqual([0, 0])
  })
  it('ends with the view', () => {
    tape.toggle('x')
    tape.of(null)
    expect([tape.since, saved.length]).toEqual([0, 1])
    tape.toggle('x') // there is nothing to record
    expect(tape.since).toBe(0)
  })
  it('ends when the browser ends it', () => {
    tape.toggle('x')
    Recorder.last.onerror()
    Recorder.last.stop()
    expect([tape.since, tape.note, saved.length]).toEqual([0, 'screen.recordFailed', 1])
  })
  it('ends when it becomes too large', () => {
    tape.toggle('x')
    Recorder.last.ondataavailable({ data: { size: 2 ** 31 } as Blob })
    expect([tape.since, tape.note, saved.length]).toEqual([0, 'screen.recordFull', 1])
  })
  it('says when it cannot begin', () => {
    canvas.captureStream = () => {
      throw new Error('no picture')
    }
    tape.toggle('x')
    expect([tape.since, tape.note]).toEqual([0, 'screen.recordFailed'])
  })
  it('makes names that files may have', () => {
    expect(fileName('../屏幕 a/b:c', 'video/mp4', new Date(2026, 0, 2, 3, 4, 5))).toBe('hither-..-屏幕-a-b-c-2026-01-02-030405.mp4')
  })
})

/** A picture that a test looks at. */
class Frame {
  closed = 0
  readonly timestamp: number
  constructor(readonly of: number | Frame, init: { timestamp: number }) {
    this.timestamp = init.timestamp
  }
  close() {
    this.closed++
  }
}

describe('pictures that are held back', () => {
  let give: (frame: Frame) => void
  let end: () => void
  let taken: Frame[]
  const stop = vi.fn(() => end())
  beforeEach(() => {
    vi.useFakeTimers()
    taken = []
    vi.stubGlobal('VideoFrame', Frame)
    vi.stubGlobal('MediaStreamTrackProcessor', class {
      readable = new ReadableStream<Frame>({ start: (c) => ((give = (f) => c.enqueue(f)), (end = () => c.close())) })
    })
    vi.stubGlobal('MediaStreamTrackGenerator', class {
      writable = new WritableStream<Frame>({ write: (frame) => void taken.push(frame) })
      stop() {}
    })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })
  const track = { stop } as unknown as MediaStreamTrack

  it('come later, in their order, by their time too', async () => {
    let ms = 50
    const made = later(track, () => ms)
    const first = new Frame(1, { timestamp: 1000 })
    give(first)
    await vi.advanceTimersByTimeAsync(40)
    expect(taken).toEqual([])
    ms = 0 // it catches up, but not before the one before
    give(new Frame(2, { timestamp: 41_000 }))
    await vi.advanceTimersByTimeAsync(11)
    expect(taken.map((f) => [(f.of as Frame).of, f.timestamp])).toEqual([[1, 51_000], [2, 52_000]])
    expect(first.closed).toBe(1)
    made.stop()
    expect(stop).toHaveBeenCalled()
  })
  it('are bounded', async () => {
    later(track, () => 1000)
    const all = Array.from({ length: 40 }, (_, n) => new Frame(n, { timestamp: n }))
    all.forEach(give)
    await vi.advanceTimersByTimeAsync(2000)
    expect([taken.length, all.filter((f) => f.closed === 1).length]).toEqual([30, 40])
  })
  it('are as they are where the browser cannot', () => {
    vi.stubGlobal('MediaStreamTrackGenerator', undefined)
    expect(later(track, () => 50)).toBe(track)
  })
})
