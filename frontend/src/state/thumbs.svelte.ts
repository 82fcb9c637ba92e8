import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Machine } from '../api/model'

const EVERY_MS = 10_000
/** A card that only scrolls by is not worth a picture. */
const FIRST_MS = 120
const LOCK = 'hither-view:'

/**
 * The last picture of each machine. While a card of a running machine is on the
 * glass a new one is asked every ten seconds, unless a view of it is open in
 * this tab or another (a Web Lock says so). A view leaves its last picture here.
 * The screen of a paused one stands still: it is asked for once.
 */
export class Thumbs {
  private readonly urls = new SvelteMap<string, string>()
  private readonly never = new Set<string>()
  /** Paused machines, as they were told, of which there is a picture. What happens to one is told anew. */
  private readonly still = new Map<string, Machine>()
  private readonly views = new Map<string, number>()

  constructor(private readonly api: Pick<Api, 'screenshot'>) {}

  of(key: string): string | undefined {
    return this.urls.get(key)
  }

  /** Follows a machine until the returned function is called. */
  follow(key: string, hostId: string, machine: () => Machine): () => void {
    const stop = new AbortController()
    const loop = async () => {
      if (document.visibilityState === 'visible') await this.take(key, hostId, machine(), stop.signal)
      if (!stop.signal.aborted) timer = setTimeout(loop, EVERY_MS)
    }
    let timer = setTimeout(loop, FIRST_MS)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }

  /** A view is open: no screenshots of it until the returned function is called. */
  viewing(key: string): () => void {
    this.views.set(key, (this.views.get(key) ?? 0) + 1)
    let release = () => {}
    void navigator.locks?.request(LOCK + key, { mode: 'shared' }, () => new Promise<void>((r) => (release = r)))
    return () => {
      this.views.set(key, (this.views.get(key) ?? 1) - 1)
      release()
    }
  }

  keep(key: string, picture: Blob): void {
    const before = this.urls.get(key)
    this.urls.set(key, URL.createObjectURL(picture))
    if (before) URL.revokeObjectURL(before)
  }

  private async take(key: string, hostId: string, m: Machine, signal: AbortSignal): Promise<void> {
    const alive = m.state === 'running' || m.state === 'paused'
    if (!m.screen || !alive || this.never.has(key) || this.still.get(key) === m || (await this.watched(key))) return
    try {
      const png = await this.api.screenshot(hostId, m.name, signal)
      if (m.state === 'paused') this.still.set(key, m)
      this.keep(key, new Blob([png], { type: 'image/png' }))
    } catch (thrown) {
      // A picture is a nicety; what cannot give one is not asked again.
      if (UiError.from(thrown).cause === 'unsupported' || m.kind === 'self') this.never.add(key)
    }
  }

  private async watched(key: string): Promise<boolean> {
    if ((this.views.get(key) ?? 0) > 0) return true
    const locks = await navigator.locks?.query()
    return locks?.held?.some((l) => l.name === LOCK + key) ?? false
  }
}
