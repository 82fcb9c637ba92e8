import ArchiveRestore from '@lucide/svelte/icons/archive-restore'
import CalendarClock from '@lucide/svelte/icons/calendar-clock'
import DatabaseBackup from '@lucide/svelte/icons/database-backup'
import ShieldCheck from '@lucide/svelte/icons/shield-check'
import Trash2 from '@lucide/svelte/icons/trash-2'
import { ago } from '../i18n/format'
import { about, type App } from '../state/app.svelte'
import type { Command, Targets } from './target'

const free = (app: App, { machine, host }: Targets['machine']) =>
  machine.kind === 'vm' && host.online && !app.tasks.busy(about.machine(machine)) && app.backups.working(machine) === 0

export const takeBackup: Command<'machine'> = {
  name: 'backup.take',
  label: 'verb.backUp',
  icon: DatabaseBackup,
  when: (app, target) => target.machine.state !== 'saved' && free(app, target),
  do: (app, { machine }) => void app.backups.take(machine),
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
