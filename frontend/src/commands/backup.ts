import ArchiveRestore from '@lucide/svelte/icons/archive-restore'
import CalendarClock from '@lucide/svelte/icons/calendar-clock'
import DatabaseBackup from '@lucide/svelte/icons/database-backup'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { Host } from '../api/model'
import { ago } from '../i18n/format'
import { about, type App } from '../state/app.svelte'
import { aboutKept } from '../state/backups.svelte'
import { may } from '../state/roles'
import type { Command, Targets } from './target'

const free = (app: App, { machine, host }: Targets['machine']) =>
  machine.kind === 'vm' && host.online && !app.tasks.busy(about.machine(machine)) && app.backups.working(machine) === 0

/** The computers that may keep backups of another one's machines, those for storage first. */
export const places = (app: App, host: Host): Host[] =>
  app.hosts.list
    .filter((h) => h.online && h.id !== host.id && may(h, 'machines'))
    .sort((a, b) => Number(b.roles.includes('storage')) - Number(a.roles.includes('storage')) || a.name.localeCompare(b.name))

export const takeBackup: Command<'machine'> = {
  name: 'backup.take',
  label: 'verb.backUp',
  icon: DatabaseBackup,
  when: (app, target) => target.machine.state !== 'saved' && free(app, target),
  // Where there is a choice it is asked.
  do: (app, { machine, host }) => {
    if (places(app, host).length) app.dialog = { kind: 'back-up', machine }
    else void app.backups.take(machine, '')
  },
}

export const setSchedule: Command<'machine'> = {
  name: 'backup.schedule',
  label: 'verb.schedule',
  icon: CalendarClock,
  when: free,
  do: (app, { machine }) => (app.dialog = { kind: 'schedule', machine }),
}

/** What can be done with one backup, in the order of its menu. */
export const backupCommands: Command<'backup'>[] = [
  {
    name: 'backup.restore',
    label: 'verb.restore',
    icon: ArchiveRestore,
    when: free,
    do: (app, { machine, backup }) => (app.dialog = { kind: 'restore', machine, backup }),
  },
  {
    name: 'backup.verify',
    label: 'verb.verifyBackup',
    icon: ShieldCheck,
    when: free,
    do: (app, { machine, backup }) => void app.backups.verify(machine, backup),
  },
  {
    name: 'backup.remove',
    label: 'verb.removeBackup',
    icon: Trash2,
    danger: true,
    when: free,
    do: (app, { machine, backup }) =>
      app.confirm({
        title: ['confirm.removeBackup.title', { when: ago(backup.created) }],
        text: ['confirm.removeBackup', {}],
        verb: 'confirm.removeBackup.verb',
        do: () => void app.backups.remove(machine, backup),
      }),
  },
]

const freeKept = (app: App, { host }: Targets['kept']) => host.online && !app.tasks.busy(aboutKept(host))

/** What can be done with one backup that a computer keeps for another one. */
export const keptCommands: Command<'kept'>[] = [
  {
    name: 'kept.restore',
    label: 'verb.restore',
    icon: ArchiveRestore,
    when: freeKept,
    do: (app, { backup, kept, host }) => (app.dialog = { kind: 'restore-kept', kept, backup, keeper: host }),
  },
  {
    name: 'kept.verify',
    label: 'verb.verifyBackup',
    icon: ShieldCheck,
    when: freeKept,
    do: (app, { backup, kept, host }) => void app.backups.verifyKept(host, kept, backup),
  },
  {
    name: 'kept.remove',
    label: 'verb.removeBackup',
    icon: Trash2,
    danger: true,
    when: freeKept,
    do: (app, { backup, kept, host }) =>
      app.confirm({
        title: ['confirm.removeBackup.title', { when: ago(backup.created) }],
        text: ['confirm.removeKept', { name: kept.machine, host: kept.host, keeper: host.name }],
        verb: 'confirm.removeBackup.verb',
        do: () => void app.backups.removeKept(host, kept, backup),
      }),
  },
]
