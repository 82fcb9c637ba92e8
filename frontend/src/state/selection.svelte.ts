import { SvelteSet } from 'svelte/reactivity'

/** What is selected of a list, by key. Who selects knows the order in which it is shown. */
export class Selection {
  readonly keys = new SvelteSet<string>()
  /** Where the last click was: a range goes from there. */
  private anchor = ''

  has(key: string): boolean {
    return this.keys.has(key)
  }

  toggle(key: string): void {
    if (!this.keys.delete(key)) this.keys.add(key)
    this.anchor = key
  }

  /** Selects all from the last click to this one; what is outside stays as it is. */
  range(order: string[], key: string): void {
    const from = order.indexOf(this.anchor)
    const to = order.indexOf(key)
    if (from < 0 || to < 0) return this.toggle(key)
    for (const k of order.slice(Math.min(from, to), Math.max(from, to) + 1)) this.keys.add(k)
  }

  all(order: string[]): void {
    for (const key of order) this.keys.add(key)
  }

  clear(): void {
    this.keys.clear()
    this.anchor = ''
  }
}
