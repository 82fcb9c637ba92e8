import { parseTicket, sayFile, ticketBytes, word, type FileMessage, type Reason, type Ticket } from './filewire'
import { Sending, type Entry } from './sendfiles'
import { Taking, type Arrived } from './takefiles'

export type { Entry } from './sendfiles'

/** How a transfer stands. */
export interface Moving {
  here: boolean
  drop: boolean
  files: number
  bytes: number
  total: number
  /** When it began (performance.now). */
  began: number
  /** Once it is over: whether, and why not, and where the files are. */
  over?: 'kept' | Reason
  where?: string
}

/** What a browser takes at once: it keeps all of it. */
export const MAX_HERE = 1 << 30
const MAX_ENTRIES = 20_000

export interface FilesDesk {
  send(message: Uint8Array<ArrayBuffer>): void
  /** Told of a transfer as it goes on, and of its end. */
  tell(m: Moving): void
  /** Gives the person what came. */
  save(files: Arrived[]): void
}

/** The files of one view of the page (docs/wire.md, "Files"). */
export class Files {
  private serial = 0
  private ready: { ticket: Ticket; entries: Entry[]; drop: boolean } | null = null
  private out: Sending | null = null
  private in: Taking | null = null

  constructor(private readonly desk: FilesDesk) {}

  /** Another connection: nothing is under way. */
  begin(): void {
    this.ready = null
    this.out?.end('gone', false)
    this.in?.end('gone', false)
    this.out = this.in = null
  }

  cancel(): void {
    this.out?.end('cancelled')
    this.in?.end('cancelled')
  }

  /** A ticket for files that the host pastes. */
  ticket(entries: Entry[]): Uint8Array<ArrayBuffer> {
    return ticketBytes(this.offer(entries, false))
  }

  drop(entries: Entry[]): void {
    if (entries.length === 0) return
    const ticket = this.offer(entries, true)
    if (entries.length > MAX_ENTRIES) return this.desk.tell({ ...this.moving(ticket, false, true), over: 'noRoom' })
    this.desk.send(sayFile.drop(ticket))
  }

  private offer(entries: Entry[], drop: boolean): Ticket {
    const files = entries.filter((e) => e.file)
    const ticket = { id: ++this.serial, files: files.length, bytes: files.reduce((n, e) => n + e.file!.size, 0) }
    this.ready = { ticket, entries, drop }
    return ticket
  }

  /** What a ticket of the host says; null is none that could be taken here. */
  look(bytes: Uint8Array): Ticket | null {
    const ticket = parseTicket(bytes)
    return ticket && ticket.files > 0 && ticket.files <= MAX_ENTRIES ? ticket : null
  }

  /** Takes the host's files, as the person wishes. */
  fetch(ticket: Ticket): void {
    const now = this.moving(ticket, true, false)
    if (this.in) return this.desk.tell({ ...now, over: 'busy' })
    if (ticket.bytes > MAX_HERE) return this.desk.tell({ ...now, over: 'noRoom' })
    const taking = new Taking(ticket, (m) => this.desk.send(m), (bytes) => this.desk.tell({ ...now, bytes }))
    this.in = taking
    taking.done
      .then(
        (files) => {
          this.desk.save(files)
          this.desk.tell({ ...now, bytes: now.total, over: 'kept' })
        },
        (reason: Reason) => this.desk.tell({ ...now, over: reason }),
      )
      .finally(() => {
        if (this.in === taking) this.in = null
      })
  }

  take(m: FileMessage): void {
    if (m.type === 'fileTake') return this.taken(m.id)
    if (m.type !== 'fileNews' || m.word === word.sent || m.word === word.broken) {
      if (this.in?.ticket.id === m.id) this.in.hear(m)
      return
    }
    if (this.out?.ticket.id === m.id) return this.out.hear(m)
    if (this.ready?.ticket.id === m.id && this.ready.drop && m.word === word.stop) {
      this.desk.tell({ ...this.moving(this.ready.ticket, false, true), over: m.reason })
      this.ready = null
    }
  }

  private taken(id: number): void {
    if (this.ready?.ticket.id !== id) return this.desk.send(sayFile.news(id, word.broken, 'gone'))
    if (this.out) return this.desk.send(sayFile.news(id, word.broken, 'busy'))
    const { ticket, entries, drop } = this.ready
    this.ready = null
    const now = this.moving(ticket, false, drop)
    const out = new Sending(ticket, entries, (m) => this.desk.send(m), (bytes) => this.desk.tell({ ...now, bytes }))
    this.out = out
    out.done
      .then(
        (where) => this.desk.tell({ ...now, bytes: now.total, over: 'kept', where }),
        (reason: Reason) => this.desk.tell({ ...now, over: reason }),
      )
      .finally(() => {
        if (this.out === out) this.out = null
      })
  }

  private moving(t: Ticket, here: boolean, drop: boolean): Moving {
    return { here, drop, files: t.files, bytes: 0, total: t.bytes, began: performance.now() }
  }
}

/** The files of a drop or a paste, with what is in directories. */
export async function entriesOf(data: DataTransfer): Promise<Entry[]> {
  const roots = [...data.items].filter((i) => i.kind === 'file').map((i) => ({ entry: i.webkitGetAsEntry?.() ?? null, file: i.getAsFile() }))
  const all: Entry[] = []
  for (const { entry, file } of roots) {
    if (entry) await walk(entry, '', all)
    else if (file) all.push({ path: file.name, file })
  }
  return all
}

async function walk(entry: FileSystemEntry, below: string, all: Entry[]): Promise<void> {
  if (all.length > MAX_ENTRIES) return
  const path = below + entry.name
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    all.push({ path, file })
    return
  }
  all.push({ path, file: null })
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return // a browser gives a hundred at a time
    for (const e of some) await walk(e, path + '/', all)
  }
}
