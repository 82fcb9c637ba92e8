import type { Key } from '../i18n/i18n.svelte'
import { Clipboard, pictureOf, readGranted, write } from './clipboard'
import { entriesOf, Files, type Moving } from './files'
import { filesText, movingText, type Notice } from './notice'
import type { Arrived } from './takefiles'
import type { HostMessage } from './wire'
import { zip } from './zip'

/** A transfer that takes no longer is only told of when it is over. */
const MOMENT_MS = 1000

/** What moves between a view of the page and its host: clipboard and files. */
export class Exchange {
  private readonly clip: Clipboard
  private readonly files: Files

  /**
   * @param send says something to the host
   * @param inView whether the person is in the view and may control it
   * @param show tells the person
   */
  constructor(
    send: (m: Uint8Array<ArrayBuffer>) => void,
    inView: () => boolean,
    private readonly host: string,
    private readonly show: (notice: Notice | null) => void,
  ) {
    this.files = new Files({ send, tell: (m) => this.moved(m), save: download })
    this.clip = new Clipboard({
      send,
      active: inView,
      write,
      note: (key: Key, again) => show({ text: { key, params: { host } }, verb: again && 'verb.copy', do: again }),
      offered: (ticket) => this.offered(ticket),
      ticket: (entries) => this.files.ticket(entries),
    })
  }

  /** Takes what the host says; null when a connection begins. */
  take(m: HostMessage | null): void {
    switch (m?.type) {
      case undefined:
        this.clip.begin()
        this.files.begin()
        break
      case 'fileTake':
      case 'fileEntry':
      case 'filePiece':
      case 'fileNews':
        this.files.take(m)
        break
      default:
        this.clip.take(m!)
    }
  }

  /** The person came into the view: what the browser gives unasked is offered. */
  async enter(): Promise<void> {
    const { text, png } = await readGranted()
    if (text) this.clip.offer(text)
    else if (png) this.clip.offerPicture(png)
  }

  /** The person pastes. */
  paste(data: DataTransfer | null): void {
    const picture = data && pictureOf(data)
    if (picture) this.clip.offerPicture(picture)
    else if (data?.files.length) this.clip.offerFiles(entriesOf(data))
    else this.clip.offer(data?.getData('text/plain') ?? '')
  }

  /** The person drops files onto the view. */
  async drop(data: DataTransfer): Promise<void> {
    this.files.drop(await entriesOf(data))
  }

  cancel(): void {
    this.files.cancel()
  }

  private offered(bytes: Uint8Array | null): void {
    const ticket = bytes && this.files.look(bytes)
    if (!ticket) return this.show(null)
    this.show({
      text: { key: 'screen.filesOffered', params: { host: this.host, files: filesText(ticket.files, ticket.bytes) } },
      verb: 'verb.download',
      do: () => this.files.fetch(ticket),
      stays: true,
    })
  }

  private moved(m: Moving): void {
    if (m.over) return this.show({ text: movingText(m, this.host) })
    if (performance.now() - m.began < MOMENT_MS) return
    this.show({ text: movingText(m, this.host), verb: 'verb.cancel', do: () => this.cancel(), stays: true })
  }
}

/** Gives the person what came: a file, or several as an archive. */
function download(files: Arrived[]): void {
  const single = files.length === 1 ? files[0]! : null
  const name = single ? single.path.split('/').at(-1)! : files[0]!.path.split('/')[0]!.replace(/\.[^.]*$/, '') + '.zip'
  const link = document.createElement('a')
  link.href = URL.createObjectURL(single?.blob ?? zip(files))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
