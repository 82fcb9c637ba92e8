import { cleanup, configure } from '@testing-library/svelte'
import { afterEach, vi } from 'vitest'

// What jsdom lacks and the page asks for as it loads.
class Observer {
  observe() {}
  disconnect() {}
}
vi.stubGlobal('ResizeObserver', Observer)
vi.stubGlobal('IntersectionObserver', Observer)
vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }))
HTMLCanvasElement.prototype.getContext = () => null

// uPlot draws on a canvas at once.
vi.mock('uplot', () => ({
  default: class {
    setData() {}
    setSize() {}
    destroy() {}
  },
}))

// A busy computer takes its time.
configure({ asyncUtilTimeout: 5000 })

afterEach(cleanup)
