import { SvelteMap } from 'svelte/reactivity'
import { UiError } from '../api/error'

export interface Known<T> {
  value: T | null
  error: UiError | null
}

/**
 * Answers to questions that are asked when somebody looks, by key. Of two answers
 * the one to the later question counts; what is known stays while it is asked anew.
 */
export class Asked<T> {
  private readonly known = new SvelteMap<string, Known<T>>()
  private readonly turns = new Map<string, number>()

  constructor(private readonly question: (...key: string[]) => Promise<T>) {}

  /** A null value without an error is on its way. */
  of(...key: string[]): Known<T> {
    return this.known.get(key.join('/')) ?? { value: null, error: null }
  }

  async load(...key: string[]): Promise<void> {
    const name = key.join('/')
    const turn = (this.turns.get(name) ?? 0) + 1
    this.turns.set(name, turn)
    let answer: Known<T>
    try {
      answer = { value: await this.question(...key), error: null }
    } catch (thrown) {
      answer = { value: null, error: UiError.from(thrown) }
    }
    if (this.turns.get(name) === turn) this.known.set(name, answer)
  }
}
