import { createClient, type Transport } from '@connectrpc/connect'
import { date } from './convert'
import { ForwardService, type Forward as PbForward } from './gen/hither/v1/forward_pb'
import { NetworkService, type Network as PbNetwork } from './gen/hither/v1/network_pb'
import { StorageService, type Pool as PbPool, type Volume as PbVolume } from './gen/hither/v1/storage_pb'

export type NetworkKind = 'nat' | 'isolated' | 'routed' | 'bridge' | 'ovs' | 'other'

export interface Network {
  host: string
  name: string
  kind: NetworkKind
  active: boolean
  autostart: boolean
  bridge: string
  subnet: string
  machines: string[]
  leases: number
}

export interface Lease {
  mac: string
  ip: string
  name: string
  machine: string
  expires: Date | null
}

export interface NetworkSpec {
  name: string
  kind: NetworkKind
  subnet: string
  bridge: string
}

/** A network card of a machine; source says who knows the address: lease, arp or agent. */
export interface Card {
  mac: string
  model: string
  kind: string
  network: string
  bridge: string
  addresses: Array<{ ip: string; source: string }>
}

export interface Forward {
  proto: string
  listen: string
  hostPort: number
  guestPort: number
  note: string
}

export interface Pool {
  host: string
  name: string
  kind: string
  path: string
  state: 'active' | 'inactive' | 'gone'
  totalBytes: number
  freeBytes: number
  note: string
  hint: string
}

export interface Volume {
  pool: string
  name: string
  format: string
  capacityBytes: number
  allocationBytes: number
  base: string
  machines: string[]
  baseOf: string[]
}

/** The part of Api for networks, port forwards and storage. */
export interface NetworkApi {
  networks(host: string): Promise<Network[]>
  leases(host: string, network: string): Promise<Lease[]>
  createNetwork(host: string, spec: NetworkSpec): Promise<Network>
  startNetwork(host: string, name: string): Promise<void>
  stopNetwork(host: string, name: string): Promise<void>
  removeNetwork(host: string, name: string): Promise<void>
  cards(host: string, machine: string): Promise<Card[]>

  forwards(host: string, machine: string): Promise<Forward[]>
  addForward(host: string, machine: string, forward: Forward): Promise<Forward>
  removeForward(host: string, machine: string, forward: Forward): Promise<void>

  pools(host: string): Promise<Pool[]>
  volumes(host: string, pool: string): Promise<Volume[]>
  createVolume(host: string, pool: string, name: string, capacityBytes: number): Promise<Volume>
  growVolume(host: string, pool: string, name: string, capacityBytes: number): Promise<Volume>
  removeVolume(host: string, pool: string, name: string): Promise<void>
}

const network = (n: PbNetwork): Network => ({
  host: n.host, name: n.name, kind: n.kind as NetworkKind, active: n.active, autostart: n.autostart,
  bridge: n.bridge, subnet: n.subnet, machines: n.machines, leases: n.leases,
})

const forward = ({ proto, listen, hostPort, guestPort, note }: PbForward): Forward => ({ proto, listen, hostPort, guestPort, note })

const pool = (p: PbPool): Pool => ({
  host: p.host, name: p.name, kind: p.kind, path: p.path, state: p.state as Pool['state'],
  totalBytes: Number(p.totalBytes), freeBytes: Number(p.freeBytes), note: p.note, hint: p.hint,
})

const volume = (v: PbVolume): Volume => ({
  pool: v.pool, name: v.name, format: v.format, base: v.base, machines: v.machines, baseOf: v.baseOf,
  capacityBytes: Number(v.capacityBytes), allocationBytes: Number(v.allocationBytes),
})

/** NetworkApi over Connect. */
export function networkApi(transport: Transport): NetworkApi {
  const networks = createClient(NetworkService, transport)
  const forwards = createClient(ForwardService, transport)
  const storage = createClient(StorageService, transport)
  return {
    networks: async (host) => (await networks.list({ host })).networks.map(network),
    leases: async (host, name) =>
      (await networks.leases({ host, name })).leases.map(({ mac, ip, name, machine, expires }) => ({ mac, ip, name, machine, expires: date(expires) })),
    createNetwork: async (host, spec) => network(await networks.create({ host, ...spec })),
    startNetwork: async (host, name) => void (await networks.start({ host, name })),
    stopNetwork: async (host, name) => void (await networks.stop({ host, name })),
    removeNetwork: async (host, name) => void (await networks.remove({ host, name })),
    cards: async (host, machine) =>
      (await networks.cards({ host, machine })).nics.map(({ mac, model, kind, network, bridge, addresses }) => ({
        mac, model, kind, network, bridge, addresses: addresses.map(({ ip, source }) => ({ ip, source })),
      })),

    forwards: async (host, machine) => (await forwards.list({ host, machine })).forwards.map(forward),
    addForward: async (host, machine, f) => forward(await forwards.add({ host, machine, forward: f })),
    removeForward: async (host, machine, f) => void (await forwards.remove({ host, machine, forward: f })),

    pools: async (host) => (await storage.pools({ host })).pools.map(pool),
    volumes: async (host, name) => (await storage.volumes({ host, pool: name })).volumes.map(volume),
    createVolume: async (host, pool, name, bytes) =>
      volume(await storage.createVolume({ host, pool, name, capacityBytes: BigInt(bytes) })),
    growVolume: async (host, pool, name, bytes) =>
      volume(await storage.growVolume({ host, pool, name, capacityBytes: BigInt(bytes) })),
    removeVolume: async (host, pool, name) => void (await storage.removeVolume({ host, pool, name })),
  }
}
