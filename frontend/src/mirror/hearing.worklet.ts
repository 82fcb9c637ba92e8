// Runs on the browser's audio thread: hands what a microphone hears to the page,
// in frames of 10 ms. It plays nothing.

declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

/** Samples of 48 kHz. */
const FRAME = 480

class Hearing extends AudioWorkletProcessor {
  private frame = new Float32Array(FRAME)
  private filled = 0

  process([input]: Float32Array[][]): boolean {
    let rest = input?.[0] ?? new Float32Array()
    while (rest.length > 0) {
      const part = rest.subarray(0, FRAME - this.filled)
      this.frame.set(part, this.filled)
      this.filled += part.length
      rest = rest.subarray(part.length)
      if (this.filled === FRAME) this.give()
    }
    return true
  }

  private give(): void {
    this.port.postMessage(this.frame, [this.frame.buffer])
    this.frame = new Float32Array(FRAME)
    this.filled = 0
  }
}

registerProcessor('hearing', Hearing)
