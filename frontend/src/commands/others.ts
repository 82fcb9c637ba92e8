import ExternalLink from '@lucide/svelte/icons/external-link'
import FolderMinus from '@lucide/svelte/icons/folder-minus'
import LayoutGrid from '@lucide/svelte/icons/layout-grid'
import Monitor from '@lucide/svelte/icons/monitor'
import Share2 from '@lucide/svelte/icons/share-2'
import Square from '@lucide/svelte/icons/square'
import AppWindow from '@lucide/svelte/icons/app-window'
import Unplug from '@lucide/svelte/icons/unplug'
import { about } from '../state/app.svelte'
import { to } from '../state/router.svelte'
import { wakeHost } from './power'
import type { Command } from './target'

export const hostCommands: Command<'host'>[] = [
  wakeHost,
  {
    name: 'host.show',
    label: 'verb.hostPage',
    icon: Monitor,
    when: (app, h) => app.router.path !== to.host(h.name),
    do: (app, h) => app.router.go(to.host(h.name)),
  },
  {
    name: 'host.apps',
    label: 'verb.hostApps',
    icon: LayoutGrid,
    when: (_, h) => h.online,
    do: (app, h) => app.router.go(to.apps(h.name)),
  },
  {
    name: 'host.forget',
    label: 'verb.forget',
    icon: Unplug,
    danger: true,
    when: (app, h) => !h.local && !app.tasks.busy(about.host(h)),
    do: (app, h) =>
      app.confirm({
        title: ['confirm.forget.title', { name: h.name }],
        text: [h.own ? 'confirm.forget.own' : 'confirm.forget', {}],
        verb: 'confirm.forget.verb',
        do: () => void app.forget(h),
      }),
  },
]

export const folderCommands: Command<'folder'>[] = [
  {
    name: 'folder.share',
    label: 'verb.share',
    icon: Share2,
    when: (_, { host }) => host.online,
    do: (app, { folder }) => (app.dialog = { kind: 'share', folder }),
  },
  {
    name: 'folder.remove',
    label: 'verb.removeFolder',
    icon: FolderMinus,
    danger: true,
    when: (_, { host }) => host.online,
    do: (app, { folder }) =>
      app.confirm({
        title: ['confirm.folder.title', { name: folder.name }],
        text: ['confirm.folder', {}],
        verb: 'confirm.folder.verb',
        do: () => void app.removeFolder(folder),
      }),
  },
]

export const screenCommands: Command<'screen'>[] = [
  {
    name: 'screen.open',
    label: 'verb.open',
    icon: AppWindow,
    when: (_, { host }) => host.online,
    do: (app, { screen, host }) => app.router.go(to.app(host.name, screen.name)),
  },
  {
    name: 'screen.window',
    label: 'verb.window',
    icon: ExternalLink,
    when: (_, { host }) => host.online,
    do: (app, { screen, host }) => void app.window(host, screen.name, screen.title || screen.name, about.screen(screen)),
  },
  {
    name: 'screen.end',
    label: 'verb.endApp',
    icon: Square,
    danger: true,
    when: (app, { screen, host }) => host.online && !app.tasks.busy(about.screen(screen)),
    do: (app, { screen }) => void app.end(screen),
  },
]
