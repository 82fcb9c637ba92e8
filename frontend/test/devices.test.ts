import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api/api'
import type { Device } from '../src/api/devices'
import { UiError } from '../src/api/error'
import type { Change, DevicePart, Parts } from '../src/api/hardware'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const device = (id: string, more: Partial<Device> = {}): Device => ({
  id, kind: id.startsWith('usb') ? 'usb' : 'pci', name: 'Device ' + id, drivers: [], group: -1, machines: [], note: '', hint: '', farNote: '', farHint: '', ...more,
})
const stick = device('usb:0951:1666', { drivers: ['usb-storage'] })
const card = device('pci:0000:01:00.0', { note: 'its computer has no IOMMU that is on', hint: 'switch on VT-d' })
const blank: DevicePart = { id: '', name: '', of: '', from: '', fromName: '', note: '', hint: '' }
const parts = (devices: DevicePart[]): Parts => ({
  cpus: 1, nextCpus: 1, mostCpus: 4, memoryBytes: 1, nextMemoryBytes: 1, hostMemoryBytes: 1, disks: [], drives: [], nics: [], boot: ['disk'],
  firmware: 'bios', tpm: false, accelerator: 'emulated', displays: ['vnc'], pending: false, networks: ['user'], images: [], devices,
})

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})
async function open(path: string, part: string, more: Partial<Api>): Promise<HTMLElement> {
  history.replaceState(null, '', path)
  const { app, stream } = fakeApp(more)
  app.settings.setInspector(true)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  return page.findByTestId(part)
}

describe('devices on the page of a computer', () => {
  it('are listed, with who uses them and why they cannot be given', async () => {
    const part = await open('/host/laptop', 'devices', { devices: async () => [{ ...stick, machines: ['ipxe'] }, device('usb:1:2', { drivers: ['usbhid'] }), card] })
    await within(part).findByText('Device usb:0951:1666')
    expect(part.querySelector('[data-device="usb:0951:1666"]')!.textContent).toContain('Used by ipxe')
    expect(part.querySelector('[data-device="usb:1:2"]')!.textContent).toContain('Driver usbhid')
    for (const text of ['Cannot be given to a machine', 'its computer has no IOMMU that is on', 'switch on VT-d']) expect(part.textContent).toContain(text)
    await clean()
  })

  it('may be none, or not be told, and is told in 简体中文', async () => {
    i18n.set('zh')
    let list: () => Promise<Device[]> = async () => Promise.reject(new UiError({ op: 'device.list', cause: 'offline', hint: 'hither doctor says more' }))
    const part = await open('/host/laptop', 'devices', { devices: () => list() })
    await within(part).findByRole('alert')
    list = async () => []
    await fireEvent.click(within(part).getByRole('button'))
    await within(part).findByText('看不到它的 USB 或 PCI 设备。')
    await clean()
  })
})

describe('devices on the page of a machine', () => {
  it('are given and taken away', async () => {
    const asked: Change[] = []
    let has: DevicePart[] = []
    const part = await open('/machine/laptop/ipxe', 'hardware', {
      hardware: async () => parts(has),
      devices: async (host) => (host === 'id-laptop' ? [stick, card] : []),
      changeHardware: async (_host, _machine, change) => {
        asked.push(change)
        has = change.kind === 'device.attach' ? [{ ...blank, id: change.device, name: stick.name }] : []
        return { when: 'now', part: '', note: '' }
      },
    })
    await within(part).findByText('It has none.')
    await fireEvent.click(within(part).getByRole('button', { name: 'Add device' }))
    const dialog = page.getByRole('dialog')
    await within(dialog).findByText('Device usb:0951:1666')
    expect(within(dialog).queryByText('Device pci:0000:01:00.0')).toBe(null)
    expect(dialog.textContent).toContain('its computer has no IOMMU that is on')
    expect(dialog.textContent).toContain('Its computer cannot use it while the machine has it.')
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(part).findByText('Device usb:0951:1666')
    await fireEvent.click(within(part).getByRole('button', { name: /Device usb/ }))
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Take device away…' }))
    await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: 'Take away' }))
    await within(part).findByText('It has none.')
    expect(asked).toEqual([{ kind: 'device.attach', device: stick.id }, { kind: 'device.detach', device: stick.id }])
  })

  it('of another computer are given by the same dialog, and say when they are not there', async () => {
    const asked: Change[] = []
    let has: DevicePart[] = []
    const cloud = 'id-cloud'
    const part = await open('/machine/laptop/ipxe', 'hardware', {
      hardware: async () => parts(has),
      devices: async (host) => (host === 'id-laptop' ? [card] : [device('usb:1050:0407'), device('usb:1:2', { farNote: 'it is not plugged in', farHint: 'plug it in again' }), card]),
      changeHardware: async (_host, _machine, change) => {
        asked.push(change)
        has = change.kind === 'device.attach' ? [{ ...blank, id: change.device, name: 'Key', from: change.from ?? '', fromName: 'cloud', note: 'its computer is offline', hint: 'wake it' }] : []
        return { when: 'now', part: '', note: '' }
      },
    })
    await fireEvent.click(within(part).getByRole('button', { name: 'Add device' }))
    const dialog = page.getByRole('dialog')
    await within(dialog).findByText('Device usb:1050:0407')
    for (const text of ['From cloud · usb:1050:0407', 'From cloud: it is not plugged in', 'laptop needs admin there']) expect(dialog.textContent).toContain(text)
    expect(within(dialog).queryByText('Device usb:1:2')).toBe(null)
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(part).findByText('Key')
    expect(part.textContent).toContain('From cloud · usb:1050:0407')
    expect(part.textContent).toContain('its computer is offline')
    await fireEvent.click(within(part).getByRole('button', { name: /Key/ }))
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Take device away…' }))
    await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: 'Take away' }))
    await within(part).findByText('It has none.')
    expect(asked).toEqual([
      { kind: 'device.attach', device: 'usb:1050:0407', from: cloud },
      { kind: 'device.detach', device: 'usb:1050:0407', from: cloud },
    ])
  })

  it('that are pulled out are named by their number, and nothing is offered where nothing can be given', async () => {
    const part = await open('/machine/laptop/ipxe', 'hardware', {
      hardware: async () => parts([{ ...blank, id: stick.id, of: 'next-start' }]),
      devices: async () => [card],
    })
    await within(part).findByText('not plugged in · from the next start on')
    await fireEvent.click(within(part).getByRole('button', { name: 'Add device' }))
    const dialog = page.getByRole('dialog')
    await within(dialog).findByText(/^Nothing of laptop, and no USB device/)
    await vi.waitFor(() => expect(within(dialog).getByRole('button', { name: 'Add device' })).toHaveProperty('disabled', true))
  })
})

