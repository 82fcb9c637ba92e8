import ChevronsUp from '@lucide/svelte/icons/chevrons-up'
import Disc3 from '@lucide/svelte/icons/disc-3'
import EjectIcon from '@lucide/svelte/icons/arrow-up-from-line'
import MonitorUp from '@lucide/svelte/icons/monitor-up'
import Pencil from '@lucide/svelte/icons/pencil'
import Plus from '@lucide/svelte/icons/plus'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { DevicePart, DiskPart, DrivePart, NicPart } from '../api/hardware'
import { about, type App } from '../state/app.svelte'
import type { Command, Targets } from './target'

const free = (app: App, { machine, host }: Targets['machine']) =>
  machine.kind === 'vm' && host.online && machine.state !== 'saved' && !app.tasks.busy(about.machine(machine))

/** What is added or changed of a machine as a whole: the buttons beside the headings. */
export const hardwareCommands: Record<'resources' | 'disk' | 'nic' | 'device' | 'boot' | 'display', Command<'machine'>> = {
  resources: {
    name: 'hardware.resources',
    label: 'verb.changeResources',
    icon: Pencil,
    when: free,
    do: (app, { machine }) => (app.dialog = { kind: 'hardware', what: 'resources', machine }),
  },
  disk: {
    name: 'hardware.disk',
    label: 'verb.addDisk',
    icon: Plus,
    when: free,
    do: (app, { machine }) => (app.dialog = { kind: 'hardware', what: 'disk', machine }),
  },
  nic: {
    name: 'hardware.nic',
    label: 'verb.addNic',
    icon: Plus,
    when: free,
    do: (app, { machine }) => (app.dialog = { kind: 'hardware', what: 'nic', machine }),
  },
  device: {
    name: 'hardware.device',
    label: 'verb.addDevice',
    icon: Plus,
    when: free,
    do: (app, { machine }) => (app.dialog = { kind: 'hardware', what: 'device', machine }),
  },
  boot: {
    name: 'hardware.boot',
    label: 'verb.changeBoot',
    icon: Pencil,
    when: free,
    do: (app, { machine }) => (app.dialog = { kind: 'hardware', what: 'boot', machine }),
  },
  display: {
    name: 'hardware.display',
    label: 'verb.addDisplay',
    icon: MonitorUp,
    when: (app, target) => free(app, target) && (!target.machine.screen || target.machine.screenshots),
    do: (app, { machine }) => void app.hardware.change(machine, { kind: 'display.add' }),
  },
}

type Part<T> = Targets['machine'] & { part: T }
type PartCommand<T> = Omit<Command<'machine'>, 'when' | 'do'> & {
  when(app: App, target: Part<T>): boolean
  do(app: App, target: Part<T>): void
}

/** What can be done with one disk, in the order of its menu. */
export const diskCommands: PartCommand<DiskPart>[] = [
  {
    name: 'disk.grow',
    label: 'verb.growDisk',
    icon: ChevronsUp,
    when: (app, target) => free(app, target) && !target.part.readOnly,
    do: (app, { machine, part }) => (app.dialog = { kind: 'hardware', what: 'grow', machine, part: part.name }),
  },
  {
    name: 'disk.remove',
    label: 'verb.removeDisk',
    icon: Trash2,
    danger: true,
    when: (app, target) => free(app, target) && target.part.of !== 'now',
    do: (app, { machine, part }) => (app.dialog = { kind: 'hardware', what: 'remove', machine, part: part.name }),
  },
]

export const driveCommands: PartCommand<DrivePart>[] = [
  {
    name: 'cd.insert',
    label: 'verb.insertCd',
    icon: Disc3,
    when: free,
    do: (app, { machine, part }) => (app.dialog = { kind: 'hardware', what: 'cd', machine, part: part.name }),
  },
  {
    name: 'cd.eject',
    label: 'verb.ejectCd',
    icon: EjectIcon,
    when: (app, target) => free(app, target) && target.part.image !== '',
    do: (app, { machine, part }) => void app.hardware.change(machine, { kind: 'cd.eject', drive: part.name }),
  },
]

export const nicCommands: PartCommand<NicPart>[] = [
  {
    name: 'nic.set',
    label: 'verb.change',
    icon: Pencil,
    when: (app, target) => free(app, target) && target.part.of !== 'now',
    do: (app, { machine, part }) => (app.dialog = { kind: 'hardware', what: 'nic', machine, part: part.mac }),
  },
  {
    name: 'nic.remove',
    label: 'verb.removeNic',
    icon: Trash2,
    danger: true,
    when: (app, target) => free(app, target) && target.part.of !== 'now',
    do: (app, { machine, part }) =>
      app.confirm({
        title: ['confirm.removeNic.title', { name: machine.name }],
        text: ['confirm.removeNic', { mac: part.mac, network: part.network }],
        verb: 'confirm.removeNic.verb',
        do: () => void app.hardware.change(machine, { kind: 'nic.remove', nic: part.mac }),
      }),
  },
]

export const deviceCommands: PartCommand<DevicePart>[] = [
  {
    name: 'device.detach',
    label: 'verb.removeDevice',
    icon: Trash2,
    danger: true,
    when: (app, target) => free(app, target) && target.part.of !== 'now',
    do: (app, { machine, part }) =>
      app.confirm({
        title: ['confirm.removeDevice.title', { name: machine.name }],
        text: ['confirm.removeDevice', { device: part.name || part.id }],
        verb: 'confirm.removeDevice.verb',
        do: () => void app.hardware.change(machine, { kind: 'device.detach', device: part.id, ...(part.from && { from: part.from }) }),
      }),
  },
]

/** The menu of one part. */
export function partItems<T>(app: App, commands: PartCommand<T>[], target: Part<T>, say: (key: Command<'machine'>['label']) => string) {
  return commands.filter((c) => c.when(app, target)).map((c) => ({ ...c, label: say(c.label), do: () => c.do(app, target) }))
}
