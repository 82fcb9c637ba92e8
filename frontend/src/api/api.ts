import type { Carrier, Listener, Target, Transport } from '../mirror/carrier'
import type {
  App, Check, Event, Folder, Host, Machine, MachineSpec, Nearby, Offer, Placement, Screen, Snapshot, Stats, Status, Verb, Woken,
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
export interface Api {
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
  moveMachine(host: string, name: string, to: string): Promise<void>
  removeMachine(host: string, name: string): Promise<void>
  /** Ends what takes long on a host and waits until it has cleaned up. */
  cancelJob(host: string, id: string): Promise<void>
  /** Parents before their children, then by time. */
  snapshots(host: string, machine: string): Promise<Snapshot[]>
  takeSnapshot(host: string, machine: string, name: string, note: string): Promise<Snapshot>
  revertSnapshot(host: string, machine: string, snapshot: string): Promise<void>
  removeSnapshot(host: string, machine: string, snapshot: string): Promise<void>
  screenshot(host: string, name: string, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>
  stats(host: string): Promise<Stats[]>
  /** Streams a file into the host's image pool; progress is 0 to 1. */
  upload(host: string, name: string, file: File, progress: (part: number) => void, signal: AbortSignal): Promise<void>

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

  openScreen(target: Target, transport: Transport, to: Listener, signal: AbortSignal): Promise<Carrier>
}
