import type { Machine } from '../../api/model'
import type { App } from '../../state/app.svelte'

/** Takes a page along when its machine moves to another computer: path gives its new one. Gives the machine where it is. */
export function follow(app: App, machine: () => Machine | undefined, path: (m: Machine) => string): () => Machine | undefined {
  let last: Machine | undefined
  const present = $derived.by(() => {
    const here = machine()
    if (here) last = here
    return here ?? (last && app.machines.elsewhere(last))
  })
  $effect(() => {
    if (present && !machine()) app.router.replace(path(present))
  })
  return () => present
}
