import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { CatalogueImage, Image } from '../api/model'

interface Known<T> {
  /** Null without an error is on its way. */
  list: T[] | null
  error: UiError | null
}

/** Lists that are asked for, one of each host; of two answers the one to the later question counts. */
class Lists<T> {
  private readonly known = new SvelteMap<string, Known<T>>()
  private readonly asked = new Map<string, number>()

  constructor(private readonly ask: (host: string) => Promise<T[]>) {}

  of(host: string): Known<T> {
    return this.known.get(host) ?? { list: null, error: null }
  }

  async load(host: string): Promise<void> {
    const turn = (this.asked.get(host) ?? 0) + 1
    this.asked.set(host, turn)
    let answer: Known<T>
    try {
      answer = { list: await this.ask(host), error: null }
    } catch (thrown) {
      answer = { list: null, error: UiError.from(thrown) }
    }
    if (this.asked.get(host) === turn) this.known.set(host, answer)
  }
}

/** The image pools of hosts that were looked at, and what each knows where to fetch. */
export class Images {
  private readonly pools: Lists<Image>
  private readonly catalogues: Lists<CatalogueImage>

  constructor(api: Pick<Api, 'images' | 'catalogue'>) {
    this.pools = new Lists((host) => api.images(host))
    this.catalogues = new Lists((host) => api.catalogue(host))
  }

  pool(host: string): Known<Image> {
    return this.pools.of(host)
  }

  catalogue(host: string): Known<CatalogueImage> {
    return this.catalogues.of(host)
  }

  load(host: string): Promise<void> {
    return this.pools.load(host)
  }

  /** A catalogue stays as it is while the page is open. */
  async loadCatalogue(host: string): Promise<void> {
    if (!this.catalogue(host).list) await this.catalogues.load(host)
  }
}

/** Those whose name or title has every word of a search. */
export function found<T extends { name: string; title?: string }>(list: T[], search: string): T[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return list.filter((i) => words.every((w) => `${i.name} ${i.title ?? ''}`.toLowerCase().includes(w)))
}
