import type { DeviceApi } from './devices'
import type { NetBootApi } from './netboot'
import type { NetworkApi } from './networks'
import type { Carrier, Listener, Target, Transport } from '../mirror/carrier'
import type { Change, Changed, LabelChange, Parts } from './hardware'
import type { TerminalTarget } from '../terminal/session.svelte'
import type { BackupsApi } from './backups'
import type { CopiesApi } from './copies'
import type { TrustApi } from './trust'
import type { TunnelApi } from './tunnels'
import type { MoveCheck } from './move'
import type {
  App, CatalogueImage, Check, Event, Folder, GuestInfo, History, Host, Image, Machine, MachineSpec, MeterPoint, Nearby, Offer, Placement, Screen,
  Snapshot, Stats, Status, Verb, Woken,
} from './model'

export interface Picture {
  bytes: Uint8Array<ArrayBuffer>
  mediaType: string
}

/**
 * What the page asks of its node. Only src/state calls it; tests have one in
 * memory. Every method throws UiError. In each, host is a name or an ID and
 * empty for this computer.
 */
export interface Api extends NetworkApi, NetBootApi, CopiesApi, DeviceApi, BackupsApi, TrustApi, TunnelApi {
  status(): Promise<Status>
  doctor(host: string): Promise<Check[]>
  watch(signal: AbortSignal): AsyncIterable<Event>
  offer(grants: string[], signal: AbortSignal): AsyncIterable<Offer>
  join(code: string, addr: string, grants: string[], signal: AbortSignal): Promise<Host>
  nearby(): Promise<Nearby[]>
  forget(host: string): Promise<void>
  grant(host: string, grants: string[]): Promise<Host>

  /** Of several calls with one key, one makes a machine. */
  createMachine(host: string, spec: MachineSpec, key?: string): Promise<Machine>
  /** Chooses a computer for a machine; with a key, the same one each time. */
  place(spec: MachineSpec, key?: string): Promise<Placement>
  /** Has a computer woken by whoever is awake on its network. */
  wake(host: string): Promise<Woken>
  setRoles(host: string, add: string[], remove: string[]): Promise<string[]>
  doMachine(host: string, name: string, verb: Verb): Promise<void>
  /** Moves a running machine to the computer with the ID to. */
  moveMachine(host: string, name: string, to: string, off: boolean): Promise<void>
  /** What is in the way of a move, before it. */
  checkMove(host: string, name: string, to: string): Promise<MoveCheck>
  removeMachine(host: string, name: string): Promise<void>
  /** Ends what takes long on a host and waits until it has cleaned up. */
  cancelJob(host: string, id: string): Promise<void>
  /** Parents before their children, then by time. */
  snapshots(host: string, machine: string): Promise<Snapshot[]>
  takeSnapshot(host: string, machine: string, name: string, note: string): Promise<Snapshot>
  revertSnapshot(host: string, machine: string, snapshot: string): Promise<void>
  removeSnapshot(host: string, machine: string, snapshot: string): Promise<void>
  hardware(host: string, machine: string): Promise<Parts>
  changeHardware(host: string, machine: string, change: Change): Promise<Changed>
  label(host: string, machine: string, change: LabelChange): Promise<Machine>
  rename(host: string, machine: string, name: string): Promise<void>
  saveMachine(host: string, machine: string): Promise<void>
  screenshot(host: string, name: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  stats(host: string): Promise<Stats[]>
  /** What was measured from one moment to another, in ms since 1970, in about so many steps. */
  history(host: string, machine: string, from: number, to: number, points: number): Promise<History>
  /** Each new measurement of a machine, about one a second. */
  measured(host: string, machine: string, signal: AbortSignal): AsyncIterable<MeterPoint>
  /** Whether a host measures its machines always, or while somebody looks. */
  measureAlways(host: string, always: boolean): Promise<void>
  /** Streams a file into the host's image pool; progress is 0 to 1. */
  upload(host: string, name: string, file: File, progress: (part: number) => void, signal: AbortSignal): Promise<void>

  /** What is in a host's image pool, by name. */
  images(host: string): Promise<Image[]>
  /** What a host can run of what it knows where to fetch, cloud images first. */
  catalogue(host: string): Promise<CatalogueImage[]>
  /** Brings an image into the pool; from is a name of the catalogue or an address, "" no sum. */
  fetchImage(host: string, name: string, from: string, sum: string): Promise<Image>
  removeImage(host: string, name: string): Promise<void>

  /** A machine's own screen first, then the monitors of a desktop with several, then running apps. */
  screens(host: string, machine: string): Promise<Screen[]>
  apps(host: string, machine: string, language: string): Promise<App[]>
  icon(host: string, machine: string, app: string): Promise<Picture>
  runApp(host: string, machine: string, app: string): Promise<Screen>
  endApp(host: string, screen: string): Promise<void>
  /** Puts an app of another computer into the menu of this one, or takes it out. */
  installApp(host: string, machine: string, app: string, language: string): Promise<void>
  uninstallApp(host: string, machine: string, app: string): Promise<void>

  addFolder(host: string, name: string, path: string): Promise<Folder>
  shareFolder(host: string, name: string, withHost: string): Promise<void>
  removeFolder(host: string, name: string): Promise<void>

  /** What the agent in a virtual machine says of its system. */
  guest(host: string, machine: string): Promise<GuestInfo>
  openTerminal(target: TerminalTarget, to: Listener, signal: AbortSignal): Promise<Carrier>
  openScreen(target: Target, transport: Transport, to: Listener, signal: AbortSignal): Promise<Carrier>
}
