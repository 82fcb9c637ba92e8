import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Change, LabelChange, Parts } from '../src/api/hardware'
import type { Machine } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { goodNotes, goodTag } from '../src/state/hardware.svelte'
import { Selection } from '../src/state/selection.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const GIB = 2 ** 30
const parts = (more: Partial<Parts> = {}): Parts => ({
  cpus: 2, nextCpus: 2, mostCpus: 16, memoryBytes: GIB, nextMemoryBytes: GIB, hostMemoryBytes: 8 * GIB,
  disks: [{ name: 'vda', bus: 'virtio', format: 'qcow2', file: 'ipxe-0.qcow2', totalBytes: 20 * GIB, usedBytes: 5 * GIB, readOnly: false, made: true, of: '' }],
  drives: [{ name: 'sda', kind: 'cdrom', image: '', of: '' }],
  nics: [{ mac: '52:54:00:01:02:03', network: 'user', nextNetwork: '', model: 'virtio', of: '' }],
  boot: ['disk', 'cd'], firmware: 'bios', tpm: false, accelerator: 'emulated', displays: ['vnc'], pending: false, networks: ['user', 'default'], images: ['debian.iso'], devices: [], ...more,
})

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})


/** Opens a page with what the node does, and gives what it was asked for. */
async function open(path: string, more: object = {}, change: (stream: ReturnType<typeof fakeApp>['stream']) => void = () => {}) {
  history.replaceState(null, '', path)
  const asked: unknown[] = []
  const { app, stream } = fakeApp({
    hardware: async () => parts(),
    changeHardware: async (_: string, name: string, c: Change) => (asked.push([name, c]), { when: 'now', part: '', note: '' }),
    label: async (_: string, name: string, c: LabelChange) => (asked.push([name, c]), machine('laptop', name, 'off')),
    rename: async (_: string, name: string, to: string) => void asked.push([name, to]),
    saveMachine: async (_: string, name: string) => void asked.push([name, 'save']),
    doMachine: async (_: string, name: string, verb: string) => void asked.push([name, verb]),
    ...more,
  })
  app.settings.setInspector(true)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  change(stream)
  await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
  return { app, asked, stream }
}

const press = async (name: string, within_?: HTMLElement) =>
  fireEvent.click(await (within_ ? within(within_) : page).findByRole('button', { name }))
async function menu(part: HTMLElement, name: string, item: string) {
  await press(name, part)
  await fireEvent.click(await page.findByRole('menuitem', { name: item }))
}
const submit = async (dialog: HTMLElement) => fireEvent.submit(dialog.querySelector('form')!)
const type = async (dialog: HTMLElement, label: string | RegExp, value: string) =>
  fireEvent.input(within(dialog).getByLabelText(label), { target: { value } })

describe('a volume that no machine has', () => {
  const volume = (name: string, more: object = {}) => ({ pool: 'hither', name, format: 'qcow2', capacityBytes: 8 * GIB, allocationBytes: 0, base: '', machines: [], baseOf: [], ...more })

  it.each([['en', 'Add disk', 'What', 'A volume stays when the disk is removed, or the machine.'], ['zh', '添加磁盘', '内容', '移除磁盘或虚拟机后，卷仍会保留。']] as const)(
    'is given to a machine (%s)',
    async (language, add, what, stays) => {
      i18n.set(language)
      const { asked } = await open('/machine/laptop/ipxe', {
        pools: async () => [{ name: 'hither', kind: 'hither', path: '/p', state: 'active', totalBytes: 1, freeBytes: 1, note: '', hint: '' }],
        volumes: async () => [volume('data'), volume('taken', { machines: ['web'] }), volume('base', { baseOf: ['x'] }), volume('cd', { format: 'iso' })],
      } as object)
      await press(add, await page.findByTestId('hardware'))
      const dialog = page.getByRole('dialog')
      const choice = await within(dialog).findByLabelText(what)
      expect([...choice.querySelectorAll('option')].map((o) => o.value)).toEqual(['', 'hither/data'])
      await fireEvent.change(choice, { target: { value: 'hither/data' } })
      within(dialog).getByText(stays)
      await clean()
      await submit(dialog)
      await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'disk.add', volume: 'hither/data' }]))
    },
  )
})

