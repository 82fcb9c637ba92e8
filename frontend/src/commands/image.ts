import Boxes from '@lucide/svelte/icons/boxes'
import Download from '@lucide/svelte/icons/download'
import Trash2 from '@lucide/svelte/icons/trash-2'
import type { Command } from './target'

export const fetchImage: Command<'host'> = {
  name: 'image.fetch',
  label: 'verb.fetchImage',
  icon: Download,
  when: (_, h) => h.online,
  do: (app, host) => (app.dialog = { kind: 'fetch-image', host }),
}

/** What can be done with one image of a pool. */
export const imageCommands: Command<'image'>[] = [
  {
    name: 'image.deploy',
    label: 'verb.deploy',
    icon: Boxes,
    when: (_, { image, host }) => host.online && image.format !== '',
    do: (app, { image, host }) => (app.dialog = { kind: 'deploy-image', image, host }),
  },
  {
    name: 'image.remove',
    label: 'verb.removeImage',
    icon: Trash2,
    danger: true,
    when: (_, { image, host }) => host.online && image.usedBy.length === 0,
    do: (app, { image, host }) =>
      app.confirm({
        title: ['confirm.removeImage.title', { name: image.name }],
        text: ['confirm.removeImage', {}],
        verb: 'confirm.removeImage.verb',
        do: () => void app.removeImage(host, image),
      }),
  },
]
