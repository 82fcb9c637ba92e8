import type { Attachment } from 'svelte/attachments'
import type { Host } from '../api/model'
import type { App } from '../state/app.svelte'

/** Whether the card that is being dragged may be dropped on a computer. */
export function takes(app: App, host: Host): boolean {
  const m = app.dragged
  return m !== null && host.online && app.machines.hostOf(m)?.id !== host.id
}

/** Makes an element a place of a computer where a card can be dropped; data-drop says that one is over it. */
export const dropMachine = (app: App, host: () => Host): Attachment<HTMLElement> => (node) => {
  const stop = new AbortController()
  /** Elements in it that the pointer entered and did not leave. */
  let inside = 0
  const out = () => {
    inside = 0
    delete node.dataset.drop
  }
  const on = (type: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (e: DragEvent) => void) =>
    node.addEventListener(type, (e) => takes(app, host()) && (e.preventDefault(), act(e)), { signal: stop.signal })
  on('dragenter', () => (inside++, (node.dataset.drop = 'over')))
  on('dragover', (e) => e.dataTransfer && (e.dataTransfer.dropEffect = 'move'))
  on('dragleave', () => --inside <= 0 && out())
  on('drop', () => {
    out()
    app.dialog = { kind: 'bring', machine: app.dragged!, to: host() }
    app.dragged = null
  })
  // A drag that ended elsewhere leaves nothing behind.
  addEventListener('dragend', out, { signal: stop.signal })
  return () => stop.abort()
}
