import { SvelteMap } from 'svelte/reactivity'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Host, Machine, MachineSpec, Placement, Woken } from '../api/model'
import type { Task, Tasks } from './tasks.svelte'

/** What a person chooses to have a computer chosen. */
export const ANY = 'any'

/** What has power over a computer itself. */
export const powerVerbs = ['sleep', 'reboot', 'stop'] as const
export type PowerVerb = (typeof powerVerbs)[number]

/** Computers as such: their power, their roles, how they are woken, and where machines go. */
export class Computers {
  /** By the ID of a computer: who was asked to wake it, until it is online or asked again. */
  private readonly woken = new SvelteMap<string, Woken>()
  /** By the name of a machine that is to be made: the key of its call, until that ended for good. */
  private readonly keys = new Map<string, string>()

  constructor(
    private readonly api: Pick<Api, 'place' | 'wake' | 'setRoles' | 'doMachine'>,
    private readonly tasks: Tasks,
  ) {}

  power(m: Machine, h: Host, verb: PowerVerb): Promise<void> {
    this.woken.delete(h.id)
    return this.tasks.run({ key: `task.${verb}`, params: { name: h.name } }, `machine:${m.host}/${m.name}`, () =>
      this.api.doMachine(h.id, m.name, verb),
    )
  }

  async wake(h: Host): Promise<void> {
    this.woken.delete(h.id)
    const woken = await this.tasks.run({ key: 'task.wake', params: { name: h.name } }, `host:${h.id}`, () => this.api.wake(h.id))
    if (woken) this.woken.set(h.id, woken)
  }

  /** What waking a computer has come to so far. */
  waking(h: Host): Woken | undefined {
    return h.online ? undefined : this.woken.get(h.id)
  }

  setRoles(h: Host, add: string[], remove: string[]): Promise<string[] | undefined> {
    return this.tasks.run({ key: 'task.roles', params: { name: h.name } }, `host:${h.id}`, () => this.api.setRoles(h.id, add, remove))
  }

  /** The computer on which a machine is to be made, and the key of the call that makes it. */
  async where(host: string, spec: MachineSpec): Promise<{ on: string; key: string }> {
    const key = this.keys.get(spec.name) ?? crypto.randomUUID()
    this.keys.set(spec.name, key)
    if (host !== ANY) return { on: host, key }
    const { id } = await this.api.place(spec, key)
    if (!id) throw new UiError({ op: 'machine.place', path: spec.name, cause: 'busy', detail: 'no host can take it', hint: 'give it less, or free something' })
    return { on: id, key }
  }

  /** Whether a machine of this name is being made, or may have been by a call without an answer. */
  asking(name: string): boolean {
    return this.keys.has(name)
  }

  /** Makes work forget the key once its machine was made or refused. With an answer lost the key stays, so that a second try finds it. */
  settling<T>(spec: MachineSpec, work: (task: Task) => Promise<T>): (task: Task) => Promise<T> {
    return async (task) => {
      try {
        const made = await work(task)
        this.keys.delete(spec.name)
        return made
      } catch (thrown) {
        if (!['offline', ''].includes(UiError.from(thrown).cause)) this.keys.delete(spec.name)
        throw thrown
      }
    }
  }

  /** Where a machine would go now. */
  place(spec: MachineSpec): Promise<Placement> {
    return this.api.place(spec)
  }
}
