import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { CloneSpec, ImportSpec } from '../src/api/copies'
import { UiError } from '../src/api/error'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { Copies } from '../src/state/copies.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

describe('copies of machines', () => {
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
  const pick = async (more: string | RegExp, item: string) => {
    await fireEvent.click(await page.findByRole('button', { name: more }))
    await fireEvent.click(await page.findByRole('menuitem', { name: item }))
    return page.getByRole('dialog')
  }

  it.each([
    ['en', 'More for ipxe', 'Clone…', 'Name', 'Linked', 'Start it when it is made', 'Clone'],
    ['zh', 'ipxe 的更多操作', '克隆…', '名称', '链接', '创建后立即启动', '克隆'],
  ] as const)('are cloned, full or linked (%s)', async (language, more, item, field, linked, start, make) => {
    i18n.set(language)
    const asked: unknown[] = []
    open({ cloneMachine: async (...args: [string, string, CloneSpec]) => (asked.push(args), machine('laptop', 'web', 'off')) })
    const dialog = await pick(more, item)
    const full = within(dialog).getAllByRole<HTMLInputElement>('radio')[0]!
    expect(full.checked).toBe(true)
    expect(within(dialog).getByLabelText<HTMLInputElement>(field).value).toBe('ipxe-2') // proposed
    await clean()
    await fireEvent.input(within(dialog).getByLabelText(field), { target: { value: '' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: make }))
    expect(asked).toEqual([])
    await fireEvent.input(within(dialog).getByLabelText(field), { target: { value: 'web' } })
    await fireEvent.click(within(dialog).getByRole('radio', { name: new RegExp('^' + linked) }))
    await fireEvent.click(within(dialog).getByLabelText(start))
    await fireEvent.click(within(dialog).getByRole('button', { name: make }))
    expect(asked).toEqual([['id-laptop', 'ipxe', { name: 'web', mode: 'linked', start: true }]])
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
  })

  it('refuses a name that is taken, and says why the host refuses', async () => {
    open({ cloneMachine: async () => Promise.reject(new UiError({ op: 'machine.clone', cause: 'invalid', hint: 'shut it down first' })) })
    const dialog = await pick('More for ipxe', 'Clone…')
    const name = within(dialog).getByLabelText('Name')
    await fireEvent.input(name, { target: { value: 'ipxe' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Clone' }))
    within(dialog).getByText('There is a machine of this name.')
    await fireEvent.input(name, { target: { value: 'web' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Clone' }))
    expect((await within(dialog).findByRole('alert')).textContent).toContain('hut it down first')
  })

  it('are made from templates, which are marked and not started', async () => {
    const asked: unknown[] = []
    const { stream } = open({ setTemplate: async (...args: unknown[]) => (asked.push(args), machine('laptop', 'ipxe', 'off')) })
    await fireEvent.click(await page.findByRole('button', { name: 'More for ipxe' }))
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Make a template' }))
    expect(asked).toEqual([['id-laptop', 'ipxe', true]])
    stream.push({ kind: 'machine', machine: machine('laptop', 'ipxe', 'off', { template: true, verbs: [] }) })
    const card = await vi.waitFor(() => {
      const card = document.querySelector<HTMLElement>('[data-machine=ipxe]')!
      within(card).getByText('Template')
      return card
    })
    expect(within(card).queryByRole('button', { name: 'Start' })).toBeNull()
    await fireEvent.click(within(card).getByRole('button', { name: 'New from template' }))
    const dialog = page.getByRole('dialog')
    expect(within(dialog).getAllByRole<HTMLInputElement>('radio')[1]!.checked).toBe(true)
    await clean()
  })

  it('are exported, then downloaded', async () => {
    const { app } = fakeApp({ exportMachine: async (_host, name, format) => ({ url: 'http://n/copies/T', name: `${name}.${format}` }) })
    const saved: string[] = []
    await new Copies(app, (url, name) => saved.push(url + ' ' + name)).export(machine('laptop', 'ipxe', 'off'), 'ova')
    expect(saved).toEqual(['http://n/copies/T ipxe.ova'])
    const asked: unknown[] = []
    open({ exportMachine: async (...args: unknown[]) => (asked.push(args), Promise.reject(new UiError({ op: 'machine.export', cause: 'busy' }))) })
    const dialog = await pick('More for ipxe', 'Export…')
    await clean()
    await fireEvent.click(within(dialog).getByRole('radio', { name: /^OVA/ }))
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Export' }))
    expect(asked).toEqual([['id-laptop', 'ipxe', 'ova']])
    await page.findByRole('alert')
  })

  it.each([
    ['web.ova', 'web', false],
    ['Old Disk.raw', 'Old-Disk', true],
    ['a.tar.img', 'a', true],
  ] as const)('are imported from %s', async (file, name, raw) => {
    const asked: unknown[] = []
    open({
      importMachine: async (host: string, spec: ImportSpec, sent: File) => (asked.push([host, spec, sent.name]), machine('laptop', name, 'off')),
    })
    const button = await page.findByRole<HTMLButtonElement>('button', { name: 'Import machine' })
    await vi.waitFor(() => expect(button.disabled).toBe(false)) // once a host is known
    await fireEvent.click(button)
    const dialog = page.getByRole('dialog')
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Import' }))
    within(dialog).getByText('Please choose a file.')
    await clean()
    await fireEvent.change(dialog.querySelector('input[type=file]')!, { target: { files: [new File(['x'], file)] } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Import' }))
    expect(asked).toEqual([['id-laptop', { name, raw, start: false }, file]])
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
  })
})
