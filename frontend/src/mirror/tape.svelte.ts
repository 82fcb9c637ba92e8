import { later } from './later'

/** What the page can record into, the best first; with sound Opus comes with it. */
const KINDS = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4']
/** How often the browser hands over what it has encoded. */
const SLICE_MS = 1000
/** The browser keeps a recording until it is saved: more than this is too much. */
const MAX_BYTES = 2 ** 31

export type TapeNote = '' | 'screen.recordFull' | 'screen.recordFailed'

/** Whether this browser can record a canvas. */
export const canRecord = (): boolean =>
  typeof MediaRecorder !== 'undefined' && typeof HTMLCanvasElement.prototype.captureStream === 'function'

/** Draws a pixel as it is: the browser gives a recorder no picture before one is drawn. */
function touch(canvas: HTMLCanvasElement): void {
  const context = canvas.getContext('2d')
  context?.putImageData(context.getImageData(0, 0, 1, 1), 0, 0)
}

function kindOf(sound: boolean): string | undefined {
  const kinds = KINDS.map((kind) => (sound && kind.includes('codecs=') ? kind + ',opus' : kind))
  return kinds.find((kind) => MediaRecorder.isTypeSupported(kind))
}

/**
 * The recording of one view of the page: what its canvas shows and what is heard,
 * from start to stop, saved as a download. The browser encodes a picture for each
 * change. It ends with the view, and by itself when it has become too large.
 */
export class Tape {
  /** Since when it records, Date.now(); 0 when it does not. */
  since = $state(0)
  note = $state<TapeNote>('')
  /** Gives what is heard as a track of the recording's own, or null; set by the view. */
  hears: (() => Promise<MediaStreamTrack | null>) | null = null
  /** By how many ms it is heard later than it is seen. */
  late = () => 0
  private canvas: HTMLCanvasElement | null = null
  private recorder: MediaRecorder | null = null

  constructor(private readonly save: (film: Blob, name: string) => void = download) {}

  /** Where the pictures come from; null when the view goes. */
  of(canvas: HTMLCanvasElement | null): void {
    if (!canvas) this.stop()
    this.canvas = canvas
  }

  toggle(name: string): void {
    if (this.since > 0) this.stop()
    else void this.start(name)
  }

  private async start(name: string): Promise<void> {
    if (!this.canvas) return
    this.note = ''
    const mine = (this.since = Date.now())
    const sound = this.hears && (await this.hears())
    const canvas = this.canvas
    if (this.since !== mine || !canvas) return sound?.stop()
    try {
      let stream = canvas.captureStream()
      if (sound) stream = new MediaStream([...stream.getVideoTracks().map((video) => later(video, this.late)), sound])
      this.record(stream, name, sound !== null)
      touch(canvas)
    } catch {
      sound?.stop()
      this.forget()
      this.note = 'screen.recordFailed' // a canvas without a picture, or a codec that is missing
    }
  }

  private record(stream: MediaStream, name: string, sound: boolean): void {
    const mimeType = kindOf(sound)
    const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {})
    const parts: Blob[] = []
    let size = 0
    recorder.ondataavailable = ({ data }) => {
      parts.push(data)
      size += data.size
      if (size < MAX_BYTES || recorder !== this.recorder) return
      this.note = 'screen.recordFull'
      this.stop()
    }
    recorder.onerror = () => (this.note = 'screen.recordFailed') // it stops, too
    recorder.onstop = () => {
      for (const track of stream.getTracks()) track.stop()
      if (recorder === this.recorder) this.forget()
      const type = recorder.mimeType || 'video/webm'
      if (size > 0) this.save(new Blob(parts, { type }), fileName(name, type, new Date()))
    }
    recorder.start(SLICE_MS)
    this.recorder = recorder
  }

  stop(): void {
    const recorder = this.recorder
    this.forget()
    if (recorder && recorder.state !== 'inactive') recorder.stop()
  }

  private forget(): void {
    this.recorder = null
    this.since = 0
  }
}

/** A name that every file system takes. */
export function fileName(name: string, type: string, at: Date): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 60)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const time = two(at.getHours()) + two(at.getMinutes()) + two(at.getSeconds())
  return `hither-${safe}-${day}-${time}.${type.startsWith('video/mp4') ? 'mp4' : 'webm'}`
}

function download(film: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(film)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000) // the browser may not have read it yet
}
