import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Stats as Sample } from '../src/api/model'
import { parseRoute, to } from '../src/state/router.svelte'
import { rates } from '../src/state/stats.svelte'
import { Thumbs } from '../src/state/thumbs.svelte'
import { fakeApp, fill, host, machine } from './fake'

let stop = () => {}
afterEach(() => stop())

function run(more = {}) {
  const made = fakeApp(more)
  stop = made.app.start()
  return made
}
const loaded = (app: { watch: { loaded: boolean } }) => vi.waitFor(() => expect(app.watch.loaded).toBe(true))

describe('watch', () => {
  it('shows what is now, then changes', async () => {
    const { app, stream } = run()
    fill(stream)
    await loaded(app)
    expect(app.hosts.list.map((h) => h.name)).toEqual(['laptop', 'cloud', 'nas'])
    const cloud = app.hosts.find('cloud')!
    expect(app.machines.of(app.hosts.local!).map((m) => m.name)).toEqual(['self', 'ipxe'])
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off') })
    await vi.waitFor(() => expect(app.machines.find('id-cloud', 'build')?.state).toBe('off'))
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off') }, { removed: true })
    await vi.waitFor(() => expect(app.machines.of(cloud)).toEqual([]))
    stream.push({ kind: 'host', host: cloud }, { removed: true })
    await vi.waitFor(() => expect(app.hosts.find('cloud')).toBeUndefined())
  })

  it('watches anew after a gap, drops what is gone, keeps machines of offline hosts', async () => {
    const { app, stream } = run()
    fill(stream)
    await loaded(app)
    stream.push({ kind: 'machine', machine: machine('laptop', 'late', 'off') }, { seq: 99 })
    await vi.waitFor(() => expect(stream.opened).toBe(2))
    expect(app.machines.find('laptop', 'late')).toBeUndefined()
    stream.push({ kind: 'host', host: host('laptop', { local: true }) }, { seq: 1 })
    stream.push({ kind: 'host', host: host('nas', { online: false }) })
    stream.push({ kind: 'machine', machine: machine('laptop', 'self', 'running') })
    stream.push({ kind: 'ready' })
    await vi.waitFor(() => expect(app.hosts.list.map((h) => h.name)).toEqual(['laptop', 'nas']))
    expect(app.machines.all.map((m) => m.name).sort()).toEqual(['media', 'self'])
    expect(app.screens.all).toEqual([])
  })

  it('holds no stream while nobody sees the page, and shows what it knew meanwhile', async () => {
    const { app, stream } = run()
    fill(stream)
    await loaded(app)
    const listening = () => stream.listeners
    expect(listening()).toBe(1)
    window.dispatchEvent(new Event('pagehide'))
    await vi.waitFor(() => expect(listening()).toBe(0))
    expect([app.watch.state, app.watch.error, app.hosts.list.length]).toEqual(['live', null, 3])
    window.dispatchEvent(new Event('pageshow'))
    await vi.waitFor(() => expect(stream.opened).toBe(2))
    fill(stream)

    vi.useFakeTimers()
    const shown = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden')
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(5_000)
    expect(listening()).toBe(1)
    await vi.advanceTimersByTimeAsync(6_000)
    expect(listening()).toBe(0)
    shown.mockReturnValue('visible')
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(0)
    expect([listening(), stream.opened, app.watch.state]).toEqual([1, 3, 'live'])
    vi.useRealTimers()
    shown.mockRestore()
  })

  it('tells that the node is away and comes back', async () => {
    const { app, stream } = run()
    fill(stream)
    await loaded(app)
    stream.end(new UiError({ cause: 'offline' }))
    await vi.waitFor(() => expect(app.watch.state).toBe('offline'))
    expect(app.hosts.list.length).toBe(3)
    fill(stream)
    app.watch.again()
    await vi.waitFor(() => expect(app.watch.state).toBe('live'))
  })
})

