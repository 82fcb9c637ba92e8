import type { Job } from '../api/model'
import type { Key, Params } from '../i18n/i18n.svelte'
import { en } from '../i18n/en'
import type { Hosts } from './hosts.svelte'
import type { Task } from './tasks.svelte'
import { Table } from './table.svelte'

/** What takes long on the hosts, whoever asked for it. */
export class Jobs extends Table<Job> {
  constructor(private readonly hosts: Hosts) {
    super((j) => j.host + '/' + j.id)
  }

  /** Those in work, oldest first. An offline host's are not known any more. */
  get running(): Job[] {
    return this.all
      .filter((j) => j.ended === null && this.hosts.find(j.host)?.online)
      .sort((a, b) => (a.started?.getTime() ?? 0) - (b.started?.getTime() ?? 0))
  }

  /** The job that does a task of this page. */
  of(task: Task): Job | undefined {
    const { job } = task
    return job && this.running.find((j) => j.op === job.op && j.name === job.name && this.hosts.find(j.host)?.id === job.host)
  }

  /** What a host (its ID) is doing with a machine, of several the first. */
  about(host: string, machine: string): Job | undefined {
    return this.all.find((j) => j.ended === null && j.name === machine && j.op.startsWith('machine.') && this.hosts.find(j.host)?.id === host)
  }

  /** Those that no task of this page stands for. */
  others(tasks: Task[]): Job[] {
    const mine = new Set(tasks.map((t) => this.of(t)?.id))
    return this.running.filter((j) => !mine.has(j.id))
  }
}

/** What a job does, in words, with the name of what it makes. */
export function jobLabel(j: Job): { key: Key; params: Params } {
  const key = `job.${j.op}`
  return { key: key in en ? (key as Key) : 'job.other', params: { name: j.made ? `${j.name} → ${j.made}` : j.name } }
}