describe('a machine without a display that can be opened', () => {
  it('says that it is shown by screenshots, and is given a display', async () => {
    const asked: Change[] = []
    history.replaceState(null, '', '/machine/cloud/theirs')
    let displays = ['spice']
    const { app, stream } = fakeApp({
      hardware: async () => ({ ...parts([]), displays }),
      changeHardware: async (_host, _machine, change) => {
        asked.push(change)
        displays = ['spice', 'vnc']
        return { when: 'next-start', part: '', note: '' }
      },
    })
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    stream.push({ kind: 'machine', machine: machine('cloud', 'theirs', 'running', { screenshots: true }) })
    const note = await page.findByTestId('by-screenshots')
    expect(note.textContent).toContain('takes keys but no pointer')
    await fireEvent.click(within(note).getByRole('button', { name: 'Add a display' }))
    await within(note).findByText('A display was added; it is there from the next start on.')
    expect(within(note).queryByRole('button')).toBe(null)
    expect(asked).toEqual([{ kind: 'display.add' }])
    await clean()
    stream.push({ kind: 'machine', machine: machine('cloud', 'theirs', 'running') })
    await vi.waitFor(() => expect(page.queryByTestId('by-screenshots')).toBe(null))
  })
})

describe('apps of a virtual machine', () => {
  it('appear when they are there, and open on its screen', async () => {
    history.replaceState(null, '', '/apps/cloud')
    const asked: string[] = []
    let there = false
    const { app, stream } = fakeApp({
      apps: async (_host, name) => {
        asked.push(name)
        if (name === 'self') return []
        if (!there) throw new UiError({ op: 'app.list', path: name, cause: 'busy', detail: 'its apps are being installed', hint: 'that takes some minutes' })
        return [{ id: 'gimp', name: 'GIMP', comment: '', icon: '', categories: [], installed: false }] as never
      },
      runApp: async (_host, name, id) => (asked.push(name + '/' + id), { host: 'cloud', name, machine: name, kind: 'console', title: 'GIMP', width: 0, height: 0, app: '' }),
    })
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    stream.push({ kind: 'machine', machine: machine('cloud', 'office', 'running', { installing: ['firefox', 'gimp'] }) })
    const choice = (await page.findByRole('combobox', { name: 'Machine' })) as HTMLSelectElement
    await page.findByRole('option', { name: 'office' })
    choice.value = 'office'
    await fireEvent.change(choice)
    expect((await page.findByTestId('installing')).textContent).toContain('firefox, gimp')
    await vi.waitFor(() => expect(asked).toContain('office'))
    expect(page.queryByRole('alert')).toBe(null) // that they are not there yet is no error
    await clean()
    there = true
    stream.push({ kind: 'machine', machine: machine('cloud', 'office', 'running') })
    await fireEvent.click(await page.findByText('GIMP'))
    await vi.waitFor(() => expect(location.pathname).toBe('/machine/cloud/office'))
    expect(asked).toEqual(['self', 'office', 'office', 'office/gimp'])
  })
})
