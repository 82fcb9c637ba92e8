import type { Entry } from './files'
import { FILES } from './filewire'
import { MAX_MESSAGE, say, type HostMessage } from './wire'

const TEXT = 'text/plain;charset=utf-8'
const PNG = 'image/png'
/** What a page takes or gives of each type, in bytes; of files it is a ticket. */
const MOST: Record<string, number> = { [TEXT]: 1 << 20, [PNG]: 16 << 20, [FILES]: 16 }
const CHUNK = MAX_MESSAGE - 6

export type Note = 'screen.copied' | 'screen.copyBlocked' | 'screen.copyLarge' | 'screen.pasted'

/** What a clipboard of this computer has. */
export interface Copied {
  text?: string
  png?: Blob
}

/** Gives what was offered, once the host pastes it. */
type Give = () => Uint8Array | Promise<Uint8Array>

/** What the clipboard needs of a view and of the browser. */
export interface Desk {
  send(message: Uint8Array<ArrayBuffer>): void
  /** Whether the person is in the view and may control it. */
  active(): boolean
  /** Throws if the browser does not allow it. */
  write(what: Copied): Promise<void>
  /** Tells the person; again, if any, is what the person may try with a click. */
  note(note: Note, again?: () => void): void
  /** The host offers files by a ticket, or, with null, offers none any more. */
  offered(ticket: Uint8Array | null): void
  /** A ticket for files that the host pastes. */
  ticket(entries: Entry[]): Uint8Array
}

/**
 * The clipboard of one view of the page (docs/wire.md). What the host offers is
 * fetched at once if the person is in the view, as a browser cannot ask later;
 * of files only the ticket. What the person pastes is offered to the host first.
 */
export class Clipboard {
  private serial = 0
  private mine = new Map<string, Give>()
  private text: string | null = null
  private theirs: number | null = null
  private wants: string[] = []
  private chunks: Uint8Array<ArrayBuffer>[] = []
  private size = 0
  private copied: Copied = {}
  private readonly utf8 = new TextEncoder()

  constructor(private readonly desk: Desk) {}

  /** Another connection: nothing is under way, and the host knows nothing. */
  begin(): void {
    this.forget()
    this.desk.offered(null)
  }

  /** Offers a text of this computer, unless the host has it. */
  offer(text: string): void {
    if (text === '' || text === this.text) return
    const bytes = this.utf8.encode(text)
    if (this.put(TEXT, bytes.length, () => bytes)) this.text = text
  }

  /** Offers a picture of this computer. */
  offerPicture(png: Blob): void {
    this.put(PNG, png.size, async () => new Uint8Array(await png.arrayBuffer()))
  }

  /** Offers files of this computer. */
  offerFiles(entries: Promise<Entry[]>): void {
    this.put(FILES, 0, async () => this.desk.ticket(await entries))
  }

  private put(mime: string, size: number, give: Give): boolean {
    if (!this.desk.active()) return false
    if (size > MOST[mime]!) {
      this.desk.note('screen.copyLarge')
      return false
    }
    this.text = null
    this.mine = new Map([[mime, give]])
    this.serial++
    this.desk.send(say.clipOffer(this.serial, [mime]))
    return true
  }

  take(m: HostMessage): void {
    if (m.type === 'clipOffer') this.offered(m.serial, m.types)
    if (m.type === 'clipWant') this.give(m.serial, m.mime)
    if (m.type === 'clipData' && m.serial === this.theirs && this.wants.length > 0) this.add(this.wants[0]!, m)
  }

  private forget(): void {
    this.mine.clear()
    this.text = this.theirs = null
    this.wants = []
    this.chunks = []
    this.size = 0
    this.copied = {}
  }

  private offered(serial: number, types: string[]): void {
    this.forget()
    this.desk.offered(null)
    if (!this.desk.active()) return
    this.theirs = serial
    this.wants = [TEXT, PNG, FILES].filter((mime) => types.includes(mime))
    this.want()
  }

  /** Asks for the next type, or ends with what came. */
  private want(): void {
    this.chunks = []
    this.size = 0
    if (this.wants.length > 0) this.desk.send(say.clipWant(this.theirs!, this.wants[0]!))
    else if (this.copied.text !== undefined || this.copied.png) void this.copy(this.copied)
  }

  private give(serial: number, mime: string): void {
    const give = this.mine.get(mime)
    if (!give || serial !== this.serial || !this.desk.active()) return this.refuse(serial)
    const bytes = give()
    if (!(bytes instanceof Promise)) return this.answer(serial, mime, bytes)
    bytes.then(
      (b) => serial === this.serial && this.answer(serial, mime, b),
      () => this.refuse(serial), // it cannot be read any more
    )
  }

  private refuse(serial: number): void {
    this.desk.send(say.clipData(serial, 3, new Uint8Array()))
  }

  private answer(serial: number, mime: string, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += CHUNK) {
      this.desk.send(say.clipData(serial, +(at + CHUNK >= bytes.length), bytes.subarray(at, at + CHUNK)))
    }
    if (mime !== FILES) this.desk.note('screen.pasted')
  }

  private add(mime: string, m: { last: boolean; refused: boolean; bytes: Uint8Array }): void {
    this.size += m.bytes.length
    if (this.size > MOST[mime]!) {
      this.forget()
      return this.desk.note('screen.copyLarge')
    }
    this.chunks.push(m.bytes.slice())
    if (!m.last && !m.refused) return
    if (!m.refused) this.came(mime)
    this.wants.shift()
    this.want()
  }

  private came(mime: string): void {
    const blob = new Blob(this.chunks, { type: PNG })
    if (mime === PNG) this.copied.png = blob
    if (mime === TEXT) {
      const decoder = new TextDecoder()
      this.copied.text = this.chunks.map((c) => decoder.decode(c, { stream: true })).join('') + decoder.decode()
    }
    if (mime === FILES) {
      const ticket = new Uint8Array(this.size)
      let at = 0
      for (const c of this.chunks) {
        ticket.set(c, at)
        at += c.length
      }
      this.desk.offered(ticket)
    }
  }

  private async copy(what: Copied): Promise<void> {
    this.text = what.text ?? null
    try {
      await this.desk.write(what)
      this.desk.note('screen.copied')
    } catch {
      this.desk.note('screen.copyBlocked', () => void this.copy(what))
    }
  }
}

/** Puts what the host copied into this computer's clipboard. */
export async function write({ text, png }: Copied): Promise<void> {
  if (!png) return navigator.clipboard.writeText(text!)
  const items: Record<string, Blob> = { [PNG]: png }
  if (text !== undefined) items['text/plain'] = new Blob([text], { type: 'text/plain' })
  await navigator.clipboard.write([new ClipboardItem(items)])
}

/** What the clipboard has if the browser gives it without asking the person. */
export async function readGranted(): Promise<Copied> {
  try {
    const { state } = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName })
    if (state !== 'granted') return {}
    const what: Copied = {}
    for (const item of await navigator.clipboard.read()) {
      if (item.types.includes('text/plain')) what.text = await (await item.getType('text/plain')).text()
      if (item.types.includes(PNG)) what.png = await item.getType(PNG)
    }
    return what
  } catch {
    return {} // a browser without this permission: pasting offers it
  }
}

/** The picture of a paste, as a screenshot or a browser's "copy image" makes one; a file of its own is none. */
export function pictureOf(data: DataTransfer): File | null {
  const only = data.files.length === 1 ? data.files[0]! : null
  return only?.type === PNG && only.name === 'image.png' ? only : null
}
