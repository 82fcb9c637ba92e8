import { costOf, MAX_PIECE, sayFile, word, type FileMessage, type Reason, type Ticket } from './filewire'
import { Flow } from './flow'

/** A file or directory to be sent; a directory comes before what is in it. */
export interface Entry {
  path: string
  file: File | null
}

/** Bytes that are read of a file at once. */
const BLOCK = 256 << 10

/** A transfer to the host. */
export class Sending {
  /** Resolves with where the files are, or rejects with a Reason. */
  readonly done: Promise<string>
  private readonly flow = new Flow()
  private finish!: (where: string) => void
  private fail!: (reason: Reason) => void
  private over = false
  private wake: () => void = () => {}

  constructor(
    readonly ticket: Ticket,
    private readonly entries: Entry[],
    private readonly send: (m: Uint8Array<ArrayBuffer>) => void,
    private readonly moved: (bytes: number) => void,
  ) {
    this.done = new Promise((resolve, reject: (reason: Reason) => void) => {
      this.finish = resolve
      this.fail = reject
    })
    void this.run()
  }

  /** Takes what the host says of this transfer. */
  hear(m: Extract<FileMessage, { type: 'fileNews' }>): void {
    if (m.word === word.got) {
      if (!this.flow.answer(m.count, performance.now())) return this.end('failed')
      this.moved(Math.min(m.count, this.ticket.bytes))
      this.wake()
    }
    if (m.word === word.kept) {
      this.over = true
      this.finish(m.text)
    }
    if (m.word === word.stop) this.end(m.reason, false)
  }

  /** Ends it early; tell says it to the host. */
  end(reason: Reason, tell = true): void {
    if (this.over) return
    this.over = true
    if (tell) this.send(sayFile.news(this.ticket.id, word.broken, reason))
    this.fail(reason)
    this.wake()
  }

  private async run(): Promise<void> {
    try {
      for (const entry of this.entries) await this.one(entry)
      if (!this.over) this.send(sayFile.news(this.ticket.id, word.sent))
    } catch {
      this.end('failed') // the file cannot be read any more
    }
  }

  private async one({ path, file }: Entry): Promise<void> {
    await this.say(sayFile.entry(this.ticket.id, file === null, file?.size ?? 0, path))
    for (let at = 0; file !== null && at < file.size && !this.over; at += BLOCK) {
      const block = new Uint8Array(await file.slice(at, at + BLOCK).arrayBuffer())
      for (let from = 0; from < block.length; from += MAX_PIECE) {
        await this.say(sayFile.piece(this.ticket.id, block.subarray(from, from + MAX_PIECE)))
      }
    }
  }

  private async say(m: Uint8Array<ArrayBuffer>): Promise<void> {
    while (!this.over && !this.flow.open) await new Promise<void>((resolve) => (this.wake = resolve))
    if (this.over) return
    this.flow.send(costOf(m), performance.now())
    this.send(m)
  }
}
