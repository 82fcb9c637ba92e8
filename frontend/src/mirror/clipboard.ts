import { MAX_MESSAGE, say, type HostMessage } from './wire'

/** The only type a page moves: browsers give others to few pages. */
const TEXT = 'text/plain;charset=utf-8'
/** Bytes of a text that a page takes or gives. */
const MAX_TEXT = 1 << 20
const CHUNK = MAX_MESSAGE - 6

export type Note = 'screen.copied' | 'screen.copyBlocked' | 'screen.copyLarge' | 'screen.pasted'

/** What the clipboard needs of a view and of the browser. */
export interface Desk {
  send(message: Uint8Array<ArrayBuffer>): void
  /** Whether the person is in the view and may control it. */
  active(): boolean
  /** Throws if the browser does not allow it. */
  write(text: string): Promise<void>
  note(note: Note): void
}

/**
 * The clipboard of one view of the page (docs/wire.md). What the host offers is
 * fetched at once if the person is in the view, as a browser cannot ask later;
 * what the person pastes is offered to the host first.
 */
export class Clipboard {
  private serial = 0
  private mine: Uint8Array | null = null
  private text: string | null = null
  private theirs: number | null = null
  private chunks: Uint8Array[] = []
  private size = 0
  private readonly utf8 = new TextEncoder()

  constructor(private readonly desk: Desk) {}

  /** Another connection: nothing is under way, and the host knows nothing. */
  begin(): void {
    this.mine = this.text = this.theirs = null
    this.chunks = []
  }

  /** Offers a text of this computer, unless the host has it. */
  offer(text: string): void {
    if (text === '' || text === this.text || !this.desk.active()) return
    const bytes = this.utf8.encode(text)
    if (bytes.length > MAX_TEXT) return this.desk.note('screen.copyLarge')
    this.text = text
    this.mine = bytes
    this.serial++
    this.desk.send(say.clipOffer(this.serial, [TEXT]))
  }

  take(m: HostMessage): void {
    if (m.type === 'clipOffer') this.offered(m.serial, m.types)
    if (m.type === 'clipWant') this.give(m.serial, m.mime)
    if (m.type === 'clipData' && m.serial === this.theirs) this.add(m)
  }

  private offered(serial: number, types: string[]): void {
    this.mine = this.text = this.theirs = null
    if (!types.includes(TEXT) || !this.desk.active()) return
    this.theirs = serial
    this.chunks = []
    this.size = 0
    this.desk.send(say.clipWant(serial, TEXT))
  }

  private give(serial: number, mime: string): void {
    const bytes = this.mine
    if (!bytes || serial !== this.serial || mime !== TEXT || !this.desk.active()) {
      return this.desk.send(say.clipData(serial, 3, new Uint8Array()))
    }
    for (let at = 0; at < bytes.length; at += CHUNK) {
      this.desk.send(say.clipData(serial, +(at + CHUNK >= bytes.length), bytes.subarray(at, at + CHUNK)))
    }
    this.desk.note('screen.pasted')
  }

  private add(m: { last: boolean; refused: boolean; bytes: Uint8Array }): void {
    this.size += m.bytes.length
    if (m.refused || this.size > MAX_TEXT) {
      this.theirs = null
      this.chunks = []
      if (!m.refused) this.desk.note('screen.copyLarge')
      return
    }
    this.chunks.push(m.bytes.slice())
    if (m.last) void this.copy()
  }

  private async copy(): Promise<void> {
    const decoder = new TextDecoder()
    const text = this.chunks.map((c) => decoder.decode(c, { stream: true })).join('') + decoder.decode()
    this.theirs = null
    this.chunks = []
    this.text = text
    try {
      await this.desk.write(text)
      this.desk.note('screen.copied')
    } catch {
      this.desk.note('screen.copyBlocked')
    }
  }
}

/** The clipboard's text if the browser gives it without asking the person, else ''. */
export async function readGranted(): Promise<string> {
  try {
    const { state } = await navigator.permissions.query({ name: 'clipboard-read' as PermissionName })
    return state === 'granted' ? await navigator.clipboard.readText() : ''
  } catch {
    return '' // a browser without this permission: pasting offers the text
  }
}
