import { SvelteMap } from 'svelte/reactivity'

/**
 * The things of one noun by key, fed by a watch stream. A stream tells what is
 * now and then "ready": begin marks everything as old, ready drops what the
 * stream did not name again.
 */
export class Table<T> {
  protected readonly map = new SvelteMap<string, T>()
  private old: Set<string> | null = null

  constructor(
    protected readonly key: (value: T) => string,
    /** Keeps a thing that a new stream did not name. */
    private readonly keep: (value: T) => boolean = () => false,
  ) {}

  begin(): void {
    this.old = new Set(this.map.keys())
  }

  ready(): void {
    for (const key of this.old ?? []) {
      const value = this.map.get(key)
      if (value !== undefined && !this.keep(value)) this.map.delete(key)
    }
    this.old = null
  }

  apply(value: T, removed: boolean): void {
    const key = this.key(value)
    this.old?.delete(key)
    if (removed) this.map.delete(key)
    else this.map.set(key, value)
  }

  get all(): T[] {
    return [...this.map.values()]
  }
}
