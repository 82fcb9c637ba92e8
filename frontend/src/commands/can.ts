import type { Verb } from '../api/model'
import { about, type App } from '../state/app.svelte'
import type { Targets } from './target'

/** Whether a verb can be done now; busy ones wait for their task. */
export function can(app: App, { machine, host }: Targets['machine'], verb: Verb): boolean {
  return host.online && machine.verbs.includes(verb) && !app.tasks.busy(about.machine(machine))
}

/** Whether a machine can go to another computer: by its menu, or by dragging its card. */
export const canLeave = (app: App, { machine: m, host }: Targets['machine']): boolean =>
  m.kind === 'vm' && host.online && ['running', 'off'].includes(m.state) && !app.tasks.busy(about.machine(m))
