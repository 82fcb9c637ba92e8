import { cleanup, configure } from '@testing-library/svelte'
import { afterEach, vi } from 'vitest'

// What jsdom lacks and the page asks for as it loads.
class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal('ResizeObserver', Observer)
vi.stubGlobal('IntersectionObserver', Observer)
vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }))
// Tests that open the page in Chromium have no document of their own.
if (typeof HTMLCanvasElement !== 'undefined') HTMLCanvasElement.prototype.getContext = () => null

// uPlot draws on a canvas at once.
vi.mock('uplot', () => ({
  default: class {
    setData() {}
    setSize() {}
    destroy() {}
  },
}))

// A computer that is busy may take longer than a second to draw.
configure({ asyncUtilTimeout: 20_000 })

afterEach(cleanup)
