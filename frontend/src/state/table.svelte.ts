/**
 * The things of one noun by key, fed by a watch stream. A stream tells what is
 * now and then "ready": begin marks everything as old, ready drops what the
 * stream did not name again. Whoever reads it is told of changes by one signal
 * for all of it: a thousand things are read as one list.
 */
export class Table<T> {
  private readonly map = new Map<string, T>()
  private version = $state(0)
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
    this.version++
  }

  apply(value: T, removed: boolean): void {
    const key = this.key(value)
    this.old?.delete(key)
    if (removed) this.map.delete(key)
    else this.map.set(key, value)
    this.version++
  }

  get all(): T[] {
    void this.version
    return [...this.map.values()]
  }

  protected get(key: string): T | undefined {
    void this.version
    return this.map.get(key)
  }
}
