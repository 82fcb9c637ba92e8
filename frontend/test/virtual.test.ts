import { fireEvent, render, screen as page } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import Shell from '../src/Shell.svelte'
import { columnsFor, heightOf, rowAt, rowsBetween, rowsOf, topOf, type Layout } from '../src/ui/virtual'
import { fakeApp, host, machine, type Stream } from './fake'

const layout = (more: Partial<Layout> = {}): Layout => ({ count: 1001, columns: 4, height: 250, gap: 16, extra: new Map(), ...more })

describe('where things stand', () => {
  it('columns share the width', () => {
    expect([0, 227, 228, 471, 472, 1000].map((w) => columnsFor(w, 228, 16))).toEqual([1, 1, 1, 1, 2, 4])
    expect(columnsFor(900, 0, 0)).toBe(1)
  })
  it('rows follow each other', () => {
    const l = layout()
    expect([rowsOf(l), topOf(l, 0), topOf(l, 10), heightOf(l)]).toEqual([251, 0, 2660, 251 * 266 - 16])
    expect(heightOf(layout({ count: 0 }))).toBe(0)
  })
  it('taller rows push down what is below them', () => {
    const l = layout({ extra: new Map([[3, 40], [100, 10]]) })
    expect([topOf(l, 3), topOf(l, 4), topOf(l, 101)]).toEqual([798, 1064 + 40, 101 * 266 + 50])
    expect([rowAt(l, 1063), rowAt(l, 1088), rowAt(l, 1103)]).toEqual([3, 4, 4])
  })
  it('gives the rows between two heights', () => {
    const l = layout()
    expect(rowsBetween(l, -500, 1)).toEqual([0, 1])
    expect(rowsBetween(l, 0, 800)).toEqual([0, 4])
    expect(rowsBetween(l, 249, 267)).toEqual([0, 2])
    expect(rowsBetween(l, 250, 266)).toEqual([1, 1]) // the gap
    expect(rowsBetween(l, 1e9, 2e9)).toEqual([251, 251])
    expect(rowsBetween(l, -900, -800)).toEqual([0, 0])
    for (let y = -300; y < heightOf(l) + 300; y += 97) {
      const [first, end] = rowsBetween(l, y, y + 800)
      for (let r = first; r < end; r++) expect(topOf(l, r) < y + 800 && topOf(l, r) + l.height > y).toBe(true)
      if (first > 0) expect(topOf(l, first - 1) + l.height).toBeLessThanOrEqual(y)
      if (end < rowsOf(l)) expect(topOf(l, end)).toBeGreaterThanOrEqual(y + 800)
    }
  })
})

