import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Snapshot } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { places, Snapshots } from '../src/state/snapshots.svelte'
import { clean } from './clean'
import { fakeApp, fill } from './fake'

const kept = (name: string, parent = '', more: Partial<Snapshot> = {}): Snapshot => ({
  name, parent, note: '', created: new Date(), state: 'running', memory: true, current: false, ...more,
})

describe('the drawing', () => {
  const drawn = (list: Snapshot[]) => places(list).map((p) => [p.snapshot.name, p.lane, p.parent])

  it('keeps a chain straight and puts earlier children to the right', () => {
    expect(drawn([kept('a'), kept('b', 'a'), kept('c', 'b')])).toEqual([['a', 0, -1], ['b', 0, 0], ['c', 0, 1]])
    expect(drawn([kept('a'), kept('b', 'a'), kept('c', 'b'), kept('d', 'a'), kept('e', 'a')])).toEqual([
      ['a', 0, -1], ['b', 1, 0], ['c', 1, 1], ['d', 1, 0], ['e', 0, 0],
    ])
  })

  it('ends on a list that is no tree', () => {
    expect(drawn([kept('a', 'b'), kept('b', 'a'), kept('c', 'c'), kept('d', 'gone')]).map((p) => p[0])).toEqual(['a', 'b', 'c', 'd'])
  })
})

it('lets the answer to the later question count', async () => {
  const answers: Array<(list: Snapshot[]) => void> = []
  const all = new Snapshots({ snapshots: () => new Promise((resolve) => answers.push(resolve)) })
  const first = all.load('h', 'm')
  const second = all.load('h', 'm')
  answers[1]!([kept('new')])
  await second
  answers[0]!([kept('old')])
  await first
  expect(all.of('h', 'm').list?.map((s) => s.name)).toEqual(['new'])
})

describe('snapshots on the page of a machine', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })

  async function open(more = {}): Promise<HTMLElement> {
    history.replaceState(null, '', '/machine/laptop/ipxe')
    const { app, stream } = fakeApp(more)
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return page.findByTestId('snapshots')
  }

  it.each([
    ['en', 'Take snapshot', 'Name', 'Note', 'More for clean', 'Go back to this…', 'Go back', 'Delete…', 'Delete', 'None yet'],
    ['zh', '创建快照', '名称', '备注', 'clean 的更多操作', '恢复到此快照…', '恢复', '删除…', '删除', '暂无快照'],
  ] as const)('are taken, gone back to and deleted (%s)', async (language, take, name, note, more, back, yesBack, remove, yesRemove, none) => {
    i18n.set(language)
    let list: Snapshot[] = []
    const said: string[] = []
    const part = await open({
      snapshots: async () => list,
      takeSnapshot: async (...args: string[]) => {
        said.push(args.slice(1).join(' '))
        list = [kept('clean', '', { note: args[3]!, current: true })]
        return list[0]
      },
      revertSnapshot: async (...args: string[]) => void said.push('revert ' + args[2]),
      removeSnapshot: async (...args: string[]) => void (said.push('remove ' + args[2]), (list = [])),
    })
    await within(part).findByText(new RegExp(none))
    await fireEvent.click(within(part).getByRole('button', { name: take }))
    const dialog = page.getByRole('dialog')
    const submit = within(dialog).getByRole('button', { name: take })
    for (const bad of ['', '7', '../x']) {
      await fireEvent.input(within(dialog).getByLabelText(name), { target: { value: bad } })
      await fireEvent.submit(submit.closest('dialog')!.querySelector('form')!)
      expect(said).toEqual([])
      expect(within(dialog).getByLabelText(name).getAttribute('aria-invalid')).toBe('true')
    }
    await fireEvent.input(within(dialog).getByLabelText(name), { target: { value: 'clean' } })
    await fireEvent.input(within(dialog).getByLabelText(note), { target: { value: 'as new' } })
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(part).findByText('as new')
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await clean()

    const menu = async (item: string, yes: string) => {
      await fireEvent.click(await within(part).findByRole('button', { name: more }))
      await fireEvent.click(await page.findByRole('menuitem', { name: item }))
      await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: yes }))
    }
    await menu(back, yesBack)
    await vi.waitFor(() => expect(said).toContain('revert clean'))
    await menu(remove, yesRemove)
    await within(part).findByText(new RegExp(none))
    expect(said).toEqual(['ipxe clean as new', 'revert clean', 'remove clean'])
  })

  it('say what is wrong, and ask again', async () => {
    let broken = true
    const part = await open({
      snapshots: async () => {
        if (broken) throw new UiError({ op: 'machine.snapshots', cause: 'unsupported', hint: 'update Hither there' })
        return [kept('a'), kept('b', 'a', { current: true })]
      },
    })
    const alert = await within(part).findByRole('alert')
    expect(alert.textContent).toContain('Update Hither there'.slice(1))
    broken = false
    await fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }))
    await within(part).findByText('b')
    expect(within(part).getByText('taken after a')).toBeTruthy()
    expect(part.querySelectorAll('svg.absolute circle').length).toBe(2)
    expect(part.querySelectorAll('svg.absolute path').length).toBe(1)
  })

  it('are not there for a computer', async () => {
    history.replaceState(null, '', '/machine/laptop/self')
    const { app, stream } = fakeApp()
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    await page.findByRole('complementary')
    expect(page.queryByTestId('snapshots')).toBeNull()
  })
})
