import Boxes from '@lucide/svelte/icons/boxes'
import CopyPlus from '@lucide/svelte/icons/copy-plus'
import FileDown from '@lucide/svelte/icons/file-down'
import LayoutTemplate from '@lucide/svelte/icons/layout-template'
import { about, type App } from '../state/app.svelte'
import type { Command, Targets } from './target'

/** A virtual machine that is off and has nothing under way. */
const still = (app: App, { machine, host }: Targets['machine']) =>
  machine.kind === 'vm' && host.online && machine.state === 'off' && !app.tasks.busy(about.machine(machine))

const clone = (app: App, { machine }: Targets['machine']) => (app.dialog = { kind: 'clone', machine })

/** What makes machines and files out of a machine. */
export const copyCommands: Command<'machine'>[] = [
  {
    name: 'from-template',
    label: 'verb.fromTemplate',
    icon: CopyPlus,
    when: (app, target) => target.machine.template && still(app, target),
    do: clone,
  },
  {
    name: 'clone',
    label: 'verb.clone',
    icon: CopyPlus,
    when: (app, target) => !target.machine.template && still(app, target),
    do: clone,
  },
  {
    name: 'deploy',
    label: 'verb.deploy',
    icon: Boxes,
    when: (app, target) => still(app, target) || app.deployments.going(about.machine(target.machine)),
    do: (app, { machine }) => (app.dialog = { kind: 'deploy', machine }),
  },
  {
    name: 'template',
    label: 'verb.template',
    icon: LayoutTemplate,
    when: (app, target) => !target.machine.template && still(app, target),
    do: (app, { machine }) => void app.copies.setTemplate(machine, true),
  },
  {
    name: 'untemplate',
    label: 'verb.untemplate',
    icon: LayoutTemplate,
    when: (app, target) => target.machine.template && still(app, target),
    do: (app, { machine }) => void app.copies.setTemplate(machine, false),
  },
  {
    name: 'export',
    label: 'verb.export',
    icon: FileDown,
    when: still,
    do: (app, { machine }) => (app.dialog = { kind: 'export', machine }),
  },
]
