import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import { i18n } from '../src/i18n/i18n.svelte'
import SignIn from '../src/pages/SignIn.svelte'
import Shell from '../src/Shell.svelte'
import type { App } from '../src/state/app.svelte'
import type { Dialog } from '../src/state/dialog'
import { clean } from './clean'
import { fakeApp, fill, folder, machine } from './fake'

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})

async function open(path: string, more = {}): Promise<App> {
  history.replaceState(null, '', path)
  const { app, stream } = fakeApp(more)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
  return app
}
describe('menu of the desktop', () => {
  const listed = (installed: boolean) => [{ id: 'xterm', name: 'XTerm', comment: '', icon: 'x', categories: [], installed }]
  afterEach(() => delete window.go)

  it('takes an app of another computer in and out', async () => {
    window.go = { shell: { Bridge: {} as never } }
    let installed = false
    const said: string[] = []
    await open('/apps/cloud', {
      apps: async () => listed(installed),
      installApp: async (...args: string[]) => void (said.push('install ' + args.join(' ')), (installed = true)),
      uninstallApp: async (...args: string[]) => void (said.push('uninstall ' + args.join(' ')), (installed = false)),
    })
    await fireEvent.click(await page.findByRole('button', { name: 'Add XTerm to this desktop’s menu' }))
    await fireEvent.click(await page.findByRole('button', { name: 'Remove XTerm from this desktop’s menu' }))
    await page.findByRole('button', { name: 'Add XTerm to this desktop’s menu' })
    expect(said.map((s) => s.replace(/ \S+ self/, ''))).toEqual(['install xterm en', 'uninstall xterm'])
    await clean()
  })

  it('is not offered in a browser', async () => {
    await open('/apps/cloud')
    await page.findByTestId('app')
    expect(page.queryByTestId('app-install')).toBeNull()
  })
})

describe('pages', () => {
  const paths = ['/library', '/machine/laptop/ipxe', '/machine/cloud/gone', '/apps/cloud', '/folders', '/network', '/activity', '/host/cloud', '/host/laptop', '/settings', '/nowhere']
  for (const language of ['en', 'zh'] as const) {
    it.each(paths)(`%s has no violation (${language})`, async (path) => {
      i18n.set(language)
      await open(path)
      await page.findByRole('main')
      expect(page.getAllByRole('heading').length).toBeGreaterThan(0)
      await clean()
    })
  }
  it.each([
    { kind: 'pair' },
    { kind: 'create', host: '' },
    { kind: 'add-folder' },
    { kind: 'share', folder: folder('laptop', 'notes') },
    { kind: 'palette' },
    { kind: 'confirm', confirm: { title: ['confirm.forget.title', { name: 'x' }], text: ['confirm.forget', {}], verb: 'confirm.forget.verb', do() {} } },
  ] as Dialog[])('dialog $kind has no violation', async (dialog) => {
    const app = await open('/library')
    app.dialog = dialog
    await page.findByRole(dialog.kind === 'confirm' ? 'alertdialog' : 'dialog')
    await clean()
  })
  it('tells how to sign in', async () => {
    const again = vi.fn()
    render(SignIn, { error: new UiError({}, { signedOut: true }), again })
    expect(page.getByText('hither web')).toBeTruthy()
    await clean()
  })
})

