import type { Key } from '../i18n/i18n.svelte'
import { Gate } from './gate'
import workletUrl from './hearing.worklet.ts?worker&url'

/** 10 ms each at 48 kHz, as docs/wire.md wants them; set as the native viewer's. */
const RATE = 48_000
const LASTS_US = 10_000
const OPUS: AudioEncoderConfig = {
  codec: 'opus',
  sampleRate: RATE,
  numberOfChannels: 1,
  bitrate: 48_000,
  opus: { frameDuration: LASTS_US, complexity: 5, application: 'lowdelay' } as OpusEncoderConfig,
}
const HEARD: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: 1,
  sampleRate: RATE,
}
/** So many frames may wait for the encoder. */
const MAX_QUEUE = 20

/** Who takes what a microphone hears. */
export interface Listener {
  packet(packet: Uint8Array, ends: boolean): void
  /** It hears no more. */
  ended(why: Key): void
}

export interface Capture {
  close(): void
}

/** Opens this computer's microphone, or throws a CaptureError. */
export type OpenCapture = (to: Listener) => Promise<Capture>

/** Why there is no microphone. */
export class CaptureError extends Error {
  override name = 'CaptureError'
  constructor(readonly why: Key) {
    super(why)
  }
}

/** Why this browser cannot speak at all; null if it can. */
export function cannotSpeak(): Key | null {
  if (!navigator.mediaDevices?.getUserMedia) return 'mic.insecure'
  if (typeof AudioEncoder === 'undefined' || typeof AudioWorkletNode === 'undefined') return 'mic.noEncoder'
  return null
}

/** Asks the person for the microphone, and encodes what it hears until it is closed. */
export const openCapture: OpenCapture = async (to) => {
  const cannot = cannotSpeak()
  if (cannot) throw new CaptureError(cannot)
  if (!(await AudioEncoder.isConfigSupported(OPUS)).supported) throw new CaptureError('mic.noEncoder')
  const stream = await navigator.mediaDevices.getUserMedia({ audio: HEARD }).catch((error: unknown) => {
    throw new CaptureError(reasonOf(error))
  })
  const capture = new WebCapture(stream, to)
  try {
    await capture.begin()
  } catch {
    capture.close()
    throw new CaptureError('mic.failed')
  }
  return capture
}

/** What getUserMedia says, as the Media Capture specification names it. */
export function reasonOf(error: unknown): Key {
  switch ((error as DOMException | null)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'mic.denied'
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'mic.none'
    case 'NotReadableError':
    case 'AbortError':
      return 'mic.busy'
  }
  return 'mic.failed'
}

class WebCapture implements Capture {
  private readonly context = new AudioContext({ sampleRate: RATE, latencyHint: 'interactive' })
  private readonly gate = new Gate()
  private readonly encoder: AudioEncoder
  private readonly ends: boolean[] = []
  private frames = 0
  private closed = false

  constructor(
    private readonly stream: MediaStream,
    private readonly to: Listener,
  ) {
    this.encoder = new AudioEncoder({ output: (chunk) => this.encoded(chunk), error: () => this.end('mic.failed') })
    for (const track of stream.getTracks()) track.onended = () => this.end('mic.gone')
  }

  async begin(): Promise<void> {
    this.encoder.configure(OPUS)
    await this.context.audioWorklet.addModule(workletUrl)
    await this.context.resume()
    const hearing = new AudioWorkletNode(this.context, 'hearing', { channelCount: 1, channelCountMode: 'explicit' })
    hearing.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => this.heard(data)
    this.context.createMediaStreamSource(this.stream).connect(hearing)
    hearing.connect(this.context.destination) // silent; what leads nowhere may not run
  }

  close(): void {
    if (this.closed) return
    this.closed = true
    for (const track of this.stream.getTracks()) track.stop()
    if (this.encoder.state !== 'closed') this.encoder.close()
    void this.context.close()
  }

  private end(why: Key): void {
    if (this.closed) return
    this.close()
    this.to.ended(why)
  }

  private heard(pcm: Float32Array<ArrayBuffer>): void {
    const said = this.gate.take(pcm)
    if (!said || this.closed || this.encoder.encodeQueueSize > MAX_QUEUE) return
    const data = new AudioData({
      format: 'f32', sampleRate: RATE, numberOfChannels: 1, numberOfFrames: pcm.length, timestamp: this.frames++ * LASTS_US, data: pcm,
    })
    this.ends.push(said.ends)
    this.encoder.encode(data)
    data.close()
  }

  private encoded(chunk: EncodedAudioChunk): void {
    const packet = new Uint8Array(chunk.byteLength)
    chunk.copyTo(packet)
    this.to.packet(packet, this.ends.shift() ?? false)
  }
}
