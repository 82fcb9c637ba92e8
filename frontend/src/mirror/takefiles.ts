import { sayFile, word, type FileMessage, type Reason, type Ticket } from './filewire'
import { crc32 } from './zip'

/** A file that came. */
export interface Arrived {
  path: string
  blob: Blob
  crc: number
}

const MAX_ENTRIES = 20_000
/** Pieces are put together when they have so many bytes: a browser keeps large blobs on disk. */
const JOIN = 1 << 20
/** How much more than was said may come: files may have grown. */
const SLACK = 64 << 20

/** A transfer from the host, into memory that the browser manages. */
export class Taking {
  readonly done: Promise<Arrived[]>
  private finish!: (files: Arrived[]) => void
  private fail!: (reason: Reason) => void
  private over = false
  private files: Arrived[] = []
  private entries = 0
  private path: string | null = null
  private rest = 0
  private blobs: Blob[] = []
  private chunks: Uint8Array<ArrayBuffer>[] = []
  private held = 0
  private crc = 0
  private bytes = 0
  private got = 0
  private answering = false

  constructor(
    readonly ticket: Ticket,
    private readonly send: (m: Uint8Array<ArrayBuffer>) => void,
    private readonly moved: (bytes: number) => void,
  ) {
    this.done = new Promise((resolve, reject: (reason: Reason) => void) => {
      this.finish = resolve
      this.fail = reject
    })
    send(sayFile.take(ticket.id))
  }

  hear(m: FileMessage): void {
    if (this.over) return
    if (m.type === 'fileEntry') this.entry(m)
    if (m.type === 'filePiece') this.piece(m.bytes)
    if (m.type === 'fileNews' && m.word === word.sent) this.whole()
    if (m.type === 'fileNews' && m.word === word.broken) this.end(m.reason, false)
    if (m.type !== 'fileEntry' && m.type !== 'filePiece') return
    this.got += m.cost
    this.answer()
  }

  end(reason: Reason, tell = true): void {
    if (this.over) return
    this.over = true
    if (tell) this.send(sayFile.news(this.ticket.id, word.stop, reason))
    this.chunks = this.blobs = this.files = []
    this.fail(reason)
  }

  private entry(m: { dir: boolean; size: number; path: string }): void {
    if (this.rest > 0 || ++this.entries > MAX_ENTRIES || m.size > this.ticket.bytes + SLACK - this.bytes) return this.end('failed')
    this.close()
    if (m.dir) return
    this.path = safePath(m.path)
    this.rest = m.size
  }

  private piece(bytes: Uint8Array): void {
    if (bytes.length > this.rest) return this.end('failed')
    this.rest -= bytes.length
    this.bytes += bytes.length
    this.held += bytes.length
    this.crc = crc32(bytes, this.crc)
    this.chunks.push(bytes.slice())
    if (this.held >= JOIN) this.join()
  }

  private join(): void {
    this.blobs.push(new Blob(this.chunks))
    this.chunks = []
    this.held = 0
  }

  private close(): void {
    if (this.path === null) return
    this.join()
    this.files.push({ path: this.path, blob: new Blob(this.blobs), crc: this.crc })
    this.path = null
    this.blobs = []
    this.crc = 0
  }

  private whole(): void {
    if (this.rest > 0) return this.end('failed')
    this.close()
    this.over = true
    this.send(sayFile.news(this.ticket.id, word.kept, 'failed', this.got))
    this.finish(this.files)
  }

  /** Lets the host send more, once for all messages that come together. */
  private answer(): void {
    if (this.answering) return
    this.answering = true
    setTimeout(() => {
      this.answering = false
      if (this.over) return
      this.send(sayFile.news(this.ticket.id, word.got, 'failed', this.got))
      this.moved(Math.min(this.bytes, this.ticket.bytes))
    })
  }
}

/** A path whose parts are safe as names: none is special, controls a terminal or turns text around. */
export function safePath(path: string): string {
  return path
    .split('/')
    .map((part) => part.replace(/[\\\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu, '_'))
    .map((part) => (/^[. ]*$/.test(part) ? '_' : part))
    .join('/')
}
