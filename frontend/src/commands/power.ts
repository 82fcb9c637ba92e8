import AlarmClock from '@lucide/svelte/icons/alarm-clock'
import Moon from '@lucide/svelte/icons/moon'
import Power from '@lucide/svelte/icons/power'
import RotateCw from '@lucide/svelte/icons/rotate-cw'
import type { Host } from '../api/model'
import { i18n, t } from '../i18n/i18n.svelte'
import { about, type App } from '../state/app.svelte'
import type { PowerVerb } from '../state/computers.svelte'
import { can } from './can'
import type { Command } from './target'

/** What runs on a computer and ends, or stands still, with it. */
function running(app: App, host: Host): string[] {
  const machines = app.machines.of(host).filter((m) => m.kind === 'vm' && ['running', 'paused'].includes(m.state))
  return [...machines.map((m) => m.name), ...app.screens.of(host).filter((s) => s.kind === 'app').map((s) => s.title || s.name)]
}

/** How a computer comes back after a verb. */
function back(host: Host, verb: PowerVerb): string {
  if (host.local) return t('power.back.here')
  if (verb === 'reboot') return t('power.back.self')
  if (host.cards.length === 0) return t('power.back.hand')
  return t(host.cards.every((c) => c.wake === 'off') ? 'power.back.deaf' : 'power.back.wake')
}

function power(verb: PowerVerb, icon: Command<'machine'>['icon']): Command<'machine'> {
  return {
    name: 'power.' + verb,
    label: `power.${verb}`,
    icon,
    danger: verb !== 'sleep',
    when: (app, target) => target.machine.kind === 'self' && can(app, target, verb),
    do: (app, { machine, host }) => {
      const what = running(app, host)
      const list = new Intl.ListFormat(i18n.tag).format(what)
      app.confirm({
        title: [`confirm.${verb}.title`, { name: host.name }],
        text: [what.length ? `confirm.${verb}.some` : `confirm.${verb}.none`, { what: list, back: back(host, verb) }],
        verb: `confirm.${verb}.verb`,
        do: () => void app.computers.power(machine, host, verb),
      })
    },
  }
}

const wakeable = (app: App, host: Host) => !host.online && host.cards.length > 0 && !app.tasks.busy(about.host(host))

/** The power of a computer itself, and waking it: on its card and those of its machines. */
export const powerCommands: Command<'machine'>[] = [
  power('sleep', Moon),
  power('reboot', RotateCw),
  power('stop', Power),
  {
    name: 'wake',
    label: 'verb.wake',
    icon: AlarmClock,
    when: (app, { host }) => wakeable(app, host),
    do: (app, { host }) => void app.computers.wake(host),
  },
]

export const wakeHost: Command<'host'> = {
  name: 'host.wake',
  label: 'verb.wake',
  icon: AlarmClock,
  when: wakeable,
  do: (app, host) => void app.computers.wake(host),
}
