import type { Machine } from '../../api/model'
import type { App } from '../../state/app.svelte'

/** Takes a page along when its machine moves to another computer: path gives its new one. */
export function follow(app: App, machine: () => Machine | undefined, path: (m: Machine) => string): void {
  let last: Machine | undefined
  $effect(() => {
    const now = machine()
    if (now) {
      last = now
      return
    }
    const there = last && app.machines.elsewhere(last)
    if (there) app.router.replace(path(there))
  })
}
