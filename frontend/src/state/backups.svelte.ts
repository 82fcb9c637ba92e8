import type { Backup, BackupList, KeptMachine, Schedule } from '../api/backups'
import type { Host, Machine } from '../api/model'
import type { Key } from '../i18n/i18n.svelte'
import { about, type App } from './app.svelte'
import { Asked, asList, type KnownList } from './asked.svelte'

/** What tasks with what a computer keeps for others are about. */
export const aboutKept = (keeper: Host) => `kept:${keeper.id}`

/**
 * The backups of machines that were looked at. They are asked for when a machine's part is
 * shown and when something that takes long ended there.
 */
export class Backups {
  private readonly asked: Asked<BackupList>
  /** What computers keep for machines of others, by the ID of who keeps it. */
  readonly kept: Asked<KeptMachine[]>

  constructor(private readonly app: App) {
    this.asked = new Asked((host, machine) => this.app.api.backups(host!, machine!))
    this.kept = new Asked((host) => this.app.api.keptBackups(host!))
  }

  /** What computers that are online keep of a machine, whose own is not. */
  keptOf(m: Machine): Array<{ host: Host; kept: KeptMachine }> {
    const owner = this.app.idOf(m.host)
    return this.app.hosts.list.flatMap((host) =>
      (host.online ? (this.kept.of(host.id).value ?? []) : []).filter((k) => k.of === owner && k.machine === m.name).map((kept) => ({ host, kept })),
    )
  }

  /** Its name, or its UUID where that computer had several of the name. */
  private nameOf(keeper: Host, kept: KeptMachine): string {
    const same = this.kept.of(keeper.id).value?.filter((k) => k.of === kept.of && k.machine === kept.machine) ?? []
    return same.length > 1 ? kept.uuid : kept.machine
  }

  /** Makes a new machine on a computer of what another one keeps. */
  restoreKept(on: Host, keeper: Host, kept: KeptMachine, b: Backup, as: string, start: boolean): Promise<Machine | undefined> {
    const at = on.id === keeper.id ? '' : keeper.id
    return this.onKept(on, keeper, kept, 'task.restore', 'machine.restore', () =>
      this.app.api.restoreBackup(on.id, this.nameOf(keeper, kept), b.id, as, start, { of: kept.of, at }),
    )
  }

  verifyKept(keeper: Host, kept: KeptMachine, b: Backup): Promise<Backup | undefined> {
    return this.onKept(keeper, keeper, kept, 'task.verifyBackup', 'machine.backup.verify', () =>
      this.app.api.verifyBackup(keeper.id, this.nameOf(keeper, kept), b.id, { of: kept.of }),
    )
  }

  removeKept(keeper: Host, kept: KeptMachine, b: Backup): Promise<true | undefined> {
    return this.onKept(keeper, keeper, kept, 'task.removeBackup', '', async () => {
      await this.app.api.removeBackup(keeper.id, this.nameOf(keeper, kept), b.id, { of: kept.of })
      return true as const
    })
  }

  /** Does it as a task about what the keeper keeps, then asks what there is now. */
  private async onKept<T>(on: Host, keeper: Host, kept: KeptMachine, key: Key, op: string, work: () => Promise<T>): Promise<T | undefined> {
    const job = op ? { job: { host: on.id, op, name: this.nameOf(keeper, kept) } } : {}
    const done = await this.app.tasks.run({ key, params: { name: kept.machine } }, aboutKept(keeper), work, job)
    await this.kept.load(keeper.id)
    return done
  }

  /** A null list without an error is on its way. */
  of(m: Machine): KnownList<BackupList> {
    return asList(this.asked.of(this.app.idOf(m.host), m.name))
  }

  /** How many jobs with them run there: when one ends, it is time to ask again. */
  working(m: Machine): number {
    const host = this.app.idOf(m.host)
    return this.app.jobs.running.filter(
      (j) => this.app.idOf(j.host) === host && j.name === m.name && (j.op.startsWith('machine.backup') || j.op === 'machine.restore'),
    ).length
  }

  load(m: Machine): Promise<void> {
    return this.asked.load(this.app.idOf(m.host), m.name)
  }

  /** at is the ID of the computer that keeps it, '' for the machine's own. */
  take(m: Machine, at: string): Promise<Backup | undefined> {
    return this.run(m, 'task.backup', 'machine.backup', (host) => this.app.api.takeBackup(host, m.name, at))
  }

  restore(m: Machine, b: Backup, as: string, start: boolean): Promise<Machine | undefined> {
    return this.run(m, 'task.restore', 'machine.restore', (host) => this.app.api.restoreBackup(host, m.name, b.id, as, start, { at: b.keeper }))
  }

  verify(m: Machine, b: Backup): Promise<Backup | undefined> {
    return this.run(m, 'task.verifyBackup', 'machine.backup.verify', (host) => this.app.api.verifyBackup(host, m.name, b.id, { at: b.keeper }))
  }

  remove(m: Machine, b: Backup): Promise<true | undefined> {
    return this.run(m, 'task.removeBackup', '', async (host) => {
      await this.app.api.removeBackup(host, m.name, b.id, { at: b.keeper })
      return true as const
    })
  }

  setSchedule(m: Machine, schedule: Schedule): Promise<BackupList | undefined> {
    return this.run(m, 'task.schedule', '', (host) => this.app.api.setSchedule(host, m.name, schedule))
  }

  /** Does it as a task about the machine, then asks what there is now. */
  private async run<T>(m: Machine, key: Key, op: string, work: (host: string) => Promise<T>): Promise<T | undefined> {
    const host = this.app.idOf(m.host)
    const job = op ? { job: { host, op, name: m.name } } : {}
    const done = await this.app.tasks.run({ key, params: { name: m.name } }, about.machine(m), () => work(host), job)
    await this.load(m)
    return done
  }
}
