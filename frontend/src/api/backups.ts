import { createClient, type Transport } from '@connectrpc/connect'
import { date, machine } from './convert'
import { BackupService, type Backup as PbBackup, type BackupList as PbBackupList } from './gen/hither/v1/backup_pb'
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
}

export interface Schedule {
  every: Every
  /** Minute of the day by the clock of the machine's host. */
  at: number
  keepLast: number
  keepDaily: number
  keepWeekly: number
  keepMonthly: number
}

export interface BackupList {
  /** Newest first. */
  backups: Backup[]
  schedule: Schedule
  next: Date | null
  last: Date | null
  error: string
  storedBytes: number
}

/** The part of the Api about backups; host is as in Api. */
export interface BackupsApi {
  backups(host: string, machine: string): Promise<BackupList>
  takeBackup(host: string, machine: string): Promise<Backup>
  /** An empty name brings it back into the machine itself. */
  restoreBackup(host: string, machine: string, backup: string, as: string, start: boolean): Promise<Machine>
  verifyBackup(host: string, machine: string, backup: string): Promise<Backup>
  removeBackup(host: string, machine: string, backup: string): Promise<void>
  setSchedule(host: string, machine: string, schedule: Schedule): Promise<BackupList>
}

function backup(b: PbBackup): Backup {
  const { id, scheduled, broken } = b
  return {
    id, scheduled, broken, kind: b.kind as Backup['kind'], state: b.state as Backup['state'], created: date(b.created), verified: date(b.verified),
    dataBytes: Number(b.dataBytes), addedBytes: Number(b.addedBytes),
  }
}

function list(l: PbBackupList): BackupList {
  const s = l.schedule
  return {
    backups: l.backups.map(backup), next: date(l.next), last: date(l.last), error: l.error, storedBytes: Number(l.storedBytes),
    schedule: {
      every: (s?.every ?? '') as Every, at: s?.at ?? 0,
      keepLast: s?.keepLast ?? 0, keepDaily: s?.keepDaily ?? 0, keepWeekly: s?.keepWeekly ?? 0, keepMonthly: s?.keepMonthly ?? 0,
    },
  }
}

export function backupsApi(transport: Transport): BackupsApi {
  const all = createClient(BackupService, transport)
  return {
    backups: async (host, machine) => list(await all.list({ host, machine })),
    takeBackup: async (host, machine) => backup(await all.take({ host, machine })),
    restoreBackup: async (host, name, id, as, start) => machine(await all.restore({ host, machine: name, backup: id, as, start })),
    verifyBackup: async (host, machine, id) => backup(await all.verify({ host, machine, backup: id })),
    removeBackup: async (host, machine, id) => void (await all.remove({ host, machine, backup: id })),
    setSchedule: async (host, machine, schedule) => list(await all.setSchedule({ host, machine, schedule })),
  }
}
