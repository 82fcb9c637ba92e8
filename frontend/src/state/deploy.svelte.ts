import { SvelteMap } from 'svelte/reactivity'
import type { DeploySpec, Shape } from '../api/copies'
import { UiError } from '../api/error'
import type { Host, Image, Job, Machine } from '../api/model'
import { about, type App } from './app.svelte'
import type { Task } from './tasks.svelte'

/** What package fusion takes (DeploySpec.Check). */
export const MOST = { hosts: 64, count: 64, prefix: 56 }

export interface Plan {
  hosts: Host[]
  /** Machines on each. */
  count: number
  prefix: string
  start: boolean
}

/** The names on the computer that is i-th of a plan (DeploySpec.Names). */
export const namesOn = ({ prefix, count }: Pick<Plan, 'prefix' | 'count'>, i: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${i * count + n + 1}`)

/** What one computer gets. */
export class Part {
  state = $state<'working' | 'done' | 'failed' | 'canceled'>('working')
  error = $state.raw<UiError | null>(null)

  constructor(
    readonly host: Host,
    readonly names: string[],
    /** What its jobs may be called by. */
    readonly subjects: string[],
  ) {}

  fail(error: UiError): void {
    this.state = error.cancelled ? 'canceled' : 'failed'
    this.error = error.cancelled ? null : error
  }
}

/** One machine or image on its way to several computers, until it is dismissed. */
export class Deployment {
  readonly parts: Part[]
  running = $state(true)

  constructor(readonly kind: 'machine' | 'image', readonly plan: Plan, of: string) {
    const also = kind === 'machine' ? `${plan.prefix}-base` : of
    this.parts = plan.hosts.map((host, i) => new Part(host, namesOn(plan, i), [...namesOn(plan, i), also]))
  }

  /** Of an error of the whole: where the computers that failed are named, the others have theirs. */
  fail(error: UiError): void {
    for (const part of this.parts) {
      const own = error.each.find((e) => e.path === part.host.id)
      if (own || error.each.length === 0) part.fail(own ?? error)
      else part.state = 'done'
    }
  }
}

const WORK = ['machine.import', 'machine.clone', 'machine.create', 'image.fetch']

/** Machines and images that go to several computers at a time, by what they are about. */
export class Deployments {
  private readonly known = new SvelteMap<string, Deployment>()

  constructor(private readonly app: App) {}

  of(key: string): Deployment | undefined {
    return this.known.get(key)
  }

  going(key: string): boolean {
    return this.known.get(key)?.running ?? false
  }

  dismiss(key: string): void {
    if (!this.going(key)) this.known.delete(key)
  }

  /** What a computer does for a part just now. */
  job(part: Part): Job | undefined {
    return this.app.jobs.running.find((j) => WORK.includes(j.op) && part.subjects.includes(j.name) && this.app.hosts.find(j.host)?.id === part.host.id)
  }

  /** The names of a part's machines that are there. */
  made(part: Part): string[] {
    return part.names.filter((name) => this.app.machines.find(part.host.id, name))
  }

  /** The machine's host sends it to all of them. */
  machine(m: Machine, plan: Plan): Promise<void> {
    const host = this.app.idOf(m.host)
    return this.lead(about.machine(m), new Deployment('machine', plan, m.name), { host, op: 'machine.deploy', name: m.name }, (spec) =>
      this.app.api.deployMachine(host, m.name, spec, crypto.randomUUID()))
  }

  /** The image's host sees that all of them have it, and has its machines made there. */
  image(image: Image, from: Host, plan: Plan, of: Shape): Promise<void> {
    return this.lead(about.image(from, image), new Deployment('image', plan, image.name), { host: from.id, op: 'image.deploy', name: image.name }, (spec) =>
      this.app.api.deployImage(from.id, image.name, of, spec, crypto.randomUUID()))
  }

  /** Ends a deployment; nothing that it made stays. */
  stop(d: Deployment): void {
    const job = this.leading(d)
    if (job) void this.app.cancel(job)
  }

  /** The job that does it all; before the host has told of it there is nothing to stop. */
  leading(d: Deployment): Job | undefined {
    const task = this.app.tasks.running.find((t) => t.job?.op === `${d.kind}.deploy` && this.known.get(t.about) === d)
    return task && this.app.jobs.of(task)
  }

  /** A host leads the work as a job of its own; how far each computer is, that one's jobs say. */
  private async lead(key: string, d: Deployment, job: NonNullable<Task['job']>, ask: (spec: DeploySpec) => Promise<Machine[]>): Promise<void> {
    this.known.set(key, d)
    const { hosts, count, prefix, start } = d.plan
    await this.app.tasks.run({ key: 'task.deploy', params: { name: job.name } }, key, async () => {
      try {
        await ask({ to: hosts.map((h) => h.id), count, prefix, start })
        for (const part of d.parts) part.state = 'done'
      } catch (thrown) {
        d.fail(UiError.from(thrown))
        throw thrown
      } finally {
        d.running = false
      }
    }, { job })
  }
}