describe('hardware on the page of a machine', () => {
  const section = () => page.findByTestId('hardware')

  it('is shown and changed', async () => {
    const { asked } = await open('/machine/laptop/ipxe')
    const part = await section()
    await within(part).findByText('2 CPUs')
    await clean()
    await press('Change CPUs and memory', part)
    let dialog = page.getByRole('dialog')
    await type(dialog, 'CPUs', '0')
    await submit(dialog)
    expect(within(dialog).getByText('Give it 1 to 16 CPUs.')).toBeTruthy()
    await type(dialog, 'CPUs', '4')
    await type(dialog, 'Memory', '9')
    await submit(dialog)
    expect(asked).toEqual([])
    await type(dialog, 'Memory', '1,5')
    await clean()
    await submit(dialog)
    await vi.waitFor(() => expect(asked).toEqual([['ipxe', { kind: 'resources', memoryBytes: 1.5 * GIB, cpus: 4 }]]))
    await within(part).findByText('Took effect at once.')
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    await press('Add disk', part)
    dialog = page.getByRole('dialog')
    await type(dialog, 'Size', '8')
    await submit(dialog)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'disk.add', bytes: 8 * GIB }]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    await menu(part, 'More for vda', 'Make larger…')
    dialog = page.getByRole('dialog')
    await type(dialog, 'New size', '10')
    await submit(dialog)
    expect(within(dialog).getByText('Give it more than 20.0 GiB.')).toBeTruthy()
    await type(dialog, 'New size', '30')
    await submit(dialog)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'disk.grow', disk: 'vda', bytes: 30 * GIB }]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    await menu(part, 'More for vda', 'Remove disk…')
    dialog = page.getByRole('alertdialog')
    await fireEvent.click(within(dialog).getByLabelText('Keep the file as an image'))
    await clean()
    await submit(dialog)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'disk.remove', disk: 'vda', keep: true }]))
    await vi.waitFor(() => expect(page.queryByRole('alertdialog')).toBeNull())

    await press('Add network card', part)
    dialog = page.getByRole('dialog')
    await fireEvent.change(within(dialog).getByLabelText('Network'), { target: { value: 'default' } })
    await submit(dialog)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'nic.add', network: 'default' }]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await menu(part, 'More for 52:54:00:01:02:03', 'Change…')
    dialog = page.getByRole('dialog')
    await fireEvent.change(within(dialog).getByLabelText('Network'), { target: { value: 'default' } })
    await type(dialog, 'MAC address', '53:54:00:01:02:03')
    await submit(dialog)
    expect(within(dialog).getByText(/Give six bytes/)).toBeTruthy()
    await type(dialog, 'MAC address', '52-54-00-AA-02-03')
    await clean()
    await submit(dialog)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'nic.set', nic: '52:54:00:01:02:03', network: 'default', mac: '52:54:00:aa:02:03' }]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await menu(part, 'More for 52:54:00:01:02:03', 'Remove network card…')
    await press('Remove', page.getByRole('alertdialog'))
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'nic.remove', nic: '52:54:00:01:02:03' }]))

    await menu(part, 'More for sda', 'Insert image…')
    await submit(page.getByRole('dialog'))
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { kind: 'cd.insert', drive: 'sda', image: 'debian.iso' }]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())

    await press('Change boot order and firmware', part)
    dialog = page.getByRole('dialog')
    await press('CD earlier', dialog)
    await fireEvent.click(within(dialog).getByLabelText('UEFI'))
    await fireEvent.click(within(dialog).getByLabelText('TPM 2.0'))
    await clean()
    await submit(dialog)
    await vi.waitFor(() =>
      expect(asked.slice(-3)).toEqual([
        ['ipxe', { kind: 'boot', boot: ['cd', 'disk'] }], ['ipxe', { kind: 'firmware', firmware: 'uefi' }], ['ipxe', { kind: 'tpm', tpm: true }],
      ]),
    )
  })

  it('says plainly what waits for the next start, also in Chinese', async () => {
    i18n.set('zh')
    const waits = parts({ nextCpus: 4, pending: true, disks: [{ ...parts().disks[0]!, name: 'vdb', of: 'next-start' }] })
    await open('/machine/cloud/build', {
      hardware: async () => waits,
      changeHardware: async () => ({ when: 'next-start', part: '', note: 'a running machine gets a CD drive at its next start' }),
    })
    const part = await section()
    await within(part).findByText('部分更改将在下次启动时生效。')
    expect(within(part).getByText('2 个 CPU · 下次启动起为 4 个 CPU')).toBeTruthy()
    expect(part.querySelector('[data-disk=vdb]')!.textContent).toContain('下次启动起可用')
    await menu(part, 'sda 的更多操作', '放入映像…')
    await submit(page.getByRole('dialog'))
    const told = await within(part).findByTestId('told')
    expect(told.textContent).toContain('将在下次启动时生效。')
    expect(told.textContent).toContain('运行中的虚拟机在下次启动时才有光驱')
    await clean()
  })

  it('shows what is wrong, in the dialog and in the panel', async () => {
    let broken = true
    await open('/machine/laptop/ipxe', {
      hardware: async () => {
        if (broken) throw new UiError({ op: 'machine.hardware', cause: 'offline', hint: 'hither doctor says more' })
        return parts()
      },
      changeHardware: async () => {
        throw new UiError({ op: 'machine.change', cause: 'unsupported', detail: 'its host has no UEFI firmware', hint: 'apt install ovmf' })
      },
    })
    const part = await section()
    const alert = await within(part).findByRole('alert')
    broken = false
    await press('Try again', alert)
    await press('Add disk', part)
    const dialog = page.getByRole('dialog')
    await submit(dialog)
    expect((await within(dialog).findByRole('alert')).textContent).toContain('apt install ovmf')
  })

  it('gives a machine without a display one', async () => {
    const { asked } = await open('/machine/cloud/blind', { hardware: async () => parts({ displays: [] }) }, (stream) =>
      stream.push({ kind: 'machine', machine: machine('cloud', 'blind', 'running', { screen: false }) }),
    )
    await press('Add a display')
    await vi.waitFor(() => expect(asked).toEqual([['blind', { kind: 'display.add' }]]))
  })
})

