import FileUp from '@lucide/svelte/icons/file-up'
import FolderPlus from '@lucide/svelte/icons/folder-plus'
import FolderSync from '@lucide/svelte/icons/folder-sync'
import History from '@lucide/svelte/icons/history'
import LayoutGrid from '@lucide/svelte/icons/layout-grid'
import Library from '@lucide/svelte/icons/library'
import Link from '@lucide/svelte/icons/link'
import Plus from '@lucide/svelte/icons/plus'
import Search from '@lucide/svelte/icons/search'
import Settings from '@lucide/svelte/icons/settings'
import SunMoon from '@lucide/svelte/icons/sun-moon'
import Waypoints from '@lucide/svelte/icons/waypoints'
import Cable from '@lucide/svelte/icons/cable'
import type { App } from '../state/app.svelte'
import { to } from '../state/router.svelte'
import type { Command } from './target'

const always = () => true

/** What can be done anywhere. */
export const pageCommands: Command<'page'>[] = [
  {
    name: 'palette',
    label: 'verb.palette',
    icon: Search,
    key: 'mod+k',
    when: always,
    do: (app) => (app.dialog = app.dialog?.kind === 'palette' ? null : { kind: 'palette' }),
  },
  {
    name: 'create',
    label: 'verb.create',
    icon: Plus,
    key: 'n',
    when: (app) => app.hosts.list.some((h) => h.online),
    do: (app) => (app.dialog = { kind: 'create', host: '' }),
  },
  {
    name: 'import',
    label: 'verb.import',
    icon: FileUp,
    when: (app) => app.hosts.list.some((h) => h.online),
    do: (app) => (app.dialog = { kind: 'import', host: '' }),
  },
  {
    name: 'pair',
    label: 'verb.pair',
    icon: Link,
    key: 'p',
    when: (app) => app.hosts.local !== undefined,
    do: (app) => (app.dialog = { kind: 'pair' }),
  },
  {
    name: 'folder.add',
    label: 'verb.addFolder',
    icon: FolderPlus,
    when: (app) => app.hosts.local !== undefined,
    do: (app) => (app.dialog = { kind: 'add-folder' }),
  },
  {
    name: 'tunnel.add',
    label: 'verb.addTunnel',
    icon: Cable,
    when: (app) => app.hosts.list.some((h) => !h.local),
    do: (app) => (app.dialog = { kind: 'add-tunnel', host: '' }),
  },
  go('library', 'verb.goLibrary', Library, '1', to.library()),
  go('apps', 'verb.goApps', LayoutGrid, '2', to.apps()),
  go('folders', 'verb.goFolders', FolderSync, '3', to.folders()),
  go('network', 'verb.goNetwork', Waypoints, '4', to.network()),
  go('activity', 'verb.goActivity', History, '5', to.activity()),
  go('settings', 'verb.goSettings', Settings, '6', to.settings()),
  {
    name: 'theme',
    label: 'verb.theme',
    icon: SunMoon,
    when: always,
    do: (app) => app.settings.setTheme(app.settings.dark ? 'light' : 'dark'),
  },
]

function go(name: string, label: Command<'page'>['label'], icon: Command<'page'>['icon'], key: string, path: string): Command<'page'> {
  return { name: 'go.' + name, label, icon, key, when: always, do: (app) => app.router.go(path) }
}

/** Runs the command of a key press, unless a person is typing. True when it did. */
export function pressed(app: App, e: KeyboardEvent): boolean {
  const mod = e.ctrlKey || e.metaKey
  const at = e.target as HTMLElement | null
  const typing = at?.closest?.('input, textarea, select, [contenteditable], canvas, [role="menu"]')
  for (const command of pageCommands) {
    if (!command.key || e.altKey) continue
    const [key, wantMod] = [command.key.replace('mod+', ''), command.key.startsWith('mod+')]
    if (e.key.toLowerCase() !== key || mod !== wantMod) continue
    if (!wantMod && (typing || app.dialog)) continue
    if (!command.when(app, null)) continue
    e.preventDefault()
    command.do(app, null)
    return true
  }
  return false
}