describe('tasks', () => {
  it('keep an error where it happened until it is dismissed', async () => {
    const { app } = run({ doMachine: () => Promise.reject(new UiError({ cause: 'busy', hint: 'wait' })) })
    const m = machine('laptop', 'ipxe', 'off')
    await app.do(m, 'start')
    const task = app.tasks.errorOf('machine:laptop/ipxe')
    expect(task?.error?.hint).toBe('wait')
    app.tasks.dismiss(task!)
    expect(app.tasks.list).toEqual([])
  })
  it('can be cancelled', async () => {
    const { app } = run({
      join: (_: string, __: string, ___: string[], signal: AbortSignal) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(new UiError({}, { cancelled: true })))),
    })
    const joined = app.join('4711-a-b-c', '', [])
    app.tasks.running[0]!.cancel()
    expect(await joined).toBeUndefined()
    expect(app.tasks.list).toEqual([])
  })
})

describe('stats', () => {
  const at = (time: number, cpuSeconds: number, more: Partial<Sample> = {}): Sample => ({
    name: 'm', time, cpuSeconds, cpus: 2, memoryUsedBytes: 5, memoryBytes: 9, diskReadBytes: 0, diskWriteBytes: 0, netInBytes: 0,
    netOutBytes: 0, load: 0, ...more,
  })
  it('gives rates', () => {
    expect(rates(at(0, 1), at(2000, 2, { netInBytes: 400 }))).toMatchObject({ cpu: 0.25, netIn: 200, memoryBytes: 5 })
  })
  it('has a gap at first, after a restart and after a pause', () => {
    expect(rates(undefined, at(1000, 1)).cpu).toBeNull()
    expect(rates(at(0, 9), at(2000, 1)).cpu).toBeNull()
    expect(rates(at(0, 1), at(60_000, 2)).cpu).toBeNull()
  })
})

it('takes the picture of a paused machine once, until something happens to it', async () => {
  vi.useFakeTimers()
  try {
    const asked: string[] = []
    const urls: string[] = []
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => (urls.push('x'), `blob:${urls.length}`), revokeObjectURL: () => {} }))
    const thumbs = new Thumbs({ screenshot: async (_: string, name: string) => (asked.push(name), new Uint8Array(1)) })
    let now = machine('cloud', 'build', 'paused')
    const end = thumbs.follow('k', 'id', () => now)
    await vi.advanceTimersByTimeAsync(60_000)
    expect([asked, thumbs.of('k')]).toEqual([['build'], 'blob:1'])
    end()
    thumbs.follow('k', 'id', () => now)() // it is scrolled by
    const again = thumbs.follow('k', 'id', () => now)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asked.length).toBe(1)
    now = machine('cloud', 'build', 'running')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(asked.length).toBe(3)
    now = machine('cloud', 'build', 'paused')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(asked.length).toBe(4)
    now = machine('cloud', 'build', 'off')
    await vi.advanceTimersByTimeAsync(60_000)
    expect([asked.length, thumbs.of('k')]).toEqual([4, 'blob:4']) // the last one is kept
    again()
  } finally {
    vi.useRealTimers()
  }
})

it('reads its own addresses', () => {
  expect(parseRoute('/')).toEqual({ page: 'library' })
  expect(parseRoute(to.machine('my nas', 'win11'))).toEqual({ page: 'machine', host: 'my nas', name: 'win11' })
  expect(parseRoute(to.app('cloud', 'self/xterm-1'))).toEqual({ page: 'screen', host: 'cloud', screen: 'self/xterm-1', bare: false })
  expect(parseRoute('/screen/cloud/build')).toEqual({ page: 'screen', host: 'cloud', screen: 'build', bare: true })
  expect(parseRoute(to.host('nas'))).toEqual({ page: 'host', host: 'nas' })
  expect(parseRoute('/apps')).toEqual({ page: 'apps', host: '' })
  for (const bad of ['/machine/a', '/screen/a/b/c/d', '/what', '/host/a/b', '/machine/%zz']) expect(parseRoute(bad).page).toBe('lost')
})
