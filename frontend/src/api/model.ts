// What the page knows of package fusion: plain values with numbers and dates.
import type { AccessRequest, Session } from './trust'

export interface Host {
  id: string
  name: string
  online: boolean
  path: string
  /** The router of a relayed path, by name, and how packets go. */
  via: string
  transport: string
  /** The other end of the path, as a multiaddr. */
  addr: string
  /** How long an answer takes, in microseconds; 0 when nobody knows. */
  rttMicros: number
  /** Why a path is not direct and what would help. */
  whyNot: string
  local: boolean
  color: number
  os: string
  version: string
  lastSeen: Date | null
  fingerprint: string
  /** One of the owner's, which all of those know. */
  own: boolean
  grants: string[]
  roles: string[]
  /** What this computer may do there; empty when it does not say. */
  may: string[]
  /** Why it is offline, as it said before it went. */
  away: '' | 'asleep' | 'off' | 'restarting'
  cards: Card[]
}

/** A wired network card, which can wake its computer; wake is empty where nobody knows. */
export interface Card {
  name: string
  mac: string
  nets: string[]
  wake: '' | 'on' | 'off'
}

/** Who sent the magic packet of a computer. */
export interface Woken {
  by: string[]
  note: string
}

/** What a computer has free for one more machine, in bytes. */
export interface Resources {
  cpus: number
  freeBytes: number
  poolBytes: number
  accelerator: string
  /** What a machine can start by there; a release that does not say names none. */
  firmwares: Firmware[]
  tpm: boolean
}

export type Firmware = 'bios' | 'uefi' | 'uefi-secure'

/** A computer that was looked at for a machine; why says why it does not fit. */
export interface Candidate {
  host: string
  id: string
  roles: string[]
  fits: boolean
  why: string
  /** What the machine is made of is there already. */
  hasImage: boolean
  resources: Resources | null
}

/** The computer that was chosen for a machine, "" when none fits; the best candidate is the first. */
export interface Placement {
  host: string
  id: string
  candidates: Candidate[]
}

export type MachineState = 'off' | 'starting' | 'running' | 'paused' | 'saved' | 'stopping' | 'failed'
export type Verb = 'start' | 'stop' | 'force-off' | 'pause' | 'resume' | 'reboot' | 'discard' | 'emulate' | 'sleep'

export interface Disk {
  name: string
  totalBytes: number
  usedBytes: number
}

export interface Machine {
  host: string
  name: string
  /** Its name at the hypervisor, where others gave it one that Hither does not take; else "". */
  originalName: string
  kind: 'self' | 'vm'
  state: MachineState
  cpus: number
  memoryBytes: number
  os: string
  note: string
  accelerator: string
  uuid: string
  started: Date | null
  disks: Disk[]
  screen: boolean
  /** Its screen is seen by screenshots and takes keys only: it has no display that can be opened. */
  screenshots: boolean
  /** Apps that its first start installs and that are not there yet. */
  installing: string[]
  verbs: string[]
  tags: string[]
  /** What its owner wrote; note is what its host says. */
  notes: string
  autostart: boolean
  order: number
  /** It is there to be cloned and cannot be started. */
  template: boolean
  /** Verbs of its kind that it lacks here, and why. */
  cannot: Array<{ verb: string; reason: string }>
}

export interface Snapshot {
  name: string
  note: string
  /** The one it was taken after, "" for a root. */
  parent: string
  created: Date | null
  state: MachineState
  memory: boolean
  current: boolean
}

export interface GuestInfo {
  agent: string
  hostname: string
  os: string
  kernel: string
  /** Addresses have the length of their prefix behind them: "10.0.2.15/24". */
  interfaces: Array<{ name: string; mac: string; addresses: string[] }>
  /** totalBytes is 0 where the agent does not say. */
  fileSystems: Array<{ mountPoint: string; type: string; totalBytes: number; usedBytes: number }>
}

/** A long operation of a host; done and total are bytes, total is 0 when nobody knows. */
export interface Job {
  id: string
  host: string
  op: string
  name: string
  /** What is made of it, "" where that is it itself. */
  made: string
  started: Date | null
  ended: Date | null
  error: string
  step: string
  done: number
  total: number
  /** Bytes per second, 0 when nobody knows. */
  rate: number
  /** Seconds that the step will take, 0 when nobody knows. */
  left: number
}

