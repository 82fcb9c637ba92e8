import AppWindow from '@lucide/svelte/icons/app-window'
import ArrowRightLeft from '@lucide/svelte/icons/arrow-right-left'
import ArchiveRestore from '@lucide/svelte/icons/archive-restore'
import CirclePlay from '@lucide/svelte/icons/circle-play'
import CirclePower from '@lucide/svelte/icons/circle-power'
import ExternalLink from '@lucide/svelte/icons/external-link'
import Info from '@lucide/svelte/icons/info'
import Moon from '@lucide/svelte/icons/moon'
import Pause from '@lucide/svelte/icons/pause'
import Pencil from '@lucide/svelte/icons/pencil'
import Play from '@lucide/svelte/icons/play'
import Power from '@lucide/svelte/icons/power'
import RotateCw from '@lucide/svelte/icons/rotate-cw'
import SquareTerminal from '@lucide/svelte/icons/square-terminal'
import Turtle from '@lucide/svelte/icons/turtle'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { Machine, Verb } from '../api/model'
import { about, type App } from '../state/app.svelte'
import { to } from '../state/router.svelte'
import { copyCommands } from './copies'
import { can, canLeave } from './can'
import { powerCommands } from './power'
import type { Command, Targets } from './target'

type Target = Targets['machine']

const alive = (m: Machine) => m.state === 'running' || m.state === 'paused'

function verb(name: Exclude<Verb, 'sleep'>, icon: Command<'machine'>['icon'], more: Partial<Command<'machine'>> = {}): Command<'machine'> {
  return {
    name,
    label: `verb.${name}`,
    icon,
    bulk: true,
    when: (app, target) => target.machine.kind === 'vm' && can(app, target, name), // a computer's own: power.ts
    do: (app, target) => void app.do(target.machine, name),
    ...more,
  }
}

/** What can be done to a machine, in the order of its menu. */
export const machineCommands: Command<'machine'>[] = [
  {
    name: 'open',
    label: 'verb.open',
    icon: AppWindow,
    when: (_, { machine, host }) => host.online && machine.screen && alive(machine),
    do: (app, { machine, host }) => app.router.go(to.machine(host.name, machine.name)),
  },
  verb('start', Play),
  verb('emulate', Turtle, { bulk: false }),
  verb('resume', CirclePlay),
  verb('pause', Pause),
  verb('reboot', RotateCw),
  verb('stop', Power),
  {
    name: 'save',
    label: 'verb.saveMachine',
    icon: Moon,
    bulk: true,
    when: (app, { machine, host }) => host.online && machine.verbs.includes('save') && !app.tasks.busy(about.machine(machine)),
    do: (app, { machine }) => void app.hardware.save(machine),
  },
  verb('discard', ArchiveRestore, {
    danger: true,
    bulk: false,
    do: (app, { machine }) =>
      app.confirm({
        title: ['confirm.discard.title', { name: machine.name }],
        text: ['confirm.discard', {}],
        verb: 'confirm.discard.verb',
        do: () => void app.do(machine, 'discard'),
      }),
  }),
  verb('force-off', CirclePower, {
    danger: true,
    bulk: false,
    do: (app, { machine }) =>
      app.confirm({
        title: ['confirm.force.title', { name: machine.name }],
        text: ['confirm.force', {}],
        verb: 'confirm.force.verb',
        do: () => void app.do(machine, 'force-off'),
      }),
  }),
  ...powerCommands,
  {
    name: 'show',
    label: 'verb.show',
    icon: Info,
    when: (app, target) => !machineCommands[0]!.when(app, target),
    do: (app, { machine, host }) => app.router.go(to.machine(host.name, machine.name)),
  },
  {
    name: 'window',
    label: 'verb.window',
    icon: ExternalLink,
    when: (_, { machine, host }) => host.online && machine.screen && alive(machine),
    do: (app, { machine, host }) => void app.window(host, machine.name, machine.name, about.machine(machine)),
  },
  ...copyCommands,
  {
    name: 'console',
    label: 'verb.console',
    icon: SquareTerminal,
    when: (_, { machine, host }) => host.online && alive(machine),
    do: (app, { machine, host }) => app.router.go(to.machine(host.name, machine.name) + '?tab=console'),
  },
  {
    name: 'move',
    label: 'verb.move',
    icon: ArrowRightLeft,
    when: canLeave,
    do: (app, { machine }) => (app.dialog = { kind: 'move', machine }),
  },
  {
    name: 'rename',
    label: 'verb.rename',
    icon: Pencil,
    when: (app, { machine, host }) => machine.kind === 'vm' && host.online && machine.state === 'off' && !app.tasks.busy(about.machine(machine)),
    do: (app, { machine }) => (app.dialog = { kind: 'rename', machine }),
  },
  {
    name: 'remove',
    label: 'verb.remove',
    icon: Trash2,
    danger: true,
    when: (app, { machine, host }) =>
      machine.kind === 'vm' &&
      host.online &&
      ['off', 'failed', 'saved'].includes(machine.state) &&
      !app.tasks.busy(about.machine(machine)),
    do: (app, { machine, host }) =>
      app.confirm({
        title: ['confirm.remove.title', { name: machine.name }],
        text: ['confirm.remove', { host: host.name }],
        verb: 'confirm.remove.verb',
        do: () => void app.remove(machine),
      }),
  },
]

/** The one verb of a card: Open where there is a screen, else Start, Resume, what a template is for, or Wake where that is possible. */
export function mainCommand(app: App, target: Target): Command<'machine'> | undefined {
  const first = ['open', 'start', 'resume', 'from-template', 'wake', 'show']
  return first
    .map((name) => machineCommands.find((c) => c.name === name)!)
    .find((c) => c.when(app, target))
}
