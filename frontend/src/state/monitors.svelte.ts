import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import type { Screen } from '../api/model'

/**
 * The monitors of computers whose desktop has several, in the order their hosts
 * give them. They are asked for when a desktop is looked at, and again when its
 * picture changes its size or ends: the layout may have changed.
 */
export class Monitors {
  private readonly lists = new SvelteMap<string, Screen[]>()

  constructor(private readonly api: Pick<Api, 'screens'>) {}

  of(hostId: string): Screen[] {
    return this.lists.get(hostId) ?? []
  }

  async load(hostId: string): Promise<void> {
    try {
      const all = await this.api.screens(hostId, 'self')
      this.lists.set(hostId, all.filter((s) => s.kind === 'monitor' && s.name.startsWith(s.machine + '/')))
    } catch {
      // what was known stays; the view itself says what is wrong with the host
    }
  }
}

/** What its computer calls a monitor: "HDMI-1". */
export const monitorName = (s: Screen): string => s.name.slice(s.machine.length + 1)
