import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Tunnel, TunnelKind, TunnelSpec } from '../api/tunnels'
import type { Tasks } from './tasks.svelte'

export const aboutTunnels = 'tunnels'
export const aboutTunnel = (id: string) => `tunnel:${id}`

const RETRY_MS = 3000
/** Seconds that a tunnel's small plot shows. */
export const PLOT = 60

/** What people call it: to publish is a reverse tunnel that everybody there reaches. */
export type TunnelUse = TunnelKind | 'publish'
export const useOf = (t: { kind: TunnelKind; open: boolean }): TunnelUse => (t.kind === 'reverse' && t.open ? 'publish' : t.kind)

/** Bytes a second of the last seconds, newest last. */
export interface Rates {
  in: number[]
  out: number[]
}

/** The tunnels of this computer, while somebody looks at them. */
export class Tunnels {
  /** null until they are known. */
  list = $state.raw<Tunnel[] | null>(null)
  error = $state.raw<UiError | null>(null)
  private readonly rates = new SvelteMap<string, Rates>()
  private stop = new AbortController()
  private retry: ReturnType<typeof setTimeout> | undefined
  private clock: ReturnType<typeof setInterval> | undefined
  private lookers = 0

  constructor(
    private readonly api: Pick<Api, 'tunnels' | 'addTunnel' | 'removeTunnel'>,
    private readonly tasks: Tasks,
  ) {}

  ratesOf(id: string): Rates {
    return this.rates.get(id) ?? { in: [], out: [] }
  }

  /** Follows them until the returned function is called; a tab that is hidden does not look. */
  look(): () => void {
    if (this.lookers++ === 0) {
      document.addEventListener('visibilitychange', this.turn)
      this.turn()
    }
    return () => {
      if (--this.lookers === 0) this.close()
    }
  }

  close(): void {
    document.removeEventListener('visibilitychange', this.turn)
    this.rest()
  }

  again(): void {
    this.turn()
  }

  private rest(): void {
    this.stop.abort()
    clearTimeout(this.retry)
    clearInterval(this.clock)
  }

  private readonly turn = (): void => {
    this.rest()
    if (document.visibilityState !== 'visible') return
    this.stop = new AbortController()
    // The node tells changes alone: a second without one has the same rate.
    this.clock = setInterval(() => this.step(), 1000)
    void this.run(this.stop.signal)
  }

  private async run(signal: AbortSignal): Promise<void> {
    try {
      for await (const list of this.api.tunnels(signal)) {
        if (signal.aborted) return
        this.list = list.toSorted((a, b) => a.host.localeCompare(b.host) || a.listen.localeCompare(b.listen, undefined, { numeric: true }))
        this.error = null
      }
    } catch (thrown) {
      if (signal.aborted) return
      this.error = UiError.from(thrown)
    }
    if (signal.aborted || this.error?.final) return
    this.retry = setTimeout(() => void this.run(signal), RETRY_MS)
  }

  private step(): void {
    for (const t of this.list ?? []) {
      const { in: i, out } = this.ratesOf(t.id)
      this.rates.set(t.id, { in: [...i, t.rateIn].slice(-PLOT), out: [...out, t.rateOut].slice(-PLOT) })
    }
    for (const id of this.rates.keys()) if (!this.list?.some((t) => t.id === id)) this.rates.delete(id)
  }

  /** name is the other computer's, for people. */
  add(spec: TunnelSpec, name: string): Promise<Tunnel | undefined> {
    return this.tasks.run({ key: 'task.addTunnel', params: { host: name } }, aboutTunnels, () => this.api.addTunnel(spec))
  }

  async remove(t: Tunnel): Promise<void> {
    const done = await this.tasks.run({ key: 'task.removeTunnel', params: { port: t.listen } }, aboutTunnel(t.id), async () => {
      await this.api.removeTunnel(t.id)
      return true
    })
    if (done && this.list) this.list = this.list.filter((x) => x.id !== t.id)
  }
}
