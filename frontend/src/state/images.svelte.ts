import type { Api } from '../api/api'
import type { CatalogueImage, Image } from '../api/model'
import { Asked, asList, type KnownList } from './asked.svelte'

/** The image pools of hosts that were looked at, and what each knows where to fetch. */
export class Images {
  private readonly pools: Asked<Image[]>
  private readonly catalogues: Asked<CatalogueImage[]>

  constructor(api: Pick<Api, 'images' | 'catalogue'>) {
    this.pools = new Asked((host) => api.images(host!))
    this.catalogues = new Asked((host) => api.catalogue(host!))
  }

  /** A null list without an error is on its way. */
  pool(host: string): KnownList<Image[]> {
    return asList(this.pools.of(host))
  }

  catalogue(host: string): KnownList<CatalogueImage[]> {
    return asList(this.catalogues.of(host))
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
