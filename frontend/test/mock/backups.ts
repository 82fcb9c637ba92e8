import { create } from '@bufbuild/protobuf'
import { timestampFromDate, timestampNow } from '@bufbuild/protobuf/wkt'
import type { ServiceImpl } from '@connectrpc/connect'
import { BackupListSchema, BackupSchema, KeptMachineSchema, type BackupList, type BackupService } from '../../src/api/gen/hither/v1/backup_pb'
import { MachineSchema } from '../../src/api/gen/hither/v1/machine_pb'

const MiB = 1 << 20
const ago = (hours: number) => timestampFromDate(new Date(Date.now() - hours * 3600_000))

const kept = (hours: number, kind: string, added: number, more = {}) =>
  create(BackupSchema, {
    id: 'b' + hours, machine: 'build-01', created: ago(hours), kind, state: 'frozen', scheduled: true,
    dataBytes: BigInt(9216 * MiB), readBytes: BigInt(added * MiB), addedBytes: BigInt(added * MiB), ...more,
  })

/** The backups of cloud/build-01; others have none. */
const lists: Record<string, BackupList> = {
  'build-01': create(BackupListSchema, {
    backups: [
      kept(6, 'incremental', 118),
      kept(30, 'incremental', 74, { verified: ago(20), keeper: '12D3KooWCCC', where: 'nas' }),
      kept(54, 'full', 5210, { broken: 'a part of it is missing or is not what was written' }),
      kept(300, 'full', 4900, { state: 'off', scheduled: false, verified: ago(100) }),
    ],
    schedule: { every: 'daily', at: 180, keepLast: 7, keepWeekly: 4 },
    next: ago(-18), last: ago(6), error: 'machine.backup build-01: invalid: /var/lib/hither/machines/backups is full', storedBytes: BigInt(10302 * MiB),
  }),
}
const of = (machine: string) => (lists[machine] ??= create(BackupListSchema, {}))

/** Backups in memory; work is how a job takes its time. */
export const backups = (work: (host: string, op: string, name: string) => Promise<void>): Partial<ServiceImpl<typeof BackupService>> => ({
  list: ({ machine }) => of(machine),
  kept: ({ host }) => ({
    machines: host === '12D3KooWBBB' ? [create(KeptMachineSchema, { of: '12D3KooWCCC', host: 'nas', machine: 'media', uuid: 'u', storedBytes: BigInt(5300 * MiB), backups: [kept(8, 'incremental', 40), kept(32, 'full', 5200)] })] : [],
  }),
  take: async ({ host, machine }) => {
    await work(host, 'machine.backup', machine)
    const made = create(BackupSchema, {
      id: 'b-' + of(machine).backups.length, machine, created: timestampNow(), kind: 'full', state: 'running', dataBytes: BigInt(900 * MiB), addedBytes: BigInt(410 * MiB),
    })
    of(machine).backups.unshift(made)
    return made
  },
  restore: ({ host, machine, as }) => create(MachineSchema, { host, name: as || machine, kind: 'vm', state: 'off' }),
  verify: ({ machine, backup }) => {
    const one = of(machine).backups.find((b) => b.id === backup)!
    one.verified = timestampNow()
    return one
  },
  remove: ({ machine, backup }) => {
    of(machine).backups = of(machine).backups.filter((b) => b.id !== backup)
    return {}
  },
  setSchedule: ({ machine, schedule }) => Object.assign(of(machine), { schedule, error: '', next: schedule?.every ? ago(-18) : undefined }),
})
