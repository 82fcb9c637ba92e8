import Camera from '@lucide/svelte/icons/camera'
import Trash2 from '@lucide/svelte/icons/trash-2'
import Undo2 from '@lucide/svelte/icons/undo-2'
import { ago } from '../i18n/format'
import { about, type App } from '../state/app.svelte'
import type { Command, Targets } from './target'

const free = (app: App, { machine, host }: Targets['machine']) => host.online && !app.tasks.busy(about.machine(machine))

export const takeSnapshot: Command<'machine'> = {
  name: 'snapshot.take',
  label: 'verb.takeSnapshot',
  icon: Camera,
  when: (app, target) => target.machine.kind === 'vm' && !target.machine.template && free(app, target),
  do: (app, { machine }) => (app.dialog = { kind: 'take-snapshot', machine }),
}

/** What can be done with one snapshot, in the order of its menu. */
export const snapshotCommands: Command<'snapshot'>[] = [
  {
    name: 'snapshot.revert',
    label: 'verb.revert',
    icon: Undo2,
    when: free,
    do: (app, { machine, snapshot }) =>
      app.confirm({
        title: ['confirm.revert.title', { machine: machine.name, name: snapshot.name }],
        text: [snapshot.memory ? 'confirm.revert.on' : 'confirm.revert.off', { when: ago(snapshot.created) }],
        verb: 'confirm.revert.verb',
        do: () => void app.revertSnapshot(machine, snapshot),
      }),
  },
  {
    name: 'snapshot.remove',
    label: 'verb.removeSnapshot',
    icon: Trash2,
    danger: true,
    when: free,
    do: (app, { machine, snapshot }) =>
      app.confirm({
        title: ['confirm.removeSnapshot.title', { name: snapshot.name }],
        text: ['confirm.removeSnapshot', {}],
        verb: 'confirm.removeSnapshot.verb',
        do: () => void app.removeSnapshot(machine, snapshot),
      }),
  },
]
