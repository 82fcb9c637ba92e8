import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { History, MeterPoint } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { join, Meters } from '../src/state/meters.svelte'
import { Stats } from '../src/state/stats.svelte'
import { clean } from './clean'
import { fakeApp, fill } from './fake'

const flat = (n: number) => ({ min: n, avg: n, max: n })
const measured = (at: number, cpu: number, samples = 1): MeterPoint => ({
  at, samples, cpu: flat(cpu), memory: flat(1 << 20), diskRead: flat(0), diskWrite: flat(1024), netIn: null, netOut: null,
})
const now = () => Math.floor(Date.now() / 1000)

/** A stream of measurements that a test feeds, and that says when it is left. */
class Live {
  private queue: Array<MeterPoint | UiError> = []
  private wake = () => {}
  opened = 0
  left = 0
  push(p: MeterPoint | UiError): void {
    this.queue.push(p)
    this.wake()
  }
  async *watch(signal: AbortSignal): AsyncIterable<MeterPoint> {
    this.opened++
    signal.addEventListener('abort', () => this.wake())
    try {
      while (!signal.aborted) {
        const next = this.queue.shift()
        if (next === undefined) await new Promise<void>((r) => (this.wake = r))
        else if (next instanceof UiError) throw next
        else yield next
      }
    } finally {
      this.left++
    }
  }
}

describe('steps', () => {
  it('join by how many measurements they stand for', () => {
    const both = join(measured(10, 0.2, 3), { ...measured(11, 0.6), memory: null })
    expect(both).toMatchObject({ at: 10, samples: 4, memory: flat(1 << 20), netIn: null })
    expect(both.cpu!.avg).toBeCloseTo(0.3)
    expect([both.cpu!.min, both.cpu!.max]).toEqual([0.2, 0.6])
  })
})

