import { innerWidth } from 'svelte/reactivity/window'

/** Whether the window is as narrow as a phone: Tailwind's max-md, and max-sm where cards are rows. */
export const phone = {
  get current(): boolean {
    return (innerWidth.current ?? 1280) < 768
  },
  get rows(): boolean {
    return (innerWidth.current ?? 1280) < 640
  },
}
