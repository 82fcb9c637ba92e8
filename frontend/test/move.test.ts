import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

describe('a machine that moves', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })

  function open(more = {}) {
    history.replaceState(null, '', '/machine/cloud/build')
    const { app, stream } = fakeApp(more)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running', { uuid: 'u1', screen: false }) })
    return { app, stream }
  }

  it.each([
    ['en', 'More for build', 'Move to…', 'Move here'],
    ['zh', 'build 的更多操作', '迁移到…', '迁移到此'],
  ] as const)('is sent to a computer that is online (%s)', async (language, more, move, here) => {
    i18n.set(language)
    const asked: string[] = []
    open({ moveMachine: async (...args: string[]) => void asked.push(args.join(' ')) })
    await fireEvent.click(await page.findByRole('button', { name: more }))
    await fireEvent.click(await page.findByRole('menuitem', { name: move }))
    const dialog = page.getByRole('dialog')
    expect(within(dialog).getByText('laptop')).toBeTruthy()
    expect(within(dialog).queryByText('nas')).toBeNull() // offline
    expect(within(dialog).queryByText('cloud')).toBeNull() // it is there
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: here }))
    expect(asked).toEqual(['id-cloud build id-laptop false'])
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
  })

  it.each([
    ['en', 'More for build', 'Move to…', 'It fits there. About 1.5 GiB are to be copied.', 'Move here', 'Shut down and move', 'its network lab'],
    ['zh', 'build 的更多操作', '迁移到…', '可以迁移，约需复制 1.5 GiB。', '迁移到此', '关机后迁移', '其网络 lab'],
  ] as const)('says what is in the way before it begins (%s)', async (language, more, move, fits, here, off, network) => {
    i18n.set(language)
    const asked: string[] = []
    let obstacles: Array<{ detail: string; hint: string; live: boolean }> = []
    open({
      checkMove: async () => ({ bytes: 3 << 29, obstacles }),
      moveMachine: async (...args: unknown[]) => void asked.push(args.join(' ')),
    })
    const dialog = async () => {
      await fireEvent.click(await page.findByRole('button', { name: more }))
      await fireEvent.click(await page.findByRole('menuitem', { name: move }))
      return within(page.getByRole('dialog'))
    }
    let shown = await dialog()
    await shown.findByText(fits)
    await fireEvent.click(shown.getByRole('button', { name: /^(Close|关闭)$/ }))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    obstacles = [{ detail: 'its network lab does not run there', hint: 'start it there with hither network start', live: false }]
    shown = await dialog()
    const why = await shown.findByText(new RegExp(network, 'i'))
    const button = shown.getByRole('button', { name: here }) as HTMLButtonElement
    expect([button.disabled, why.closest('[id]')!.id]).toEqual([true, button.getAttribute('aria-describedby')])
    await clean()
    await fireEvent.click(shown.getByRole('button', { name: /^(Close|关闭)$/ }))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    obstacles = [{ detail: 'the processor there lacks something of its: avx', hint: 'x', live: true }]
    shown = await dialog()
    await fireEvent.click(await shown.findByRole('button', { name: off }))
    expect(asked).toEqual(['id-cloud build id-laptop true'])
  })

  it('takes its page along', async () => {
    const { app, stream } = open()
    await vi.waitFor(() => expect(app.machines.find('cloud', 'build')?.uuid).toBe('u1'))
    await page.findByText('on cloud')
    stream.push({ kind: 'machine', machine: machine('laptop', 'build', 'paused', { uuid: 'u1', screen: false }) })
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off', { uuid: 'u1' }) }, { removed: true })
    await page.findByText('on laptop')
    expect(location.pathname).toBe('/machine/laptop/build')
  })

  it('says why it stays', async () => {
    open({
      moveMachine: async () =>
        Promise.reject(new UiError({ op: 'machine.migrate', cause: 'not_found', hint: 'pair the two hosts' })),
    })
    await fireEvent.click(await page.findByRole('button', { name: 'More for build' }))
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Move to…' }))
    await fireEvent.click(within(page.getByRole('dialog')).getByRole('button', { name: 'Move here' }))
    expect((await page.findAllByRole('alert'))[0]!.textContent).toContain('air the two hosts')
  })
})
