import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import type { UiError } from '../api/error'
import type { Change, Changed, LabelChange, Parts } from '../api/hardware'
import type { Machine } from '../api/model'
import type { Text } from '../i18n/i18n.svelte'
import { Asked } from './asked.svelte'
import type { Tasks } from './tasks.svelte'

interface Known {
  parts: Parts | null
  error: UiError | null
}

/** What a machine is for a task: "machine:HOST/NAME". */
const key = (m: Machine) => `machine:${m.host}/${m.name}`

type Uses = Pick<Api, 'hardware' | 'changeHardware' | 'label' | 'rename' | 'saveMachine'>

/**
 * What machines that were looked at are made of, and what is written on them. It is asked
 * for when a machine's part is shown, when the machine changes, and after each change that
 * is made here.
 */
export class Hardware {
  private readonly asked: Asked<Parts>
  /** What became of the last change of each machine. */
  private readonly told = new SvelteMap<string, Changed>()

  constructor(
    private readonly api: Uses,
    private readonly tasks: Tasks,
    private readonly idOf: (host: string) => string,
  ) {
    this.asked = new Asked((host, name) => api.hardware(idOf(host!), name!))
  }

  /** Null parts without an error are on their way. */
  of(m: Machine): Known {
    const { value, error } = this.asked.of(m.host, m.name)
    return { parts: value, error }
  }

  toldOf(m: Machine): Changed | undefined {
    return this.told.get(key(m))
  }

  load(m: Machine): Promise<void> {
    return this.asked.load(m.host, m.name)
  }

  /** Makes one change; true when it was taken, at once or for the next start. */
  async change(m: Machine, change: Change): Promise<boolean> {
    this.told.delete(key(m))
    const host = this.idOf(m.host)
    const done = await this.run(m, { key: 'task.change', params: { name: m.name } }, () => this.api.changeHardware(host, m.name, change), 'machine.change')
    if (done) this.told.set(key(m), done)
    await this.load(m)
    return done !== undefined
  }

  async label(m: Machine, change: LabelChange): Promise<boolean> {
    const done = await this.run(m, { key: 'task.label', params: { name: m.name } }, () => this.api.label(this.idOf(m.host), m.name, change))
    return done !== undefined
  }

  async rename(m: Machine, to: string): Promise<boolean> {
    const work = async () => {
      await this.api.rename(this.idOf(m.host), m.name, to)
      return true
    }
    return (await this.run(m, { key: 'task.rename', params: { name: m.name, to } }, work)) ?? false
  }

  /** Keeps its memory and ends it; the list of tasks shows how far that is. */
  save(m: Machine): Promise<void | undefined> {
    return this.run(m, { key: 'task.save', params: { name: m.name } }, () => this.api.saveMachine(this.idOf(m.host), m.name), 'machine.save')
  }

  private run<T>(m: Machine, label: Text, work: () => Promise<T>, op?: string): Promise<T | undefined> {
    return this.tasks.run(label, key(m), work, op ? { job: { host: this.idOf(m.host), op, name: m.name } } : {})
  }
}

/** The rule of fusion.CheckTag. */
export function goodTag(tag: string): boolean {
  return /^[\p{L}\p{M}0-9][\p{L}\p{M}0-9-]*$/u.test(tag) && tag === tag.toLowerCase() && [...tag].length <= 32
}

/** The rule for notes, in bytes of UTF-8. */
export function goodNotes(text: string): boolean {
  return new TextEncoder().encode(text).length <= 1000
}
