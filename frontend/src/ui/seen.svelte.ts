import type { Attachment } from 'svelte/attachments'
import { scrollerOf } from './virtual'

/** What is drawn beyond the edges, so that it is there before it is seen. */
const MARGIN = 420

/** Which part of an element is seen in what scrolls it, in CSS pixels from its top. Without a layout, as in tests, all of it. */
export class Seen {
  from = $state(0)
  to = $state(Infinity)

  /** Whether something between two heights is near the part that is seen. */
  near(top: number, bottom: number): boolean {
    return bottom > this.from - MARGIN && top < this.to + MARGIN
  }

  readonly attach: Attachment<HTMLElement> = (node) => {
    const scroller = scrollerOf(node)
    const look = () => {
      if (node.clientWidth === 0) return
      const from = scroller.getBoundingClientRect().top - node.getBoundingClientRect().top
      // Coarse, so that a scroll of a few pixels changes nothing.
      this.from = Math.floor(from / 100) * 100
      this.to = Math.ceil((from + scroller.clientHeight) / 100) * 100
    }
    const sizes = new ResizeObserver(look)
    sizes.observe(node)
    sizes.observe(scroller)
    // What stands above may grow: then it moves without a scroll.
    for (const child of scroller.children) sizes.observe(child)
    scroller.addEventListener('scroll', look, { passive: true })
    look()
    return () => {
      sizes.disconnect()
      scroller.removeEventListener('scroll', look)
    }
  }
}
