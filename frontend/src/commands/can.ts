import type { Verb } from '../api/model'
import { about, type App } from '../state/app.svelte'
import type { Targets } from './target'

/** Whether a verb can be done now; busy ones wait for their task. */
export function can(app: App, { machine, host }: Targets['machine'], verb: Verb): boolean {
  return host.online && machine.verbs.includes(verb) && !app.tasks.busy(about.machine(machine))
}
