/** The loudest sample of silence: less than the noise of 16 bits. */
const QUIET = 2 / 32768
/** How many silent frames end a sound, so that its tail is whole. */
const HANG = 20

/** Says which frames of a microphone are sent. Silence is not. The page's twin of mirror/sound/record.go. */
export class Gate {
  private silent = 0
  private sounds = false

  /** Whether the frame is the last one of its sound; null for silence. */
  take(pcm: Float32Array): { ends: boolean } | null {
    this.silent = pcm.some((v) => v > QUIET || v < -QUIET) ? 0 : this.silent + 1
    if (!this.sounds && this.silent > 0) return null
    const ends = this.silent === HANG
    this.sounds = !ends
    return { ends }
  }
}
