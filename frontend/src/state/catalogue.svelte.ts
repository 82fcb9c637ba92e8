import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { App as Program } from '../api/model'

export type Shelf = { state: 'loading' } | { state: 'ready'; apps: Program[] } | { state: 'failed'; error: UiError }

/** Icons asked for at once, so that a list of hundreds does not crowd out a click. */
const AT_ONCE = 4

/** The apps of hosts and their pictures, loaded when first looked at. */
export class Catalogue {
  private readonly shelves = new SvelteMap<string, Shelf>()
  private readonly icons = new SvelteMap<string, string>()
  private readonly asked = new Set<string>()
  private readonly queue: Array<() => Promise<void>> = []
  private busy = 0

  constructor(private readonly api: Pick<Api, 'apps' | 'icon'>) {}

  of(hostId: string, language: string, machine = 'self'): Shelf | undefined {
    return this.shelves.get([hostId, language, machine].join('|'))
  }

  /** Loads the apps of a machine; again when it failed before or the person asks. */
  async load(hostId: string, language: string, machine = 'self'): Promise<void> {
    const key = [hostId, language, machine].join('|')
    if (this.shelves.get(key)?.state !== 'ready') this.shelves.set(key, { state: 'loading' })
    try {
      const apps = await this.api.apps(hostId, machine, language)
      this.shelves.set(key, { state: 'ready', apps })
    } catch (thrown) {
      this.shelves.set(key, { state: 'failed', error: UiError.from(thrown) })
    }
  }

  /** An object URL once it is here, "" when there is none. */
  icon(hostId: string, app: string): string | undefined {
    return this.icons.get(hostId + '/' + app)
  }

  wantIcon(hostId: string, app: string): void {
    const key = hostId + '/' + app
    if (this.asked.has(key)) return
    this.asked.add(key)
    this.queue.push(async () => {
      try {
        const { bytes, mediaType } = await this.api.icon(hostId, 'self', app)
        if (!['image/png', 'image/svg+xml'].includes(mediaType)) return
        this.icons.set(key, URL.createObjectURL(new Blob([bytes], { type: mediaType })))
      } catch {
        this.icons.set(key, '') // the letter tile stays
      }
    })
    this.next()
  }

  private next(): void {
    while (this.busy < AT_ONCE) {
      const job = this.queue.shift()
      if (!job) return
      this.busy++
      void job().finally(() => {
        this.busy--
        this.next()
      })
    }
  }
}
