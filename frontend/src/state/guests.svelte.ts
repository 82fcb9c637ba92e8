import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { GuestInfo } from '../api/model'

interface Known {
  info: GuestInfo | null
  error: UiError | null
}

/** How long what a guest said counts, and how soon one without an agent is asked again: it may be booting. */
const FRESH_MS = 30_000

/**
 * What the agents in virtual machines say, of those that are looked at. An agent
 * tells nothing by itself: it is asked when its machine is shown, and again every
 * half minute while it is. An answer stays while the next is on its way.
 */
export class Guests {
  private readonly known = new SvelteMap<string, Known>()

  constructor(private readonly api: Pick<Api, 'guest'>) {}

  of(hostId: string, machine: string): Known {
    return this.known.get(hostId + '/' + machine) ?? { info: null, error: null }
  }

  async load(hostId: string, machine: string): Promise<void> {
    let answer: Known
    try {
      answer = { info: await this.api.guest(hostId, machine), error: null }
    } catch (thrown) {
      answer = { info: null, error: UiError.from(thrown) }
    }
    this.known.set(hostId + '/' + machine, answer)
  }

  /** Asks now and again until the returned function is called. */
  follow(hostId: string, machine: string): () => void {
    let stopped = false
    let timer: ReturnType<typeof setTimeout> | undefined
    const next = async () => {
      await this.load(hostId, machine)
      if (!stopped) timer = setTimeout(() => void next(), FRESH_MS)
    }
    void next()
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  }
}
