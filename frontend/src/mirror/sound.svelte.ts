import { Schedule } from './schedule'
import { say, type HostMessage } from './wire'

export type SoundState = 'off' | 'waiting' | 'on' | 'failed'
type Packet = Extract<HostMessage, { type: 'sound' }>

/** Opus as WebCodecs names it; packets of 10 ms in µs. */
const OPUS = { codec: 'opus', sampleRate: 48_000, numberOfChannels: 2 }
const LASTS_US = 10_000

/** Whether this browser can play the sound of a screen. */
export const canHear = () => typeof AudioDecoder !== 'undefined' && typeof AudioContext !== 'undefined'

const newContext = () => new AudioContext({ sampleRate: OPUS.sampleRate, latencyHint: 'interactive' })
/** A destination that always gives something: what nothing is connected to gives nothing. */
function silent(context: AudioContext): MediaStreamAudioDestinationNode {
  const to = context.createMediaStreamDestination()
  const silence = context.createConstantSource()
  silence.offset.value = 0
  silence.connect(to)
  silence.start()
  return to
}

/** How long a recording waits for the page to be let play, and for the host's word. */
const TAP_MS = 500
/** What Chromium takes from playing to a recorder, more than for a picture, about. */
const TAP_LATE_MS = 10
const within = <T>(work: Promise<T>) => Promise.race([work, new Promise((done) => setTimeout(done, TAP_MS))])

/**
 * The sound of one view. A browser lets a page play only after the person did
 * something in it: until the first gesture the state is waiting, and the host is
 * not asked for any sound.
 */
export class Sound {
  state = $state<SoundState>('off')
  /** Why it failed, in the host's words. */
  why = $state('')

  private wanted = false
  private context: AudioContext | null = null
  /** How long packets wait to be played, in seconds, about. */
  private waits = 0.04
  private told = () => {}
  private tapped: MediaStreamAudioDestinationNode | null = null
  private decoder: AudioDecoder | null = null
  private schedule = new Schedule()
  private coming = new Map<number, Packet>()
  private count = 0

  constructor(private readonly send: (message: Uint8Array<ArrayBuffer>) => void) {}

  /** Turns sound on or off. */
  want(on: boolean): void {
    if (this.wanted === on || !canHear()) return
    this.wanted = on
    if (on) return this.begin()
    this.reset('off')
    this.send(say.listen(false))
  }

  /** The person did something in the page. */
  gesture(): void {
    if (this.state === 'waiting') this.begin()
  }

  /** Another connection, or sound is wanted now: asks the host for it. */
  begin(): void {
    if (!this.wanted) return
    this.reset('waiting')
    this.context ??= newContext()
    const context = this.context
    void context.resume().then(() => {
      if (this.wanted && this.state === 'waiting' && context.state === 'running') this.send(say.listen(true))
    })
  }

  take(m: HostMessage): void {
    if (!this.wanted) return
    if (m.type === 'listening') {
      this.why = m.state === 'failed' ? m.text : ''
      this.state = m.state
      this.told()
    }
    if (m.type === 'sound') this.decode(m)
  }

  /** What is heard from now on, for a recording, which stops the track; null where nothing can be heard. */
  async tap(): Promise<MediaStreamTrack | null> {
    if (!canHear() || this.failed) return null
    this.context ??= newContext()
    const context = this.context
    await within(context.resume())
    if (this.state === 'waiting') await within(new Promise<void>((done) => (this.told = done)))
    // A recorder waits for a track that gives nothing, as one of a page without a gesture does.
    if (this.context !== context || context.state !== 'running' || this.failed) return null
    this.tapped ??= silent(context)
    return this.tapped.stream.getAudioTracks()[0]!.clone()
  }

  /** By how many ms a recorder hears it later than it came. */
  get lateMs(): number {
    return this.waits * 1000 + TAP_LATE_MS
  }

  private get failed(): boolean {
    return this.state === 'failed'
  }

  close(): void {
    this.wanted = false
    this.reset('off')
    void this.context?.close()
    this.context = this.tapped = null
  }

  private reset(state: SoundState): void {
    this.state = state
    this.why = ''
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close()
    this.decoder = null
    this.coming.clear()
    this.schedule = new Schedule()
  }

  private decode(m: Packet): void {
    const decoder = (this.decoder ??= this.open())
    const timestamp = this.count++ * LASTS_US
    this.coming.set(timestamp, m)
    decoder.decode(new EncodedAudioChunk({ type: 'key', timestamp, data: m.packet }))
  }

  private open(): AudioDecoder {
    const decoder = new AudioDecoder({
      output: (data) => {
        this.play(data)
        data.close()
      },
      // What is no Opus closes the decoder; the next packet opens another.
      error: () => this.decoder === decoder && (this.decoder = null),
    })
    decoder.configure(OPUS)
    return decoder
  }

  private play(data: AudioData): void {
    const packet = this.coming.get(data.timestamp)
    for (const at of this.coming.keys()) {
      if (at > data.timestamp) break
      this.coming.delete(at) // one that is no Opus gives nothing
    }
    const context = this.context
    if (!packet || !context) return
    const at = this.schedule.at(packet.number, packet.ends, context.currentTime)
    if (at === null) return
    this.waits += (at - context.currentTime - this.waits) / 16
    const buffer = context.createBuffer(data.numberOfChannels, data.numberOfFrames, data.sampleRate)
    for (let planeIndex = 0; planeIndex < data.numberOfChannels; planeIndex++) {
      data.copyTo(buffer.getChannelData(planeIndex), { planeIndex, format: 'f32-planar' })
    }
    const source = context.createBufferSource()
    source.buffer = buffer
    source.connect(context.destination)
    if (this.tapped) source.connect(this.tapped)
    source.start(at)
  }
}
