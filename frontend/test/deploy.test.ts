import { Code, ConnectError } from '@connectrpc/connect'
import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import { ErrorSchema } from '../src/api/gen/hither/v1/node_pb'
import type { Image, Job } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { namesOn } from '../src/state/deploy.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const image = (more: Partial<Image> = {}): Image => ({
  name: 'debian-13', format: 'qcow2', bytes: 1, diskBytes: 1, sum: 'sha256:aa', source: 'https://example.org/d.qcow2', user: 'debian', added: null, usedBy: [], ...more,
})
const job = (owner: string, op: string, name: string, done = 0): Job => ({
  id: `${owner}-${op}-${name}`, host: owner, op, name, made: '', started: new Date(), ended: null, error: '', step: 'downloads the image', done, total: 100, rate: 0, left: 0,
})

describe('a deployment', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })
  function open(more = {}, path = '/library') {
    history.replaceState(null, '', path)
    const { app, stream } = fakeApp({
      place: async () => ({ host: '', id: '', candidates: [{ host: 'cloud', id: 'id-cloud', roles: [], fits: true, why: '', hasImage: false, resources: { cpus: 4, freeBytes: 1.5 * 2 ** 30, poolBytes: 2.5 * 2 ** 30, accelerator: 'kvm', firmwares: ['bios'], tpm: false } }] }),
      images: async () => [image()],
      ...more,
    })
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return { app, stream }
  }
  const pick = async (more: string, item: string) => {
    await fireEvent.click(await page.findByRole('button', { name: more }))
    await fireEvent.click(await page.findByRole('menuitem', { name: item }))
    return page.getByRole('dialog')
  }
  const tick = (dialog: HTMLElement, name: RegExp) => fireEvent.click(within(dialog).getByRole('checkbox', { name }))
  const part = (name: string) => document.querySelector<HTMLElement>(`[data-part=${name}]`)!

  it('names its machines as package fusion does', () => {
    expect([namesOn({ prefix: 'web', count: 2 }, 0), namesOn({ prefix: 'web', count: 2 }, 1)]).toEqual([['web-1', 'web-2'], ['web-3', 'web-4']])
  })

  it.each([
    ['en', 'More for ipxe', 'Deploy…', 'Deploy', 'Machines on each', 'Choose at least one computer.', 'Start them when they are made', '1.5 GiB memory and 2.5 GiB disk free', 'offline', 'Every computer has its machines.'],
    ['zh', 'ipxe 的更多操作', '部署…', '部署', '每台电脑的数量', '请至少选择一台电脑。', '创建后立即启动', '剩余内存 1.5 GiB，磁盘 2.5 GiB', '离线', '所有电脑均已完成。'],
  ] as const)('of a machine goes to the computers that are ticked (%s)', async (language, more, item, go, count, choose, start, free, offline, done) => {
    i18n.set(language)
    const asked: unknown[] = []
    let end = () => {}
    const { app, stream } = open({
      deployMachine: async (...args: unknown[]) => {
        asked.push(args)
        await new Promise<void>((resolve) => (end = resolve))
        return []
      },
    })
    const dialog = await pick(more, item)
    await within(dialog).findByText(free)
    within(dialog).getByText(offline)
    expect(within(dialog).getByRole<HTMLInputElement>('checkbox', { name: /nas/ }).disabled).toBe(true)
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: go }))
    within(dialog).getByText(choose)
    expect(asked).toEqual([])
    await tick(dialog, /^cloud/)
    await tick(dialog, /^laptop/)
    await fireEvent.input(within(dialog).getByLabelText(count), { target: { value: '2' } })
    await fireEvent.click(within(dialog).getByLabelText(start))
    within(dialog).getByText(/ipxe-base/)
    await fireEvent.click(within(dialog).getByRole('button', { name: go }))
    const spec = { to: ['id-laptop', 'id-cloud'], count: 2, prefix: 'ipxe', start: true }
    expect(asked).toEqual([['id-laptop', 'ipxe', spec, expect.stringMatching(/^[\w-]{36}$/)]])

    stream.push({ kind: 'job', job: job('cloud', 'machine.import', 'ipxe-base', 40) })
    await within(part('cloud')).findByText('40%')
    await clean()
    stream.push({ kind: 'machine', machine: machine('laptop', 'ipxe-1', 'off') })
    await vi.waitFor(() => expect(part('laptop').textContent).toMatch(/1.*2/))
    end()
    await page.findByText(done)
    expect(part('cloud').dataset.state).toBe('done')
    // It was seen: the next time the form is there again.
    app.dialog = null
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    app.dialog = { kind: 'deploy', machine: machine('laptop', 'ipxe', 'off') }
    await within(await page.findByRole('dialog')).findByText(free)
  })

  it('says for each computer what failed, and tries those again', async () => {
    const error = new ConnectError('x', Code.ResourceExhausted, undefined, [
      { desc: ErrorSchema, value: { op: 'machine.deploy', path: 'cloud', cause: 'busy', detail: 'whole' } },
      { desc: ErrorSchema, value: { op: 'machine.deploy', path: 'id-cloud', cause: 'busy', detail: 'the pool is full', hint: 'free something' } },
    ])
    open({ deployMachine: async () => Promise.reject(error) })
    const dialog = await pick('More for ipxe', 'Deploy…')
    await tick(dialog, /All that are online/)
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Deploy' }))
    await page.findByText('1 of 2 computers have their machines. Nothing is left on those that failed.')
    expect([part('laptop').dataset.state, part('cloud').dataset.state]).toEqual(['done', 'failed'])
    expect(part('cloud').textContent).toContain('the pool is full')
    expect(part('cloud').textContent).toContain('free something')
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Change and try again' }))
    expect(within(dialog).getByRole<HTMLInputElement>('checkbox', { name: /^cloud/ }).checked).toBe(true)
    expect(within(dialog).getByRole<HTMLInputElement>('checkbox', { name: /^laptop/ }).checked).toBe(false)
  })

  it('is stopped, and refuses names that are taken', async () => {
    const canceled: unknown[] = []
    let reject: (e: unknown) => void = () => {}
    const { stream } = open({
      deployMachine: () => new Promise((_, no) => (reject = no)),
      cancelJob: async (...args: unknown[]) => {
        canceled.push(args)
        reject(new UiError({}, { cancelled: true }))
      },
    })
    stream.push({ kind: 'machine', machine: machine('cloud', 'ipxe-1', 'off') })
    const dialog = await pick('More for ipxe', 'Deploy…')
    await tick(dialog, /^cloud/)
    await within(dialog).findByText('ipxe-1 is on cloud already.')
    await fireEvent.input(within(dialog).getByLabelText('Names begin with'), { target: { value: 'web' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Deploy' }))
    const end = within(dialog).getByRole<HTMLButtonElement>('button', { name: 'Stop' })
    expect(end.disabled).toBe(true) // its host has not told of the job yet
    stream.push({ kind: 'job', job: job('laptop', 'machine.deploy', 'ipxe') })
    await vi.waitFor(() => expect(end.disabled).toBe(false))
    await fireEvent.click(end)
    await page.findByText('Stopped. Nothing that it made is left.')
    expect(canceled).toEqual([['id-laptop', 'laptop-machine.deploy-ipxe']])
  })

  it('of an image is led by the computer that has it', async () => {
    const asked: unknown[][] = []
    const canceled: unknown[] = []
    let reject: (e: unknown) => void = () => {}
    const { stream } = open(
      {
        deployImage: (...args: unknown[]) => (asked.push(args), new Promise((_, no) => (reject = no))),
        cancelJob: async (...args: unknown[]) => {
          canceled.push(args)
          reject(new UiError({}, { cancelled: true }))
        },
      },
      '/host/laptop',
    )
    const dialog = await pick('More for debian-13', 'Deploy…')
    await tick(dialog, /All that are online/)
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Deploy' }))
    const of = { memoryBytes: 2 ** 30, cpus: 1, diskBytes: expect.any(Number), seed: expect.objectContaining({ user: '', sshKeys: [] }), network: '', unattended: false, firmware: 'bios', tpm: false }
    const spec = { to: ['id-laptop', 'id-cloud'], count: 1, prefix: 'debian-13', start: false }
    expect(asked).toEqual([['id-laptop', 'debian-13', of, spec, expect.stringMatching(/^[\w-]{36}$/)]])
    stream.push({ kind: 'job', job: job('laptop', 'image.deploy', 'debian-13') })
    stream.push({ kind: 'job', job: job('cloud', 'image.fetch', 'debian-13', 40) })
    await within(part('cloud')).findByText('40%')
    await clean()
    const end = within(dialog).getByRole<HTMLButtonElement>('button', { name: 'Stop' })
    await vi.waitFor(() => expect(end.disabled).toBe(false))
    await fireEvent.click(end)
    await page.findByText('Stopped. Nothing that it made is left.')
    expect(canceled).toEqual([['id-laptop', 'laptop-image.deploy-debian-13']])
  })

  it('of an image says for each computer what failed', async () => {
    const error = new ConnectError('x', Code.AlreadyExists, undefined, [
      { desc: ErrorSchema, value: { op: 'image.deploy', path: 'cloud', cause: 'exists', detail: 'whole' } },
      { desc: ErrorSchema, value: { op: 'image.deploy', path: 'id-cloud', cause: 'exists', hint: 'choose another name' } },
    ])
    open({ deployImage: async () => Promise.reject(error) }, '/host/laptop')
    const dialog = await pick('More for debian-13', 'Deploy…')
    await tick(dialog, /All that are online/)
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Deploy' }))
    await page.findByText('1 of 2 computers have their machines. Nothing is left on those that failed.')
    expect(part('cloud').textContent).toContain('hoose another name')
  })

  it('of an image without a sum stays on its computer', async () => {
    open({ images: async (id: string) => (id === 'id-laptop' ? [image({ sum: '' })] : []) }, '/host/laptop')
    const dialog = await pick('More for debian-13', 'Deploy…')
    await within(dialog).findByText('cannot get an image without a checksum')
    expect(within(dialog).getByRole<HTMLInputElement>('checkbox', { name: /^cloud/ }).disabled).toBe(true)
    expect(within(dialog).getByRole<HTMLInputElement>('checkbox', { name: /^laptop/ }).disabled).toBe(false)
  })
})

describe('a card', () => {
  let stop = () => {}
  afterEach(() => stop())
  async function open(more = {}) {
    history.replaceState(null, '', '/library')
    const { app, stream } = fakeApp(more)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return { app, stream, card: await page.findByRole('article', { name: 'ipxe' }) }
  }
  const group = (name: string) => page.getByRole('heading', { name, level: 2 }).closest('section')!

  it('is dropped on a computer to be moved or copied', async () => {
    const moved: string[] = []
    const { app, card } = await open({ moveMachine: async (...args: string[]) => void moved.push(args.join(' ')) })
    await fireEvent.dragStart(card)
    await vi.waitFor(() => within(group('cloud')).getByText('Drop here to move or copy'))
    expect(within(group('laptop')).queryByText('Drop here to move or copy')).toBeNull() // it is there
    expect(within(group('nas')).queryByText('Drop here to move or copy')).toBeNull() // offline
    await fireEvent.dragEnter(group('cloud'))
    expect(group('cloud').dataset.drop).toBe('over')
    await fireEvent.drop(group('cloud'))
    const dialog = await page.findByRole('dialog', { name: 'Bring ipxe to cloud' })
    expect(app.dragged).toBeNull()
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Move' }))
    expect(moved).toEqual(['id-laptop ipxe id-cloud false'])
  })

  it('is copied by a deployment to that one computer', async () => {
    const { card } = await open()
    await fireEvent.dragStart(card)
    await fireEvent.drop(page.getByRole('link', { name: /^cloud direct/ }))
    const dialog = await page.findByRole('dialog', { name: 'Bring ipxe to cloud' })
    await fireEvent.click(within(dialog).getByRole('radio', { name: /^Copy it/ }))
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Copy…' }))
    const deploy = await page.findByRole('dialog', { name: 'Deploy ipxe' })
    expect(within(deploy).getByRole<HTMLInputElement>('checkbox', { name: /^cloud/ }).checked).toBe(true)
  })

  it('is not taken by its own computer, and a computer itself is not dragged', async () => {
    const { app, card } = await open()
    await fireEvent.dragStart(card)
    await fireEvent.drop(group('laptop'))
    expect(app.dialog).toBeNull()
    await fireEvent.dragEnd(card)
    expect(app.dragged).toBeNull()
    const self = document.querySelector<HTMLElement>('[data-machine=self]')!
    expect(self.getAttribute('draggable')).toBe('false')
  })
})