describe('what is written on a machine', () => {
  it('is edited in the overview', async () => {
    const { asked } = await open('/machine/laptop/ipxe', {}, (stream) =>
      stream.push({ kind: 'machine', machine: machine('laptop', 'ipxe', 'off', { tags: ['lab'], notes: 'old', autostart: true, order: 2 }) }),
    )
    const part = await page.findByTestId('labels')
    await within(part).findByText('lab')
    await clean()
    const field = within(part).getByLabelText('Add tag')
    await fireEvent.input(field, { target: { value: 'Not ok' } })
    expect(within(part).getByText(/lowercase/)).toBeTruthy()
    await fireEvent.submit(field.closest('form')!)
    expect(asked).toEqual([])
    await fireEvent.input(field, { target: { value: 'db' } })
    await fireEvent.submit(field.closest('form')!)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { add: ['db'] }]))
    await press('Remove tag lab', part)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { drop: ['lab'] }]))
    await press('Edit notes', part)
    const notes = within(part).getByRole('textbox', { name: 'Notes' })
    expect((notes as HTMLTextAreaElement).value).toBe('old')
    await fireEvent.input(notes, { target: { value: '二'.repeat(334) } })
    expect((within(part).getByRole('button', { name: 'Save' }) as HTMLButtonElement).disabled).toBe(true)
    await fireEvent.input(notes, { target: { value: 'new' } })
    await fireEvent.keyDown(notes, { key: 'Enter', ctrlKey: true })
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { notes: 'new' }]))
    await fireEvent.change(within(part).getByLabelText('Place'), { target: { value: '5' } })
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', { order: 5 }]))
  })

  it('follows the rules of the node', () => {
    expect(['lab', 'db-1', '二', '1'].every(goodTag)).toBe(true)
    expect(['', 'Lab', '-a', 'a b', '<x>', 'x'.repeat(33)].some(goodTag)).toBe(false)
    expect([goodNotes('x'.repeat(1000)), goodNotes('二'.repeat(334))]).toEqual([true, false])
  })

  it('has a new name under which its page goes on', async () => {
    const { asked, app } = await open('/machine/laptop/ipxe')
    await menu(await page.findByRole('toolbar'), 'More for ipxe', 'Rename…')
    const dialog = page.getByRole('dialog')
    await type(dialog, 'Name', '../x')
    await submit(dialog)
    expect(asked).toEqual([])
    await type(dialog, 'Name', 'boot')
    await submit(dialog)
    await vi.waitFor(() => expect(asked).toEqual([['ipxe', 'boot']]))
    await vi.waitFor(() => expect(app.router.path).toBe('/machine/laptop/boot'))
  })

  it('is saved and discarded', async () => {
    const saved = machine('laptop', 'ipxe', 'saved', { verbs: ['start', 'discard'] })
    const { asked, app } = await open('/machine/cloud/build', {}, (stream) => {
      stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running', { verbs: ['stop', 'save'] }) })
      stream.push({ kind: 'machine', machine: saved })
    })
    await menu(await page.findByRole('toolbar'), 'More for build', 'Save and stop')
    await vi.waitFor(() => expect(asked).toEqual([['build', 'save']]))
    app.router.go('/machine/laptop/ipxe')
    await menu(document.body, 'More for ipxe', 'Discard saved state…')
    await press('Discard', page.getByRole('alertdialog'))
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['ipxe', 'discard']))
  })
})