describe('a series', () => {
  const history = (stepSeconds: number, ...points: MeterPoint[]): History => ({ stepSeconds, points, always: false })

  it('goes on live from the history, and has gaps where nothing was measured', async () => {
    const live = new Live()
    const at = now()
    const api = { history: async () => history(1, measured(at - 5, 0.1), measured(at - 4, 0.2)), measured: (_: string, __: string, s: AbortSignal) => live.watch(s) }
    const { series, close } = new Meters(api).look('h', 'm', 'm5')
    await vi.waitFor(() => expect(live.opened).toBe(1))
    live.push(measured(at - 4, 0.9)) // the history has it
    live.push(measured(at + 1, 0.5))
    await vi.waitFor(() => expect(series.steps.at(-1)!.point?.cpu?.avg).toBe(0.5))
    const tail = series.steps.filter((s) => s.at >= at - 5).map((s) => s.point?.cpu?.avg ?? null)
    expect(tail).toEqual([0.1, 0.2, null, null, null, null, 0.5])
    expect(series.steps.length).toBe(301)
    close()
    await vi.waitFor(() => expect(live.left).toBe(1))
  })

  it('goes by the clock of the computer that is measured', async () => {
    const live = new Live()
    const asked: number[] = []
    const api = {
      history: async (_: string, __: string, ___: number, to: number) => {
        asked.push(to / 1000)
        return history(1)
      },
      measured: (_: string, __: string, s: AbortSignal) => live.watch(s),
    }
    const { series, close } = new Meters(api).look('h', 'm', 'm5')
    await vi.waitFor(() => expect(live.opened).toBe(1))
    const there = now() - 3600
    live.push(measured(there, 0.5))
    await vi.waitFor(() => expect(series.steps.at(-1)!.point?.cpu?.avg).toBe(0.5))
    expect(asked.length).toBe(2)
    expect(Math.abs(asked[1]! - there)).toBeLessThan(5)
    close()
  })

  it('folds what comes live into long steps', async () => {
    const live = new Live()
    vi.useFakeTimers({ toFake: ['Date'], now: 300_000 * 6_000_000 }) // a step begins
    const at = now()
    const api = { history: async () => history(300), measured: (_: string, __: string, s: AbortSignal) => live.watch(s) }
    const { series, close } = new Meters(api).look('h', 'm', 'd1')
    await vi.waitFor(() => expect(series.loaded).toBe(true))
    live.push(measured(at + 1, 0.2))
    live.push(measured(at + 2, 0.4))
    await vi.waitFor(() => expect(series.steps.at(-1)!.point?.samples).toBe(2))
    expect(series.steps.at(-1)!.point!.cpu!.avg).toBeCloseTo(0.3)
    expect(series.steps.length).toBe(289)
    close()
    vi.useRealTimers()
  })

  it('asks nothing while the tab is hidden, and anew when it is seen', async () => {
    const live = new Live()
    const api = { history: vi.fn(async () => history(1)), measured: (_: string, __: string, s: AbortSignal) => live.watch(s) }
    const shown = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    const { series, close } = new Meters(api).look('h', 'm', 'm5')
    expect(api.history).not.toHaveBeenCalled()
    shown.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.waitFor(() => expect(series.loaded && live.opened).toBe(1))
    shown.mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.waitFor(() => expect(live.left).toBe(1))
    close()
    shown.mockRestore()
  })

  it('tries again after a break, but not what cannot be', async () => {
    vi.useFakeTimers()
    try {
      const api = {
        history: vi.fn().mockRejectedValueOnce(new UiError({ cause: 'offline' })).mockRejectedValue(new UiError({ cause: 'unsupported' })),
        measured: async function* () {},
      }
      const meters = new Meters(api)
      const { series } = meters.look('h', 'm', 'm5')
      await vi.advanceTimersByTimeAsync(0)
      expect(series.error?.cause).toBe('offline')
      await vi.advanceTimersByTimeAsync(5000)
      expect(series.error?.cause).toBe('unsupported')
      await vi.advanceTimersByTimeAsync(60_000)
      expect(api.history).toHaveBeenCalledTimes(2)
      meters.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('samples of the library', () => {
  it('are asked for at one pace however many cards look, and not after the end', async () => {
    vi.useFakeTimers()
    try {
      const asked = vi.fn(async () => [])
      const stats = new Stats({ stats: asked })
      const ends = Array.from({ length: 30 }, () => stats.follow('h', 5000))
      await vi.advanceTimersByTimeAsync(1)
      expect(asked).toHaveBeenCalledTimes(1)
      ends.forEach((end) => end())
      const again = stats.follow('h', 5000) // the next cards scroll in
      await vi.advanceTimersByTimeAsync(4000)
      expect(asked).toHaveBeenCalledTimes(1)
      await vi.advanceTimersByTimeAsync(10_000)
      expect(asked).toHaveBeenCalledTimes(3)
      again()
      await vi.advanceTimersByTimeAsync(20_000)
      expect(asked).toHaveBeenCalledTimes(3)
      stats.follow('h', 5000)
      stats.close()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('statistics on the page of a machine', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })
  async function open(path: string, more = {}): Promise<HTMLElement> {
    history.replaceState(null, '', path)
    const { app, stream } = fakeApp(more)
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return page.findByTestId('stats')
  }

  it.each([
    ['en', 'CPU over the last 5 min: 50%', '50% (up to 50%)', 'not measured', '1 h', /CPU over the last 1 h/, 'Always measure the machines of laptop'],
    ['zh', '最近 5 分钟的CPU：50%', '50%（最高 50%）', '未测量', '1 小时', /最近 1 小时的CPU/, '始终测量 laptop 上的机器'],
  ] as const)('are drawn, and told in a table (%s)', async (language, figure, cell, none, hour, hourly, always) => {
    i18n.set(language)
    const live = new Live()
    const asked: number[] = []
    const kept: boolean[] = []
    const part = await open('/machine/laptop/self', {
      history: async (_: string, machine: string, from: number, to: number, points: number) => {
        asked.push(Math.round((to - from) / 60_000))
        return { stepSeconds: points === 300 ? 1 : 15, always: false, points: machine === 'self' ? [measured(now() - (now() % 15), 0.5)] : [] }
      },
      measured: (_: string, __: string, s: AbortSignal) => live.watch(s),
      measureAlways: async (_: string, on: boolean) => void kept.push(on),
    })
    await within(part).findByRole('figure', { name: figure })
    expect(within(part).getAllByRole('figure').length).toBe(4)
    const table = within(part).getByRole('table')
    expect(within(table).getAllByRole('row').length).toBe(11)
    expect(within(table).getByText(cell)).toBeTruthy()
    expect(within(table).getAllByText(none).length).toBeGreaterThan(9 * 6)
    await clean()
    await fireEvent.click(within(part).getByRole('radio', { name: hour }))
    await within(part).findByRole('figure', { name: hourly })
    expect(asked).toEqual([5, 60])
    expect(live.left).toBe(1)
    await fireEvent.click(within(part).getByRole('checkbox', { name: new RegExp(always) }))
    await vi.waitFor(() => expect(kept).toEqual([true]))
  })

  it('say that there is nothing, and what is wrong', async () => {
    let broken = true
    const part = await open('/machine/laptop/ipxe', {
      history: async () => {
        if (broken) throw new UiError({ op: 'meter.history', cause: 'unsupported', hint: 'update Hither there' })
        return { stepSeconds: 1, points: [], always: true }
      },
      measured: (_: string, __: string, s: AbortSignal) => new Live().watch(s),
    })
    const alert = await within(part).findByRole('alert')
    expect(alert.textContent).toMatch(/pdate Hither there/)
    broken = false
    await fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }))
    await within(part).findByText(/Nothing was measured/)
    expect(within(part).getByRole<HTMLInputElement>('checkbox').checked).toBe(true)
    await clean()
  })

  it('wait for a computer that is offline', async () => {
    const part = await open('/machine/nas/media')
    expect(part.textContent).toMatch(/Shown when nas is online/)
  })
})
