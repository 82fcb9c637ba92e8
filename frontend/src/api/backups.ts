import { createClient, type Transport } from '@connectrpc/connect'
import { date, machine } from './convert'
import { BackupService, type Backup as PbBackup, type BackupList as PbBackupList, type KeptMachine as PbKept } from './gen/hither/v1/backup_pb'
import type { Machine } from './model'

export type Every = '' | 'hourly' | 'daily' | 'weekly' | 'monthly'

/** A machine as it was at one moment; sizes are bytes. */
export interface Backup {
  id: string
  created: Date | null
  kind: 'full' | 'incremental'
  /** What the machine did: off, running, or running with its file systems at rest. */
  state: 'off' | 'frozen' | 'running'
  scheduled: boolean
  dataBytes: number
  addedBytes: number
  verified: Date | null
  /** What was found wrong, '' when nothing was. */
  broken: string
  /** The ID and the name of the computer that keeps it, '' for the one that was asked. */
  keeper: string
  where: string
}

/** Another computer that keeps some of a machine's backups. */
export interface Keeper {
  id: string
  name: string
  /** Why it cannot be asked, '' when it was. */
  error: string
}

/** What a computer keeps for a machine of another one. */
export interface KeptMachine {
  /** The ID and the name of the computer whose machine it is. */
  of: string
  host: string
  machine: string
  uuid: string
  /** Newest first. */
  backups: Backup[]
  storedBytes: number
}

/** Whose backups, and where: IDs of computers, '' for the one that is asked. */
export interface BackupPlace {
  of?: string
  at?: string
}

export interface Schedule {
  every: Every
  /** Minute of the day by the clock of the machine's host. */
  at: number
  keepLast: number
  keepDaily: number
  keepWeekly: number
  keepMonthly: number
  /** The ID of the computer that keeps them, '' for the machine's own. */
  to: string
}

export interface BackupList {
  /** Newest first. */
  backups: Backup[]
  schedule: Schedule
  next: Date | null
  last: Date | null
  error: string
  storedBytes: number
  keepers: Keeper[]
}

/** The part of the Api about backups; host is as in Api. */
export interface BackupsApi {
  backups(host: string, machine: string): Promise<BackupList>
  /** What host keeps for machines of other computers. */
  keptBackups(host: string): Promise<KeptMachine[]>
  takeBackup(host: string, machine: string, at: string): Promise<Backup>
  /** An empty name brings it back into the machine itself. */
  restoreBackup(host: string, machine: string, backup: string, as: string, start: boolean, place: BackupPlace): Promise<Machine>
  verifyBackup(host: string, machine: string, backup: string, place: BackupPlace): Promise<Backup>
  removeBackup(host: string, machine: string, backup: string, place: BackupPlace): Promise<void>
  setSchedule(host: string, machine: string, schedule: Schedule): Promise<BackupList>
}

function backup(b: PbBackup): Backup {
  const { id, scheduled, broken, keeper, where } = b
  return {
    id, scheduled, broken, keeper, where, kind: b.kind as Backup['kind'], state: b.state as Backup['state'], created: date(b.created), verified: date(b.verified),
    dataBytes: Number(b.dataBytes), addedBytes: Number(b.addedBytes),
  }
}

function list(l: PbBackupList): BackupList {
  const s = l.schedule
  return {
    backups: l.backups.map(backup), next: date(l.next), last: date(l.last), error: l.error, storedBytes: Number(l.storedBytes),
    keepers: l.keepers.map(({ id, name, error }) => ({ id, name, error })),
    schedule: {
      every: (s?.every ?? '') as Every, at: s?.at ?? 0,
      keepLast: s?.keepLast ?? 0, keepDaily: s?.keepDaily ?? 0, keepWeekly: s?.keepWeekly ?? 0, keepMonthly: s?.keepMonthly ?? 0, to: s?.to ?? '',
    },
  }
}

const kept = (k: PbKept): KeptMachine => ({
  of: k.of, host: k.host, machine: k.machine, uuid: k.uuid, backups: k.backups.map(backup), storedBytes: Number(k.storedBytes),
})

export function backupsApi(transport: Transport): BackupsApi {
  const all = createClient(BackupService, transport)
  return {
    backups: async (host, machine) => list(await all.list({ host, machine })),
    keptBackups: async (host) => (await all.kept({ host })).machines.map(kept),
    takeBackup: async (host, machine, at) => backup(await all.take({ host, machine, at })),
    restoreBackup: async (host, name, id, as, start, place) => machine(await all.restore({ host, machine: name, backup: id, as, start, ...place })),
    verifyBackup: async (host, machine, id, place) => backup(await all.verify({ host, machine, backup: id, ...place })),
    removeBackup: async (host, machine, id, place) => void (await all.remove({ host, machine, backup: id, ...place })),
    setSchedule: async (host, machine, schedule) => list(await all.setSchedule({ host, machine, schedule })),
  }
}
