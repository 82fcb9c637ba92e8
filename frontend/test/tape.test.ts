import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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
    const heard = { stop: vi.fn() } as unknown as MediaStreamTrack
    const added: unknown[] = []
    canvas.captureStream = () => ({ getTracks: () => [track, heard], addTrack: (t: unknown) => added.push(t) }) as unknown as MediaStream
    Recorder.isTypeSupported = (kind) => kind === 'video/webm;codecs=vp8,opus'
    tape.hears = async () => heard
    tape.toggle('x')
    await vi.waitFor(() => expect(added).toEqual([heard]))
    expect(Recorder.last.mimeType).toBe('video/webm;codecs=vp8,opus')
    tape.toggle('x')
    expect(heard.stop).toHaveBeenCalled()
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
