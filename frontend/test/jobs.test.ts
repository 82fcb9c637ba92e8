import { fireEvent, render, screen as page } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Job, Machine } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const job = (more: Partial<Job> = {}): Job => ({
  id: 'J1', host: 'cloud', op: 'machine.create', name: 'web', made: '', started: new Date(1000), ended: null, error: '', rate: 0, left: 0,
  step: '', done: 1 << 30, total: 4 * (1 << 30), ...more,
})

describe('what takes long on a host', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })

  function open(more = {}) {
    history.replaceState(null, '', '/library')
    const { app, stream } = fakeApp(more)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return { app, stream }
  }

  it.each([
    ['en', '1 task running', 'Create web', 'on cloud', '25%', 'Cancel: Create web'],
    ['zh', '1 个任务进行中', '新建 web', '在 cloud 上', '25%', '取消：新建 web'],
  ] as const)('is listed with how far it is, and can be canceled (%s)', async (language, running, label, where, part, cancel) => {
    i18n.set(language)
    const cancelled: string[] = []
    const { stream } = open({ cancelJob: async (host: string, id: string) => void cancelled.push(host + ' ' + id) })
    stream.push({ kind: 'job', job: job() })
    await fireEvent.click(await page.findByRole('button', { name: running }))
    expect(page.getByText(label)).toBeTruthy()
    expect(page.getByText(where)).toBeTruthy()
    expect(page.getByText(part)).toBeTruthy()
    expect(page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25')
    await clean()
    await fireEvent.click(page.getByRole('button', { name: cancel }))
    expect(cancelled).toEqual(['id-cloud J1'])
    stream.push({ kind: 'job', job: job({ ended: new Date() }) })
    await vi.waitFor(() => expect(page.queryByText(label)).toBeNull())
  })

  it('names what is made of something', async () => {
    const { stream } = open()
    stream.push({ kind: 'job', job: job({ op: 'machine.clone', name: 'db', made: 'db-2' }) })
    await fireEvent.click(await page.findByRole('button', { name: '1 task running' }))
    expect(page.getByText('Clone db → db-2')).toBeTruthy()
    expect(page.getByRole('button', { name: 'Cancel: Clone db → db-2' })).toBeTruthy()
  })

  it('shows how far a task of this page is, once', async () => {
    let done = (_: Machine) => {}
    const { app, stream } = open({ createMachine: () => new Promise<Machine>((resolve) => (done = resolve)) })
    await page.findAllByText('build')
    const made = app.create('id-cloud', { name: 'web' } as never, null)
    stream.push({ kind: 'job', job: job({ step: 'copies the image' }) })
    await fireEvent.click(await page.findByRole('button', { name: '1 task running' }))
    await page.findByText(/copies the image/)
    expect(page.queryByText(/left/)).toBeNull()
    stream.push({ kind: 'job', job: job({ step: 'copies the image', rate: 9 << 20, left: 95 }) })
    await page.findByText('1.0 GiB of 4.0 GiB · 9.0 MiB/s · 95 s left')
    stream.push({ kind: 'job', job: job({ step: 'copies the image', rate: 9 << 20, left: 7150 }) })
    await page.findByText(/· 1 h 59 min left/)
    expect(page.getAllByText('Create web').length).toBe(1)
    done(machine('cloud', 'web', 'off'))
    await made
    stream.push({ kind: 'job', removed: false, job: job({ ended: new Date() }) } as never)
    await vi.waitFor(() => expect(page.queryByText('Create web')).toBeNull())
  })

  it('says when it could not be canceled, and forgets the jobs of a computer that is offline', async () => {
    const { stream } = open({
      cancelJob: async () => Promise.reject(new UiError({ op: 'job.cancel', cause: 'permission', hint: 'ask its owner' })),
    })
    stream.push({ kind: 'job', job: job({ op: 'something.new', total: 0 }) })
    stream.push({ kind: 'job', job: job({ id: 'J2', host: 'nas', name: 'old' }) })
    await fireEvent.click(await page.findByRole('button', { name: '1 task running' }))
    expect(page.getByText('Working on web')).toBeTruthy()
    expect(page.queryByRole('progressbar')).toBeNull()
    expect(page.queryByText('Create old')).toBeNull()
    await fireEvent.click(page.getByRole('button', { name: 'Cancel: Working on web' }))
    expect((await page.findByRole('alert')).textContent).toContain('sk its owner')
  })
})
