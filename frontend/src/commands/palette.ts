import type { Component } from 'svelte'
import { i18n, t, type Key } from '../i18n/i18n.svelte'
import { isMac } from '../platform/platform'
import { title } from '../pages/machine/title'
import type { App } from '../state/app.svelte'
import { fetchImage } from './image'
import { machineCommands } from './machine'
import { hostCommands, screenCommands } from './others'
import { pageCommands } from './page'

export interface Entry {
  id: string
  group: Key
  label: string
  note: string
  icon: Component<{ size?: number; 'aria-hidden'?: 'true' }>
  /** The host's colour. */
  color?: number
  key?: string
  do(): void
}

const between = () => (i18n.language === 'zh' ? '' : ' ')

/** Everything that can be done now, from the one command table. */
export function palette(app: App): Entry[] {
  return [...machines(app), ...screens(app), ...hosts(app), ...page(app)]
}

function page(app: App): Entry[] {
  return pageCommands
    .filter((c) => c.name !== 'palette' && c.when(app, null))
    .map((c) => ({
      id: c.name, group: 'palette.commands', label: t(c.label), note: '', icon: c.icon,
      key: c.key?.replace('mod+', isMac() ? '⌘' : 'Ctrl ').toUpperCase(),
      do: () => c.do(app, null),
    }))
}

function machines(app: App): Entry[] {
  return app.hosts.list.flatMap((host) =>
    app.machines.of(host).flatMap((machine) =>
      machineCommands
        .filter((c) => c.when(app, { machine, host }))
        .map((c) => ({
          id: `${c.name}:${host.id}/${machine.name}`,
          group: 'palette.machines' as const,
          label: t(c.label).replace('…', '') + between() + title(machine, host),
          note: machine.kind === 'self' ? '' : [machine.originalName, host.name].filter(Boolean).join(' · '),
          icon: c.icon,
          color: host.color & 7,
          do: () => c.do(app, { machine, host }),
        })),
    ),
  )
}

function screens(app: App): Entry[] {
  return app.hosts.list.flatMap((host) =>
    app.screens.of(host).flatMap((screen) =>
      screenCommands
        .filter((c) => c.when(app, { screen, host }))
        .map((c) => ({
          id: `${c.name}:${host.id}/${screen.name}`,
          group: 'palette.running' as const,
          label: t(c.label) + between() + (screen.title || screen.name),
          note: host.name,
          icon: c.icon,
          color: host.color & 7,
          do: () => c.do(app, { screen, host }),
        })),
    ),
  )
}

function hosts(app: App): Entry[] {
  return app.hosts.list.flatMap((host) =>
    [...hostCommands, fetchImage]
      .filter((c) => c.when(app, host))
      .map((c) => ({
        id: `${c.name}:${host.id}`,
        group: 'palette.hosts' as const,
        label: t(c.label).replace('…', ''),
        note: host.name,
        icon: c.icon,
        color: host.color & 7,
        do: () => c.do(app, host),
      })),
  )
}

const LIMIT = 60

/** Entries with every word of the text; without a text one line per thing. */
export function find(entries: Entry[], text: string): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) {
    const brief = (e: Entry) => e.group === 'palette.commands' || /^(open|start|screen\.open|host\.show):/.test(e.id)
    return entries.filter(brief).slice(0, LIMIT)
  }
  const hay = (e: Entry) => `${e.label} ${e.note} ${e.id}`.toLowerCase()
  return entries.filter((e) => words.every((w) => hay(e).includes(w))).slice(0, LIMIT)
}