/** One file of a host's image pool. */
export interface Image {
  name: string
  /** "" when it is none that is known. */
  format: 'qcow2' | 'raw' | 'iso' | ''
  bytes: number
  /** Of the disk in it, 0 when there is none. */
  diskBytes: number
  /** "sha256:…", "" when nobody knows. */
  sum: string
  /** The address it was fetched from, or "". */
  source: string
  user: string
  added: Date | null
  /** The machines that have it in a drive. */
  usedBy: string[]
}

/** An image that a host knows where to fetch. */
export interface CatalogueImage {
  name: string
  title: string
  format: Image['format']
  arch: string
  /** Who logs in when nothing else is asked for. */
  user: string
  /** Whether what comes is checked against its publisher's sum. */
  checked: boolean
  /** Sensible sizes, 0 says nothing. */
  memoryBytes: number
  diskBytes: number
}

/** What a cloud image makes of itself at its first start; "" leaves its own. */
export interface Seed {
  user: string
  sshKeys: string[]
  password: string
  hostname: string
  packages: string[]
  /** Installed at the first start with a desktop for them. */
  apps: string[]
  /** Its language, as in "de_DE.UTF-8"; "" leaves it. */
  locale: string
  /** Of its network card, "192.0.2.5/24"; none asks DHCP. */
  addresses: string[]
  gateways: string[]
  dns: string[]
}

export interface Screen {
  host: string
  name: string
  machine: string
  kind: 'monitor' | 'console' | 'app'
  title: string
  width: number
  height: number
  app: string
}

export interface Folder {
  host: string
  name: string
  path: string
  state: string
  needBytes: number
  needFiles: number
  globalBytes: number
  globalFiles: number
  hosts: string[]
  note: string
}

export interface App {
  id: string
  name: string
  comment: string
  icon: string
  categories: string[]
  /** It is in the menu of the computer whose node this page asks. */
  installed: boolean
}

export interface Stats {
  name: string
  time: number
  cpuSeconds: number
  cpus: number
  memoryUsedBytes: number
  memoryBytes: number
  diskReadBytes: number
  diskWriteBytes: number
  netInBytes: number
  netOutBytes: number
  load: number
}

/** What a quantity was over a step of time. */
export interface Range {
  min: number
  avg: number
  max: number
}

/** A machine over one step; null is what was not measured. */
export interface MeterPoint {
  /** Begin, in seconds since 1970. */
  at: number
  /** Measurements in it. */
  samples: number
  /** Share of all processors, 0 to 1. */
  cpu: Range | null
  /** Bytes. */
  memory: Range | null
  /** Bytes a second, as the others. */
  diskRead: Range | null
  diskWrite: Range | null
  netIn: Range | null
  netOut: Range | null
}

/** Steps without a measurement are not among the points. */
export interface History {
  stepSeconds: number
  points: MeterPoint[]
  /** The host measures all the time. */
  always: boolean
}

export interface Check {
  name: string
  state: string
  text: string
  hint: string
}

export interface Nearby {
  id: string
  name: string
  number: string
}

export interface Status {
  id: string
  name: string
  home: string
  version: string
  libvirtUri: string
  webUrl: string
  fingerprint: string
  addrs: string[]
}

export interface MachineSpec {
  name: string
  memoryBytes: number
  cpus: number
  diskBytes: number
  /** A name in the pool or the catalogue, or an address; "" is none. */
  iso: string
  image: string
  seed: Seed | null
  start: boolean
  /** A network of the host, or "" for none. */
  network: string
  /** The installer on its CD installs by itself, with what seed says. */
  unattended: boolean
  firmware: Firmware
  tpm: boolean
}

export type Event = { seq: number; removed: boolean } & (
  | { kind: 'ready' }
  | { kind: 'host'; host: Host }
  | { kind: 'machine'; machine: Machine }
  | { kind: 'screen'; screen: Screen }
  | { kind: 'folder'; folder: Folder }
  | { kind: 'job'; job: Job }
  | { kind: 'session'; session: Session }
  | { kind: 'request'; request: AccessRequest }
)

/** One step of an open pairing code: the code first, the paired host last. */
export interface Offer {
  code: string
  addr: string
  /** HOST:PORT of a router and its name: a computer elsewhere enters CODE@HOST:PORT. Empty without a router. */
  through: string
  router: string
  expires: Date | null
  host: Host | null
}
