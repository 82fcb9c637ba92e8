import Expand from '@lucide/svelte/icons/expand'
import Play from '@lucide/svelte/icons/play'
import Square from '@lucide/svelte/icons/square'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { App } from '../state/app.svelte'
import { aboutNet } from '../state/networks.svelte'
import type { Command, Targets } from './target'

const free = (app: App, { host }: Targets['network']) => host.online && !app.tasks.busy(aboutNet.networks(host.id))

/** What can be done with a network, in the order of its menu. */
export const networkCommands: Command<'network'>[] = [
  {
    name: 'network.start',
    label: 'verb.startNetwork',
    icon: Play,
    when: (app, target) => free(app, target) && !target.network.active,
    do: (app, { network, host }) => void app.networks.start(host.id, network.name),
  },
  {
    name: 'network.stop',
    label: 'verb.stopNetwork',
    icon: Square,
    when: (app, target) => free(app, target) && target.network.active,
    do: (app, { network, host }) =>
      app.confirm({
        title: ['confirm.stopNetwork.title', { name: network.name }],
        text: ['confirm.stopNetwork', {}],
        verb: 'confirm.stopNetwork.verb',
        do: () => void app.networks.stop(host.id, network.name),
      }),
  },
  {
    name: 'network.remove',
    label: 'verb.removeNetwork',
    icon: Trash2,
    danger: true,
    when: free,
    do: (app, { network, host }) =>
      app.confirm({
        title: ['confirm.removeNetwork.title', { name: network.name }],
        text: ['confirm.removeNetwork', { host: host.name }],
        verb: 'confirm.removeNetwork.verb',
        do: () => void app.networks.remove(host.id, network.name),
      }),
  },
]

/** What can be done with a volume. */
export const volumeCommands: Command<'volume'>[] = [
  {
    name: 'volume.grow',
    label: 'verb.growVolume',
    icon: Expand,
    when: (app, { volume, host }) =>
      host.online && ['qcow2', 'raw'].includes(volume.format) && volume.baseOf.length === 0 && !app.tasks.busy(aboutNet.pool(host.id, volume.pool)),
    do: (app, { volume, host }) => (app.dialog = { kind: 'volume', host, pool: volume.pool, volume }),
  },
  {
    name: 'volume.remove',
    label: 'verb.removeVolume',
    icon: Trash2,
    danger: true,
    when: (app, { volume, host }) =>
      host.online && volume.machines.length === 0 && volume.baseOf.length === 0 && !app.tasks.busy(aboutNet.pool(host.id, volume.pool)),
    do: (app, { volume, host }) =>
      app.confirm({
        title: ['confirm.removeVolume.title', { name: volume.name }],
        text: ['confirm.removeVolume', {}],
        verb: 'confirm.removeVolume.verb',
        do: () => void app.networks.removeVolume(host.id, volume),
      }),
  },
]
