import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { BareComputer, BareSpec, NetBoot } from '../api/netboot'
import type { Known } from './asked.svelte'
import type { Tasks } from './tasks.svelte'

/** What an error or a running task of this part is about. */
export const aboutBoot = (hostId: string) => `netboot:${hostId}`

/** The same of one computer that is to be installed. */
export const aboutBare = (hostId: string, mac: string) => `${aboutBoot(hostId)}/${mac}`

/** The network boot of hosts that are looked at: each change comes while somebody does. */
export class NetBoots {
  private readonly known = new SvelteMap<string, Known<NetBoot>>()

  constructor(
    private readonly api: Api,
    private readonly tasks: Tasks,
  ) {}

  /** A null value without an error is on its way. */
  of(hostId: string): Known<NetBoot> {
    return this.known.get(hostId) ?? { value: null, error: null }
  }

  /**
   * Follows a host's until the returned function is called; an error ends it. A page that
   * is hidden, or left and kept for the way back, holds no connection.
   */
  follow(hostId: string): () => void {
    let ends = new AbortController()
    const turn = () => {
      ends.abort()
      if (document.visibilityState !== 'visible') return
      ends = new AbortController()
      void this.listen(hostId, ends.signal)
    }
    const rest = () => ends.abort()
    document.addEventListener('visibilitychange', turn)
    window.addEventListener('pagehide', rest)
    window.addEventListener('pageshow', turn)
    turn()
    return () => {
      document.removeEventListener('visibilitychange', turn)
      window.removeEventListener('pagehide', rest)
      window.removeEventListener('pageshow', turn)
      rest()
    }
  }

  private async listen(hostId: string, signal: AbortSignal): Promise<void> {
    let after = 0n
    while (!signal.aborted) {
      try {
        const value = await this.api.netBoot(hostId, after, signal)
        if (signal.aborted) return
        after = value.revision
        this.known.set(hostId, { value, error: null })
      } catch (thrown) {
        if (!signal.aborted) this.known.set(hostId, { value: null, error: UiError.from(thrown) })
        return
      }
    }
  }

  /** place is an interface, '' the one that was used before or the only one. */
  async turn(hostId: string, on: boolean, place: string): Promise<void> {
    const value = await this.tasks.run({ key: on ? 'task.netBootOn' : 'task.netBootOff' }, aboutBoot(hostId), () => this.api.switchNetBoot(hostId, on, place))
    if (value) this.known.set(hostId, { value, error: null })
  }

  /** Whether a computer has its order: what is left is between it and the host. */
  ordered(hostId: string, mac: string, name: string): boolean {
    const c = this.of(hostId).value?.computers.find((one) => one.mac === mac)
    return c?.name === name && c.state !== 'seen' && c.state !== 'failed'
  }

  /** The task goes on until the computer has paired itself. */
  install(hostId: string, spec: BareSpec): Promise<BareComputer | undefined> {
    return this.tasks.run({ key: 'task.installBare', params: { name: spec.name } }, aboutBare(hostId, spec.mac), () => this.api.installBare(hostId, spec), {
      job: { host: hostId, op: 'netboot.install', name: spec.name },
    })
  }

  async forget(hostId: string, mac: string): Promise<void> {
    await this.tasks.run({ key: 'task.forgetBare', params: { name: mac } }, aboutBoot(hostId), () => this.api.forgetBare(hostId, mac))
  }
}
