import { tick } from 'svelte'
import type { Action } from 'svelte/action'
import { scrollerOf } from './virtual'

const kept = new Map<string, number>()

/** Leaves a page where it was scrolled to, for as long as the tab is open. */
export const keepScroll: Action<HTMLElement, string> = (node, key) => {
  const scroller = scrollerOf(node)
  const stop = new AbortController()
  const to = kept.get(key) ?? 0
  // The lists in the page measure themselves first, and have their height then.
  if (to > 0) void tick().then(tick).then(() => !stop.signal.aborted && (scroller.scrollTop = to))
  scroller.addEventListener('scroll', () => kept.set(key, scroller.scrollTop), { passive: true, signal: stop.signal })
  return { destroy: () => stop.abort() }
}
