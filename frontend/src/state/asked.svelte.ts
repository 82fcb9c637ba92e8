import { SvelteMap } from 'svelte/reactivity'
import { UiError } from '../api/error'

export interface Known<T> {
  value: T | null
  error: UiError | null
}

/** As Known, of a list. */
export interface KnownList<T> {
  list: T | null
  error: UiError | null
}

export const asList = <T>({ value, error }: Known<T>): KnownList<T> => ({ list: value, error })

/**
 * Answers to questions that are asked when somebody looks, by key. Of two answers
 * the one to the later question counts, and what is known stays while it is asked
 * anew: an answer that another question overtook is better than none.
 */
export class Asked<T> {
  private readonly known = new SvelteMap<string, Known<T>>()
  private readonly turns = new Map<string, number>()
  /** The turn whose answer is known. */
  private readonly shown = new Map<string, number>()

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
    if (turn < (this.shown.get(name) ?? 0)) return
    this.shown.set(name, turn)
    this.known.set(name, answer)
  }
}