describe('library', () => {
  const card = (name: string) => within(page.getByRole('article', { name }))

  it('groups by computer, starts a machine and shows why it did not', async () => {
    const doMachine = vi.fn().mockRejectedValueOnce(new UiError({ cause: 'invalid', detail: 'no disk', hint: 'Add one.' })).mockResolvedValue(undefined)
    await open('/library', { doMachine })
    expect((await page.findAllByRole('heading', { level: 2 })).map((h) => h.textContent?.trim())).toEqual(expect.arrayContaining(['laptop', 'cloud', 'nas']))
    await fireEvent.click(card('ipxe').getByRole('button', { name: 'Start' }))
    expect(doMachine).toHaveBeenCalledWith('id-laptop', 'ipxe', 'start')
    expect((await card('ipxe').findByRole('alert')).textContent).toMatch(/Start ipxe.*refused.*no disk.*Add one/)
    await fireEvent.click(card('ipxe').getByRole('button', { name: 'Start' }))
    await vi.waitFor(() => expect(card('ipxe').queryByRole('alert')).toBeNull())
  })

  it('asks before it removes', async () => {
    const removeMachine = vi.fn().mockResolvedValue(undefined)
    await open('/library', { removeMachine })
    await fireEvent.click(card('ipxe').getByRole('button', { name: 'More for ipxe' }))
    await fireEvent.click(page.getByRole('menuitem', { name: /Remove/ }))
    const ask = within(await page.findByRole('alertdialog'))
    expect(removeMachine).not.toHaveBeenCalled()
    await fireEvent.click(ask.getByRole('button', { name: 'Remove' }))
    expect(removeMachine).toHaveBeenCalledWith('id-laptop', 'ipxe')
  })

  it('keeps the filter in the address', async () => {
    await open('/library?q=media')
    expect((await page.findAllByRole('article')).length).toBe(1)
    await fireEvent.input(page.getByRole('searchbox'), { target: { value: 'zzz' } })
    expect(location.search).toBe('?q=zzz')
    expect(await page.findByText('No machine matches “zzz”.')).toBeTruthy()
  })

  it('shows and finds a machine of others by its own name', async () => {
    history.replaceState(null, '', '/library?q=vm%20(test)')
    const { app, stream } = fakeApp({})
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    stream.push({ kind: 'machine', machine: machine('cloud', 'My-VM-0123abcd', 'running', { originalName: 'My VM (test)' }) })
    const found = await page.findByRole('article', { name: 'My-VM-0123abcd' })
    expect(within(found).getByText(/^My VM \(test\) · /)).toBeTruthy()
    expect(page.getAllByRole('article').length).toBe(1)
    await fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true })
    const field = await page.findByPlaceholderText('Machine, computer, app or command')
    await fireEvent.input(field, { target: { value: 'open my vm (test)' } })
    await fireEvent.keyDown(field, { key: 'Enter' })
    expect(app.router.path).toBe('/machine/cloud/My-VM-0123abcd')
    expect((await page.findAllByText('My VM (test)')).length).toBe(2) // in the title, and among the facts
    await clean()
  })

  it('opens the palette by key and runs what was found', async () => {
    const app = await open('/library')
    await fireEvent.keyDown(document.body, { key: 'k', ctrlKey: true })
    const field = await page.findByPlaceholderText('Machine, computer, app or command')
    await fireEvent.input(field, { target: { value: 'open build' } })
    await fireEvent.keyDown(field, { key: 'Enter' })
    expect(app.router.path).toBe('/machine/cloud/build')
  })
})

it.each([['en', 'All 41 machines', '3 of 41 running'], ['zh', '全部 41 台机器', '共 41 台，3 台运行中']] as const)(
  'shows the first machines of a computer, and a link to all (%s)',
  async (language, all, running) => {
    i18n.set(language)
    history.replaceState(null, '', '/host/cloud')
    const { app, stream } = fakeApp()
    stop = app.start()
    render(Shell, { app })
    fill(stream) // cloud/build runs
    for (let i = 0; i < 40; i++) stream.push({ kind: 'machine', machine: machine('cloud', `a-${i}`, i > 37 ? 'running' : 'off') })
    const list = await page.findByRole('list', { name: language === 'en' ? 'Machines' : '机器' })
    const link = await page.findByRole('link', { name: all })
    page.getByText(running)
    const rows = within(list).getAllByRole('link').map((a) => a.textContent)
    expect([rows.length, ...rows.slice(0, 3)]).toEqual([10, 'a-38', 'a-39', 'build'])
    await clean()
    await fireEvent.click(link)
    expect(location.pathname + location.search).toBe('/library?host=cloud')
  },
)

describe('the page of a machine that is off, on a phone', () => {
  const wide = innerWidth
  const size = (width: number) => {
    Object.defineProperty(window, 'innerWidth', { value: width, configurable: true, writable: true })
    window.dispatchEvent(new Event('resize'))
  }
  afterEach(() => size(wide))

  it('is its parts, under one line that starts it', async () => {
    size(390)
    const app = await open('/machine/laptop/ipxe')
    app.settings.setInspector(true)
    const idle = await page.findByTestId('idle')
    expect(within(idle).getByRole('button', { name: 'Start' })).toBeTruthy()
    expect(page.queryByRole('heading', { name: 'ipxe is off' })).toBeNull()
    await clean()
    app.settings.setInspector(false)
    await page.findByRole('heading', { name: 'ipxe is off' })
  })
})

it('pairs by a code and shows why not', async () => {
  const join = vi.fn().mockRejectedValue(new UiError({ cause: 'permission', detail: 'the words do not match', hint: 'Two guesses are left.' }))
  const app = await open('/library', { join })
  app.dialog = { kind: 'pair' }
  await fireEvent.click(await page.findByRole('tab', { name: 'Enter a code' }))
  await fireEvent.input(page.getByTestId('pair-field'), { target: { value: ' 4711 Apple River Stone ' } })
  await fireEvent.click(page.getByRole('button', { name: 'Pair' }))
  expect(join.mock.calls[0]!.slice(0, 3)).toEqual(['4711-apple-river-stone', '', ['admin']])
  expect((await page.findByRole('alert')).textContent).toMatch(/Two guesses/)
})
