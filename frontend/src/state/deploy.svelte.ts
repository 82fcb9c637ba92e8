import { SvelteMap } from 'svelte/reactivity'
import { UiError } from '../api/error'
import type { Host, Image, Job, Machine, MachineSpec } from '../api/model'
import { about, type App } from './app.svelte'

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
  /** Stops what has not begun. */
  readonly abort = new AbortController()

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

  /** The machine's host sends it to all of them; how far each is, its own job says. */
  async machine(m: Machine, plan: Plan): Promise<void> {
    const host = this.app.idOf(m.host)
    const d = this.begin(about.machine(m), new Deployment('machine', plan, m.name))
    const spec = { to: plan.hosts.map((h) => h.id), count: plan.count, prefix: plan.prefix, start: plan.start }
    await this.app.tasks.run({ key: 'task.deploy', params: { name: m.name } }, about.machine(m), async () => {
      try {
        await this.app.api.deployMachine(host, m.name, spec, crypto.randomUUID())
        for (const part of d.parts) part.state = 'done'
      } catch (thrown) {
        d.fail(UiError.from(thrown))
        throw thrown
      } finally {
        d.running = false
      }
    }, { job: { host, op: 'machine.deploy', name: m.name } })
  }

  /** Each computer gets the image, once, and makes its machines of it. */
  async image(image: Image, from: Host, plan: Plan, spec: Omit<MachineSpec, 'name' | 'image' | 'iso'>): Promise<void> {
    const d = this.begin(about.image(from, image), new Deployment('image', plan, image.name))
    await this.app.tasks.run({ key: 'task.deploy', params: { name: image.name } }, about.image(from, image), async (task) => {
      task.abort.signal.addEventListener('abort', () => this.stop(d))
      await Promise.all(d.parts.map((part) => this.serve(d, part, image, from, spec).catch((thrown: unknown) => part.fail(UiError.from(thrown)))))
      d.running = false
      const failed = d.parts.find((part) => part.error)
      if (failed) throw failed.error
      if (d.abort.signal.aborted) throw new UiError({}, { cancelled: true })
    }, { canCancel: true })
  }

  /** Ends a deployment: of a machine nothing stays, of an image what was made. */
  stop(d: Deployment): void {
    d.abort.abort()
    const jobs = d.kind === 'image' ? d.parts.map((part) => this.job(part)) : [this.sending(d)]
    for (const job of jobs) if (job) void this.app.cancel(job)
  }

  /** The job that sends a machine; before the host has told of it there is nothing to stop. */
  sending(d: Deployment): Job | undefined {
    const task = this.app.tasks.running.find((t) => t.job?.op === 'machine.deploy' && this.known.get(t.about) === d)
    return task && this.app.jobs.of(task)
  }

  private begin(key: string, d: Deployment): Deployment {
    this.known.set(key, d)
    return d
  }

  private async serve(d: Deployment, part: Part, image: Image, from: Host, spec: Omit<MachineSpec, 'name' | 'image' | 'iso'>): Promise<void> {
    const { api } = this.app
    const there = part.host.id === from.id ? image : same(await api.images(part.host.id), image)
    const stopped = () => d.abort.signal.throwIfAborted()
    stopped()
    const { name: it } = there ?? (await api.fetchImage(part.host.id, image.name, image.source, image.sum))
    const [iso, disk] = image.format === 'iso' ? [it, ''] : ['', it]
    for (const name of part.names) {
      stopped()
      await api.createMachine(part.host.id, { ...spec, name, iso, image: disk }, crypto.randomUUID())
    }
    part.state = 'done'
  }
}

/** The image of a pool that has the same bytes. */
export const same = (pool: Image[], image: Image): Image | undefined => pool.find((i) => i.sum !== '' && i.sum === image.sum)
