// What the page knows of package fusion: plain values with numbers and dates.

export interface Host {
  id: string
  name: string
  online: boolean
  path: string
  local: boolean
  color: number
  os: string
  version: string
  lastSeen: Date | null
  fingerprint: string
  grants: string[]
}

export type MachineState = 'off' | 'starting' | 'running' | 'paused' | 'saved' | 'stopping' | 'failed'
export type Verb = 'start' | 'stop' | 'force-off' | 'pause' | 'resume' | 'reboot'

export interface Disk {
  name: string
  totalBytes: number
  usedBytes: number
}

export interface Machine {
  host: string
  name: string
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
  verbs: string[]
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

/** A long operation of a host; done and total are bytes, total is 0 when nobody knows. */
export interface Job {
  id: string
  host: string
  op: string
  name: string
  started: Date | null
  ended: Date | null
  error: string
  step: string
  done: number
  total: number
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
  iso: string
  start: boolean
  /** A network of the host, or "" for none. */
  network: string
}

export type Event = { seq: number; removed: boolean } & (
  | { kind: 'ready' }
  | { kind: 'host'; host: Host }
  | { kind: 'machine'; machine: Machine }
  | { kind: 'screen'; screen: Screen }
  | { kind: 'folder'; folder: Folder }
  | { kind: 'job'; job: Job }
)

/** One step of an open pairing code: the code first, the paired host last. */
export interface Offer {
  code: string
  addr: string
  expires: Date | null
  host: Host | null
}