describe('a library of a thousand machines', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    vi.restoreAllMocks()
  })
  const many = (stream: Stream) => {
    stream.push({ kind: 'host', host: host('laptop', { local: true, color: 0 }) })
    stream.push({ kind: 'machine', machine: machine('laptop', 'self', 'running') })
    for (let i = 0; i < 1000; i++) stream.push({ kind: 'machine', machine: machine('laptop', 'm-' + String(i).padStart(4, '0'), 'off') })
    stream.push({ kind: 'ready' })
  }
  async function open(width: number) {
    // jsdom has no layout: the list is so wide and the window 800 high.
    vi.spyOn(HTMLElement.prototype, 'clientWidth', 'get').mockReturnValue(width)
    vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(800)
    history.replaceState(null, '', '/library')
    const { app, stream } = fakeApp()
    stop = app.start()
    render(Shell, { app })
    many(stream)
    await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
    await page.findByRole('article', { name: 'm-0000' })
    return { app, stream }
  }

  it('has only some cards in the document, each with its place', async () => {
    await open(1000)
    const items = [...document.querySelectorAll<HTMLElement>('main li[data-index]')]
    expect(items.length).toBeLessThan(60)
    expect(items[1]!.getAttribute('aria-posinset')).toBe('2')
    expect(new Set(items.map((li) => li.getAttribute('aria-setsize')))).toEqual(new Set(['1001']))
  })

  it('goes by key to the last card and back, and the focus stays in the document', async () => {
    Element.prototype.scrollIntoView = vi.fn()
    await open(1000)
    page.getByRole('article', { name: 'm-0000' }).querySelector<HTMLElement>('button:not([tabindex="-1"])')!.focus()
    const focused = () => document.activeElement?.closest('article')?.dataset.machine
    const press = (key: string) => fireEvent.keyDown(document.activeElement!, { key })
    await press('ArrowRight')
    await vi.waitFor(() => expect(focused()).toBe('m-0001'))
    await press('ArrowDown')
    await vi.waitFor(() => expect(focused()).toBe('m-0005'))
    await press('End')
    await vi.waitFor(() => expect(focused()).toBe('m-0999'))
    // The one before it is there too, for Tab.
    expect(page.getByRole('article', { name: 'm-0998' })).toBeTruthy()
    await press('Home')
    await vi.waitFor(() => expect(focused()).toBe('self'))
    await press('ArrowUp')
    expect(focused()).toBe('self')
  })

  it('makes the cards of a row as high as its tallest, until that is lower', async () => {
    type Told = (entries: unknown[]) => void
    const watched = new Map<Element, Told>()
    class Observer {
      constructor(private readonly told: Told) {}
      observe(node: Element) {
        watched.set(node, this.told)
      }
      unobserve() {}
      disconnect() {}
    }
    const before = globalThis.ResizeObserver
    vi.stubGlobal('ResizeObserver', Observer)
    try {
      await open(1000)
      const li = (name: string) => page.getByRole('article', { name }).closest('li')!
      const become = (heights: Record<string, number>) => {
        const entries = Object.entries(heights).map(([name, h]) => ({ target: li(name), borderBoxSize: [{ blockSize: h }] }))
        watched.get(entries[0]!.target)!(entries)
      }
      const least = () => ['m-0000', 'm-0001', 'm-0002', 'm-0003'].map((name) => li(name).style.minHeight)
      become({ 'm-0000': 300, 'm-0001': 300, 'm-0003': 300 })
      await vi.waitFor(() => expect(least()).toEqual(['300px', '300px', '300px', '300px']))
      const top = parseFloat(li('m-0003').style.top)
      become({ 'm-0000': 380 }) // an error is shown
      await vi.waitFor(() => expect(least()).toEqual(['300px', '380px', '380px', '300px']))
      expect(parseFloat(li('m-0003').style.top)).toBe(top + 80)
      become({ 'm-0001': 380, 'm-0002': 420 }) // one is stretched, another has an error too
      await vi.waitFor(() => expect(least()).toEqual(['420px', '420px', '300px', '300px']))
      become({ 'm-0002': 300 }) // it is dismissed
      await vi.waitFor(() => expect(least()).toEqual(['300px', '380px', '380px', '300px']))
      become({ 'm-0000': 300 })
      await vi.waitFor(() => expect(least()).toEqual(['300px', '300px', '300px', '300px']))
      expect(parseFloat(li('m-0003').style.top)).toBe(top)
    } finally {
      vi.stubGlobal('ResizeObserver', before)
    }
  })

  it('draws a burst of events once', async () => {
    const { app, stream } = await open(1000)
    for (let i = 0; i < 1000; i++) stream.push({ kind: 'machine', machine: machine('laptop', 'm-' + String(i).padStart(4, '0'), 'running') })
    const apply = vi.spyOn(app.machines, 'apply')
    await vi.waitFor(() => expect(app.machines.find('laptop', 'm-0999')?.state).toBe('running'))
    expect(apply).toHaveBeenCalledTimes(1000)
    await vi.waitFor(() => expect(page.getByRole('article', { name: 'm-0000' }).dataset.state).toBe('running'))
  })
})
