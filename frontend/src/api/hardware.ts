// What a machine is made of, as package fusion has it: plain values.
import type { DiskPart as PbDisk, HardwareChanged, Parts as PbParts } from './gen/hither/v1/hardware_pb'

/** '' always, 'now' until the machine stops, 'next-start' from its next start on. */
export type Of = '' | 'now' | 'next-start'

export interface DiskPart {
  name: string
  bus: string
  format: string
  file: string
  totalBytes: number
  usedBytes: number
  readOnly: boolean
  /** Made for this machine: its file goes with it. */
  made: boolean
  of: Of
}

export interface DrivePart {
  name: string
  kind: string
  image: string
  of: Of
}

export interface NicPart {
  mac: string
  network: string
  /** That of the next start where it is another, else ''. */
  nextNetwork: string
  model: string
  of: Of
}

/** A device of its computer or of another one; without a name it is not plugged in. */
export interface DevicePart {
  id: string
  name: string
  of: Of
  /** The other computer, '' for its own, and what its own calls that. */
  from: string
  fromName: string
  /** Why a machine that runs has not got it just now, and what a person can do. */
  note: string
  hint: string
}

export interface Parts {
  cpus: number
  nextCpus: number
  mostCpus: number
  memoryBytes: number
  nextMemoryBytes: number
  hostMemoryBytes: number
  disks: DiskPart[]
  drives: DrivePart[]
  nics: NicPart[]
  boot: string[]
  firmware: string
  tpm: boolean
  /** 'kvm' or 'emulated', of the next start. */
  accelerator: string
  displays: string[]
  /** Its next start brings something that it has not now. */
  pending: boolean
  networks: string[]
  images: string[]
  devices: DevicePart[]
}

/** One change; kind says which of the others count. */
export type Change =
  | { kind: 'resources'; memoryBytes?: number; cpus?: number }
  | { kind: 'disk.add'; bytes: number }
  /** POOL/NAME of one that no machine has. */
  | { kind: 'disk.add'; volume: string }
  | { kind: 'disk.grow'; disk: string; bytes: number }
  | { kind: 'disk.remove'; disk: string; keep: boolean }
  | { kind: 'nic.add'; network: string; mac?: string }
  | { kind: 'nic.set'; nic: string; network?: string; mac?: string }
  | { kind: 'nic.remove'; nic: string }
  | { kind: 'cd.insert'; drive: string; image: string }
  | { kind: 'cd.eject'; drive: string }
  | { kind: 'boot'; boot: string[] }
  | { kind: 'firmware'; firmware: string }
  | { kind: 'tpm'; tpm: boolean }
  | { kind: 'display.add' }
  | { kind: 'device.attach'; device: string; from?: string }
  | { kind: 'device.detach'; device: string; from?: string }
  | { kind: 'accelerator'; accelerator: string }

export interface Changed {
  when: 'now' | 'next-start'
  part: string
  note: string
}

/** What changes of what is written on a machine; what is absent stays. */
export interface LabelChange {
  add?: string[]
  drop?: string[]
  notes?: string
  autostart?: boolean
  order?: number
}

export function parts(p: PbParts): Parts {
  const { cpus, nextCpus, mostCpus, boot, firmware, tpm, accelerator, displays, pending, networks, images } = p
  return {
    cpus, nextCpus, mostCpus, boot, firmware, tpm, accelerator, displays, pending, networks, images,
    memoryBytes: Number(p.memoryBytes),
    nextMemoryBytes: Number(p.nextMemoryBytes),
    hostMemoryBytes: Number(p.hostMemoryBytes),
    disks: p.disks.map(disk),
    drives: p.drives.map(({ name, kind, image, of }) => ({ name, kind, image, of: of as Of })),
    nics: p.nics.map(({ mac, network, nextNetwork, model, of }) => ({ mac, network, nextNetwork, model, of: of as Of })),
    devices: p.devices.map(({ id, name, of, from, fromName, note, hint }) => ({ id, name, of: of as Of, from, fromName, note, hint })),
  }
}

function disk(d: PbDisk): DiskPart {
  const { name, bus, format, file, readOnly, made } = d
  return { name, bus, format, file, readOnly, made, of: d.of as Of, totalBytes: Number(d.totalBytes), usedBytes: Number(d.usedBytes) }
}

export function changed(c: HardwareChanged): Changed {
  return { when: c.when === 'now' ? 'now' : 'next-start', part: c.part, note: c.note }
}

/** A change as the wire has it: sizes are 64 bits there. */
export function wire(change: Change) {
  const { memoryBytes, bytes, ...rest } = change as { memoryBytes?: number; bytes?: number; kind: string }
  return { ...rest, memoryBytes: BigInt(memoryBytes ?? 0), bytes: BigInt(bytes ?? 0) }
}
