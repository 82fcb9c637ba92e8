import type { Key } from '../i18n/i18n.svelte'
import { nodeText } from '../i18n/node'
import { CaptureError, openCapture, type Capture, type OpenCapture } from './capture'
import { say, type HostMessage } from './wire'

/** Asking is also while the host is out of reach: nobody hears it then. */
export type MicrophoneState = 'off' | 'asking' | 'on' | 'failed'

/** What carries packets to the host. */
export interface Speaker {
  send(message: Uint8Array<ArrayBuffer>): void
  readonly keepsUp: boolean
}

/**
 * The microphone of one view, off until the person turns it on, and off again
 * when the view ends. This computer's microphone is opened first; what it hears
 * is sent while the host's word is that it is on. A host that says so unasked
 * gets nothing.
 */
export class Microphone {
  /** The host lets this view speak. */
  allowed = $state(false)
  state = $state<MicrophoneState>('off')
  /** Why it failed: in words of the page, or the host's own. */
  why = $state.raw<{ key: Key } | { text: string } | null>(null)

  private speaker: Speaker | null = null
  private capture: Capture | null = null
  private number = 0
  private tries = 0

  constructor(private readonly open: OpenCapture = openCapture) {}

  /** The view that it speaks into; null when that goes. */
  of(speaker: Speaker | null): void {
    this.off()
    this.allowed = false
    this.speaker = speaker
  }

  toggle(): void {
    if (this.wanted) this.off()
    else void this.on()
  }

  /** Turns it off, whatever it was. */
  off(): void {
    if (this.wanted) this.speaker?.send(say.speak(false))
    this.end('off')
  }

  /** The view is opened, perhaps anew: the host does not know yet. */
  begin(): void {
    this.allowed = false
    this.lost()
    if (this.capture) this.speaker?.send(say.speak(true))
  }

  /** The view is out of reach. */
  lost(): void {
    if (this.state === 'on') this.state = 'asking'
  }

  take(m: HostMessage): void {
    if (m.type !== 'speaking') return
    if (m.state !== 'failed') this.allowed = true // else it may be again later
    if (m.state === 'on') this.granted()
    else if (m.state === 'failed') this.refused(m.text)
    else if (this.state === 'on') this.end('off')
  }

  private get wanted(): boolean {
    return this.state === 'asking' || this.state === 'on'
  }

  private async on(): Promise<void> {
    const mine = ++this.tries
    this.state = 'asking'
    this.why = null
    try {
      const capture = await this.open({
        packet: (packet, ends) => mine === this.tries && this.say(packet, ends),
        ended: (why) => mine === this.tries && this.broke(why),
      })
      if (mine !== this.tries) return capture.close()
      this.capture = capture
      this.speaker?.send(say.speak(true))
    } catch (error) {
      if (mine === this.tries) this.broke(error instanceof CaptureError ? error.why : 'mic.failed')
    }
  }

  private granted(): void {
    if (this.capture) this.state = 'on'
    else this.speaker?.send(say.speak(false))
  }

  private refused(text: string): void {
    if (!this.wanted) return
    this.speaker?.send(say.speak(false))
    this.end('failed')
    this.why = { text: text.split('\n').map(nodeText).join('\n') }
  }

  /** This computer's microphone cannot be heard. */
  private broke(why: Key): void {
    if (this.capture) this.speaker?.send(say.speak(false))
    this.end('failed')
    this.why = { key: why }
  }

  private end(state: 'off' | 'failed'): void {
    this.tries++
    this.capture?.close()
    this.capture = null
    this.state = state
  }

  private say(packet: Uint8Array, ends: boolean): void {
    if (this.state !== 'on') return
    const message = say.sound(this.number, ends, packet)
    this.number = (this.number + 1) & 0xffff
    if (this.speaker?.keepsUp) this.speaker.send(message)
  }
}
