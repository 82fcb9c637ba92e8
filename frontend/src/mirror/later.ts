/** What Chromium has for tracks of one's own making (mediacapture-transform), on the page's thread. */
interface Makers {
  MediaStreamTrackProcessor?: new (init: { track: MediaStreamTrack; maxBufferSize: number }) => { readable: ReadableStream<VideoFrame> }
  MediaStreamTrackGenerator?: new (init: { kind: 'video' }) => MediaStreamTrack & { writable: WritableStream<VideoFrame> }
}
/** So many pictures may be held. */
const MAX_HELD = 30

/**
 * The pictures of a track, each later by so many ms: sound is played later than
 * pictures, as it is held back to be even, and a recording would be late by as
 * much. Where the browser cannot, the track as it is.
 */
export function later(track: MediaStreamTrack, ms: () => number): MediaStreamTrack {
  const { MediaStreamTrackProcessor: Processor, MediaStreamTrackGenerator: Generator } = globalThis as Makers
  if (!Processor || !Generator) return track
  const made = new Generator({ kind: 'video' })
  void hold(new Processor({ track, maxBufferSize: MAX_HELD }).readable.getReader(), made.writable.getWriter(), ms)
  const stop = made.stop.bind(made)
  made.stop = () => {
    stop()
    track.stop() // ends hold
  }
  return made
}

async function hold(from: ReadableStreamDefaultReader<VideoFrame>, to: WritableStreamDefaultWriter<VideoFrame>, ms: () => number): Promise<void> {
  let due = 0
  let held = 0
  for (;;) {
    const { value: frame, done } = await from.read()
    if (done) return
    const now = performance.now()
    due = Math.max(due + 1, now + ms()) // in their order
    if (held >= MAX_HELD) {
      frame.close()
      continue
    }
    held++
    const wait = due - now
    setTimeout(() => {
      held--
      const moved = new VideoFrame(frame, { timestamp: frame.timestamp + Math.round(wait * 1000) })
      frame.close()
      to.write(moved).catch(() => moved.close()) // the recording has ended
    }, wait)
  }
}
