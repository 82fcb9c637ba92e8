import { SvelteMap } from 'svelte/reactivity'
import type { Backup, BackupList, Schedule } from '../api/backups'
import { UiError } from '../api/error'
import type { Machine } from '../api/model'
import type { Key } from '../i18n/i18n.svelte'
import { about, type App } from './app.svelte'

interface Known {
  list: BackupList | null
  error: UiError | null
}

/**
 * The backups of machines that were looked at. They are asked for when a machine's part is
 * shown and when something that takes long ended there; of two answers the one to the later
 * question counts.
 */
export class Backups {
  private readonly known = new SvelteMap<string, Known>()
  private readonly asked = new Map<string, number>()

  constructor(private readonly app: App) {}

  /** A null list without an error is on its way. */
  of(m: Machine): Known {
    return this.known.get(this.app.idOf(m.host) + '/' + m.name) ?? { list: null, error: null }
  }

  /** How many jobs with them run there: when one ends, it is time to ask again. */
  working(m: Machine): number {
    const host = this.app.idOf(m.host)
    return this.app.jobs.running.filter(
      (j) => this.app.idOf(j.host) === host && j.name === m.name && (j.op.startsWith('machine.backup') || j.op === 'machine.restore'),
    ).length
  }

  async load(m: Machine): Promise<void> {
    const host = this.app.idOf(m.host)
    const key = host + '/' + m.name
    const turn = (this.asked.get(key) ?? 0) + 1
    this.asked.set(key, turn)
    let answer: Known
    try {
      answer = { list: await this.app.api.backups(host, m.name), error: null }
    } catch (thrown) {
      answer = { list: null, error: UiError.from(thrown) }
    }
    if (this.asked.get(key) === turn) this.known.set(key, answer)
  }

  take(m: Machine): Promise<Backup | undefined> {
    return this.run(m, 'task.backup', 'machine.backup', (host) => this.app.api.takeBackup(host, m.name))
  }

  restore(m: Machine, b: Backup, as: string, start: boolean): Promise<Machine | undefined> {
    return this.run(m, 'task.restore', 'machine.restore', (host) => this.app.api.restoreBackup(host, m.name, b.id, as, start))
  }

  verify(m: Machine, b: Backup): Promise<Backup | undefined> {
    return this.run(m, 'task.verifyBackup', 'machine.backup.verify', (host) => this.app.api.verifyBackup(host, m.name, b.id))
  }

  remove(m: Machine, b: Backup): Promise<true | undefined> {
    return this.run(m, 'task.removeBackup', '', async (host) => {
      await this.app.api.removeBackup(host, m.name, b.id)
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