describe('several machines', () => {
  it('are selected by a range', () => {
    const s = new Selection()
    const order = ['a', 'b', 'c', 'd']
    s.toggle('b')
    s.range(order, 'd')
    expect([...s.keys]).toEqual(['b', 'c', 'd'])
    s.toggle('c')
    s.range(order, 'a')
    expect([...s.keys].sort()).toEqual(['a', 'b', 'c', 'd'])
    s.clear()
    s.range(order, 'c')
    expect([...s.keys]).toEqual(['c'])
  })

  const tagged = (m: Machine) => ({ kind: 'machine' as const, machine: m })
  const lab = (stream: ReturnType<typeof fakeApp>['stream']) => {
    stream.push(tagged(machine('laptop', 'ipxe', 'off', { tags: ['lab'] })))
    stream.push(tagged(machine('cloud', 'build', 'running', { tags: ['lab', 'ci'], notes: 'the nightly one', verbs: ['stop', 'save'] })))
  }
  const names = () => page.getAllByTestId('card').map((c) => c.dataset.machine)

  it('are filtered by what the URL says, and found by tags and notes', async () => {
    const { app } = await open('/library?tag=lab', {}, lab)
    await vi.waitFor(() => expect(names().sort()).toEqual(['build', 'ipxe']))
    const filters = await page.findByTestId('filters')
    await fireEvent.change(within(filters).getByLabelText('State'), { target: { value: 'running' } })
    expect(names()).toEqual(['build'])
    expect(location.search).toBe('?tag=lab&state=running')
    await clean()
    await press('Clear filters', filters)
    expect(location.search).toBe('')
    app.router.setQuery('q', 'nightly')
    await vi.waitFor(() => expect(names()).toEqual(['build']))
    app.router.setQuery('q', '')
    app.router.setQuery('host', 'laptop')
    await vi.waitFor(() => expect(names()).toEqual(['self', 'ipxe']))
    app.router.setQuery('tag', 'gone')
    await page.findByText('No machine fits these filters.')
  })

  it('are selected by keys, and told one thing', async () => {
    const { asked } = await open('/library?tag=lab', {}, lab)
    await vi.waitFor(() => expect(names().length).toBe(2))
    const boxes = page.getAllByRole('checkbox', { name: /^Select / })
    boxes[0]!.focus()
    await fireEvent.keyDown(boxes[0]!, { key: 'a', ctrlKey: true })
    const bar = await page.findByRole('toolbar', { name: 'Select several' })
    expect(bar.textContent).toContain('2 selected')
    await clean()
    await press('Tags…', bar)
    const dialog = page.getByRole('dialog')
    await type(dialog, 'Add to all', 'night  Shift')
    await fireEvent.click(within(dialog).getByLabelText('ci'))
    await submit(dialog)
    const change = { add: ['night', 'shift'], drop: ['ci'] }
    await vi.waitFor(() => expect(asked).toEqual(expect.arrayContaining([['ipxe', change], ['build', change]])))
    await press('Save and stop (1)', bar)
    await vi.waitFor(() => expect(asked.at(-1)).toEqual(['build', 'save']))
    await fireEvent.keyDown(window, { key: 'Escape' })
    await vi.waitFor(() => expect(page.queryByRole('toolbar', { name: 'Select several' })).toBeNull())
  })
})
