import type { Api } from '../api/api'
import type { Card, Forward, Lease, Network, NetworkSpec, Pool, Volume } from '../api/networks'
import { Asked } from './asked.svelte'
import type { Tasks } from './tasks.svelte'

/** What an error or a running task of this part is about. */
export const aboutNet = {
  networks: (hostId: string) => `networks:${hostId}`,
  pool: (hostId: string, pool: string) => `pool:${hostId}/${pool}`,
  forwards: (hostId: string, machine: string) => `forwards:${hostId}/${machine}`,
}

/**
 * Networks, port forwards and storage of hosts that are looked at. They are asked
 * for when their part is shown and after each change that is made here.
 */
export class Networks {
  readonly list: Asked<Network[]>
  readonly leases: Asked<Lease[]>
  readonly cards: Asked<Card[]>
  readonly forwards: Asked<Forward[]>
  readonly pools: Asked<Pool[]>
  readonly volumes: Asked<Volume[]>

  constructor(
    private readonly api: Api,
    private readonly tasks: Tasks,
  ) {
    this.list = new Asked((host) => api.networks(host!))
    this.leases = new Asked((host, network) => api.leases(host!, network!))
    this.cards = new Asked((host, machine) => api.cards(host!, machine!))
    this.forwards = new Asked((host, machine) => api.forwards(host!, machine!))
    this.pools = new Asked((host) => api.pools(host!))
    this.volumes = new Asked((host, pool) => api.volumes(host!, pool!))
  }

  async create(hostId: string, spec: NetworkSpec): Promise<true | undefined> {
    const done = await this.tasks.run({ key: 'task.addNetwork', params: { name: spec.name } }, aboutNet.networks(hostId), async () => {
      await this.api.createNetwork(hostId, spec)
      return true as const
    })
    await this.list.load(hostId)
    return done
  }

  start(hostId: string, name: string): Promise<void> {
    return this.change(hostId, { key: 'task.startNetwork', params: { name } }, () => this.api.startNetwork(hostId, name))
  }

  stop(hostId: string, name: string): Promise<void> {
    return this.change(hostId, { key: 'task.stopNetwork', params: { name } }, () => this.api.stopNetwork(hostId, name))
  }

  remove(hostId: string, name: string): Promise<void> {
    return this.change(hostId, { key: 'task.removeNetwork', params: { name } }, () => this.api.removeNetwork(hostId, name))
  }

  private async change(hostId: string, label: Parameters<Tasks['run']>[0], work: () => Promise<void>): Promise<void> {
    await this.tasks.run(label, aboutNet.networks(hostId), work)
    await this.list.load(hostId)
  }

  async addForward(hostId: string, machine: string, f: Forward): Promise<true | undefined> {
    const label = { key: 'task.addForward', params: { name: machine } } as const
    const done = await this.tasks.run(label, aboutNet.forwards(hostId, machine), async () => {
      await this.api.addForward(hostId, machine, f)
      return true as const
    })
    await this.forwards.load(hostId, machine)
    return done
  }

  async removeForward(hostId: string, machine: string, f: Forward): Promise<void> {
    const label = { key: 'task.removeForward', params: { name: machine } } as const
    await this.tasks.run(label, aboutNet.forwards(hostId, machine), () => this.api.removeForward(hostId, machine, f))
    await this.forwards.load(hostId, machine)
  }

  createVolume(hostId: string, pool: string, name: string, bytes: number): Promise<true | undefined> {
    return this.onPool(hostId, pool, { key: 'task.addVolume', params: { name } }, () => this.api.createVolume(hostId, pool, name, bytes))
  }

  growVolume(hostId: string, v: Volume, bytes: number): Promise<true | undefined> {
    return this.onPool(hostId, v.pool, { key: 'task.growVolume', params: { name: v.name } }, () =>
      this.api.growVolume(hostId, v.pool, v.name, bytes),
    )
  }

  removeVolume(hostId: string, v: Volume): Promise<true | undefined> {
    return this.onPool(hostId, v.pool, { key: 'task.removeVolume', params: { name: v.name } }, () =>
      this.api.removeVolume(hostId, v.pool, v.name),
    )
  }

  private async onPool(hostId: string, pool: string, label: Parameters<Tasks['run']>[0], work: () => Promise<unknown>): Promise<true | undefined> {
    const done = await this.tasks.run(label, aboutNet.pool(hostId, pool), async () => {
      await work()
      return true as const
    })
    await Promise.all([this.volumes.load(hostId, pool), this.pools.load(hostId)])
    return done
  }
}
