/** What a drop needs of a view. */
export interface DropSink {
  /** Whether files would go to the host now. */
  active(): boolean
  /** Moves the pointer to a place of the client area: a drag moves it only here. */
  point(x: number, y: number): void
  drop(data: DataTransfer): void
}

/** Takes files that are dropped onto an element. Returns the way to end it. */
export function attachDrop(el: HTMLElement, sink: DropSink): () => void {
  const stop = new AbortController()
  const takes = (e: DragEvent) => sink.active() && has(e)
  el.addEventListener(
    'dragover',
    (e) => {
      if (takes(e)) e.dataTransfer!.dropEffect = 'copy'
    },
    { signal: stop.signal },
  )
  el.addEventListener(
    'drop',
    (e) => {
      if (!takes(e)) return
      sink.point(e.clientX, e.clientY)
      sink.drop(e.dataTransfer!)
    },
    { signal: stop.signal },
  )
  // A browser would leave the page for a file that is dropped anywhere on it.
  const stay = (e: DragEvent) => has(e) && e.preventDefault()
  window.addEventListener('dragover', stay, { signal: stop.signal })
  window.addEventListener('drop', stay, { signal: stop.signal })
  return () => stop.abort()
}

const has = (e: DragEvent): boolean => e.dataTransfer?.types.includes('Files') ?? false
