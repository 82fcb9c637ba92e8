import { createClient, type Transport } from '@connectrpc/connect'
import { date } from './convert'
import { NetBootService, type BareComputer as PbComputer, type NetBootState as PbState } from './gen/hither/v1/netboot_pb'

const states = ['seen', 'ordered', 'booting', 'installing', 'installed', 'paired', 'failed'] as const
export type BareState = (typeof states)[number]

/** A computer that asks to start from the network. */
export interface BareComputer {
  mac: string
  uuid: string
  /** "bios", "efi" or '' when it did not say. */
  firmware: string
  vendor: string
  seen: Date | null
  state: BareState
  steps: Array<{ state: BareState; at: Date | null }>
  /** '' while nobody decided about it. */
  name: string
  note: string
  hint: string
  /** The ID of the host that it became. */
  id: string
}

export interface NetBoot {
  /** Another one after each change. */
  revision: bigint
  on: boolean
  interface: string
  address: string
  /** Why it does not serve although it is on. */
  note: string
  hint: string
  interfaces: Array<{ name: string; address: string }>
  computers: BareComputer[]
}

export interface BareSpec {
  mac: string
  name: string
  /** A distribution of the catalogue ("debian-12"), or a CD in the host's pool. */
  image: string
  disk: string
  user: string
  sshKeys: string[]
  password: string
  /** What it may do on the host, as in "view". */
  grants: string[]
  /** Seconds in which it must be in the library. */
  within: number
}

/** The part of Api for computers that start from the network. */
export interface NetBootApi {
  /** At once, or at a revision other than after, or as it is after half a minute. */
  netBoot(host: string, after: bigint, signal: AbortSignal): Promise<NetBoot>
  switchNetBoot(host: string, on: boolean, place: string): Promise<NetBoot>
  /** Ends when the computer has paired itself. */
  installBare(host: string, spec: BareSpec): Promise<BareComputer>
  forgetBare(host: string, mac: string): Promise<void>
}

const known = (state: string): BareState => states.find((s) => s === state) ?? 'seen'

const computer = (c: PbComputer): BareComputer => ({
  mac: c.mac, uuid: c.uuid, firmware: c.firmware, vendor: c.vendor, seen: date(c.seen), state: known(c.state), name: c.name, note: c.note, hint: c.hint, id: c.id,
  steps: c.steps.map((s) => ({ state: known(s.state), at: date(s.at) })),
})

const state = (s: PbState): NetBoot => ({
  revision: s.revision, on: s.on, interface: s.interface, address: s.address, note: s.note, hint: s.hint,
  interfaces: s.interfaces.map(({ name, address }) => ({ name, address })), computers: s.computers.map(computer),
})

/** NetBootApi over Connect. */
export function netBootApi(transport: Transport): NetBootApi {
  const boot = createClient(NetBootService, transport)
  return {
    netBoot: async (host, after, signal) => state(await boot.show({ host, after }, { signal })),
    switchNetBoot: async (host, on, place) => state(await boot.switch({ host, on, interface: place })),
    installBare: async (host, { mac, name, image, disk, user, sshKeys, password, grants, within }) =>
      computer(await boot.install({ host, mac, name, image, disk, grants, within: BigInt(within), seed: { user, sshKeys, password } })),
    forgetBare: async (host, mac) => void (await boot.forget({ host, mac })),
  }
}
