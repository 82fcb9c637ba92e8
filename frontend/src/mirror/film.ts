/** One frame of a stream of video. */
export interface Chunk {
  data: Uint8Array
  key: boolean
  /** 4:4:4 */
  full: boolean
  width: number
  height: number
}

/** Decodes streams of video, one frame after the other. */
export interface Film {
  /** Gives the picture in this size as R G B A. Rejects when it cannot be decoded. */
  decode(chunk: Chunk, width: number, height: number): Promise<Uint8ClampedArray>
  close(): void
}

const name = (full: boolean) => (full ? 'vp09.01.41.08' : 'vp09.00.41.08')

/** How long a browser may take for a frame before it counts as broken. */
const PATIENCE_MS = 3000

let able: Promise<number> | undefined

/** What this browser decodes, as the flags of the message able. */
export function abilities(): Promise<number> {
  return (able ??= ask())
}

async function ask(): Promise<number> {
  if (typeof VideoDecoder === 'undefined') return 0
  const supported = async (full: boolean) => {
    try {
      return (await VideoDecoder.isConfigSupported({ codec: name(full), codedWidth: 1920, codedHeight: 1080 })).supported === true
    } catch {
      return false // an old browser that does not know the name
    }
  }
  const [half, full] = await Promise.all([supported(false), supported(true)])
  return half ? 1 | (full ? 2 : 0) : 0
}

/** A Film by WebCodecs. A stream begins with a key frame; each has a decoder of its own. */
export class WebFilm implements Film {
  private decoder: VideoDecoder | null = null
  private of = ''
  private waiting: { resolve: (frame: VideoFrame) => void; reject: (error: Error) => void } | null = null
  private count = 0
  private readonly canvas = document.createElement('canvas')
  private readonly ctx = this.canvas.getContext('2d', { alpha: false, willReadFrequently: true })

  async decode(chunk: Chunk, width: number, height: number): Promise<Uint8ClampedArray> {
    this.open(chunk)
    const frame = await this.next(chunk)
    try {
      return this.pixels(frame, width, height)
    } finally {
      frame.close()
    }
  }

  close(): void {
    this.fail(new Error('closed'))
    if (this.decoder && this.decoder.state !== 'closed') this.decoder.close()
    this.decoder = null
    this.of = ''
  }

  private open(c: Chunk): void {
    const of = `${c.width}x${c.height} ${c.full}`
    if (this.decoder && this.of === of) return
    this.close()
    this.of = of
    this.decoder = new VideoDecoder({
      output: (frame) => (this.waiting ? this.waiting.resolve(frame) : frame.close()),
      error: (error) => this.fail(error),
    })
    this.decoder.configure({ codec: name(c.full), codedWidth: c.width, codedHeight: c.height, optimizeForLatency: true })
  }

  private async next(c: Chunk): Promise<VideoFrame> {
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      return await new Promise<VideoFrame>((resolve, reject) => {
        this.waiting = { resolve, reject }
        timer = setTimeout(() => reject(new Error('no picture came')), PATIENCE_MS)
        this.decoder!.decode(
          new EncodedVideoChunk({ type: c.key ? 'key' : 'delta', timestamp: this.count++, data: c.data }),
        )
      })
    } finally {
      clearTimeout(timer)
      this.waiting = null
    }
  }

  private fail(error: Error): void {
    this.waiting?.reject(error)
  }

  private pixels(frame: VideoFrame, width: number, height: number): Uint8ClampedArray {
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width
      this.canvas.height = height
    }
    if (!this.ctx) throw new Error('no canvas')
    this.ctx.drawImage(frame, 0, 0, width, height)
    return this.ctx.getImageData(0, 0, width, height).data
  }
}
