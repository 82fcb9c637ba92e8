import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api/api'
import { UiError } from '../src/api/error'
import type { Card, Forward, Network, Pool, Volume } from '../src/api/networks'
import { i18n, t } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { Asked } from '../src/state/asked.svelte'
import { clean } from './clean'
import { fakeApp, fill } from './fake'

const net = (name: string, more: Partial<Network> = {}): Network => ({
  host: 'laptop', name, kind: 'nat', active: true, autostart: true, bridge: 'virbr0', subnet: '10.9.0.0/24', machines: [], leases: 0, ...more,
})
const pool = (name: string, more: Partial<Pool> = {}): Pool => ({
  host: 'laptop', name, kind: 'dir', path: '/p/' + name, state: 'active', totalBytes: 100 * 2 ** 30, freeBytes: 25 * 2 ** 30, note: '', hint: '', ...more,
})
const vol = (name: string, more: Partial<Volume> = {}): Volume => ({
  pool: 'hither', name, format: 'qcow2', capacityBytes: 2 ** 30, allocationBytes: 2 ** 20, base: '', machines: [], baseOf: [], ...more,
})

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})

async function open(path: string, part: string, more: Partial<Api> = {}): Promise<HTMLElement> {
  history.replaceState(null, '', path)
  const { app, stream } = fakeApp(more)
  app.settings.setInspector(true)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  return page.findByTestId(part)
}
const type = (label: string | RegExp, value: string) =>
  fireEvent.input(within(page.getByRole('dialog')).getByLabelText(label), { target: { value } })
const submit = () => fireEvent.submit(page.getByRole('dialog').querySelector('form')!)
const pick = async (part: HTMLElement, more: string, item: string | RegExp, yes?: string) => {
  await fireEvent.click(await within(part).findByRole('button', { name: more }))
  await fireEvent.click(await page.findByRole('menuitem', { name: item }))
  if (yes) await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: yes }))
}

it('lets the answer to the later question count', async () => {
  const answers: Array<(n: number) => void> = []
  const asked = new Asked<number>(() => new Promise((resolve) => answers.push(resolve)))
  const first = asked.load('h')
  const second = asked.load('h')
  answers[1]!(2)
  await second
  answers[0]!(1)
  await first
  expect(asked.of('h').value).toBe(2)
  expect(asked.of('other').value).toBe(null)
})

describe('networks on the page of a computer', () => {
  it.each([
    ['en', 'Add network', /What its machines reach/, 'Name', 'Subnet', 'Stop…', 'Stop', 'Remove…', 'Remove'],
    ['zh', '添加网络', /虚拟机能访问什么/, '名称', '子网', '停止…', '停止', '删除…', '删除'],
  ] as const)('are added, stopped and removed, in %s', async (language, add, kinds, name, subnet, stopIt, yesStop, removeIt, yesRemove) => {
    i18n.set(language)
    const said: string[] = []
    let list: Network[] = []
    const part = await open('/host/laptop', 'networks', {
      networks: async () => [...list],
      createNetwork: async (host, spec) => {
        said.push(`${host} ${spec.name} ${spec.kind} ${spec.subnet}`)
        list = [net(spec.name, { kind: spec.kind, machines: ['ipxe'] })]
        return list[0]!
      },
      stopNetwork: async (_, n) => void (said.push('stop ' + n), (list = [net(n, { active: false })])),
      removeNetwork: async (_, n) => void (said.push('remove ' + n), (list = [])),
    })
    await clean()
    await fireEvent.click(await within(part).findByRole('button', { name: add }))
    const dialog = page.getByRole('dialog')
    expect(within(dialog).getByRole('group', { name: kinds })).toBeTruthy()
    for (const bad of ['', '../x', '<b>']) {
      await type(name, bad)
      await submit()
      expect(within(dialog).getByLabelText(name).getAttribute('aria-invalid')).toBe('true')
    }
    await type(name, 'lab')
    await type(subnet, '10.9.0')
    await submit()
    expect(within(dialog).getByLabelText(subnet).getAttribute('aria-invalid')).toBe('true')
    expect(said).toEqual([])
    await type(subnet, '10.9.0.0/24')
    await clean()
    await submit()
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await within(part).findByText('lab')
    expect(within(part).getByRole('link', { name: 'ipxe' }).getAttribute('href')).toContain('ipxe')
    const more = t('verb.more', { name: 'lab' })
    await pick(part, more, stopIt, yesStop)
    await vi.waitFor(() => expect(said).toContain('stop lab'))
    await clean()
    await pick(part, more, removeIt, yesRemove)
    await vi.waitFor(() => expect(within(part).queryByText('lab')).toBeNull())
    expect(said).toEqual(['id-laptop lab nat 10.9.0.0/24', 'stop lab', 'remove lab'])
  })

  it('asks for a bridge where the kind has one', async () => {
    const said: string[] = []
    const part = await open('/host/laptop', 'networks', {
      createNetwork: async (_, spec) => (said.push(JSON.stringify(spec)), net(spec.name)),
    })
    await fireEvent.click(await within(part).findByRole('button', { name: 'Add network' }))
    await type('Name', 'out')
    await fireEvent.click(within(page.getByRole('dialog')).getByRole('radio', { name: /^Bridge/ }))
    await submit()
    expect(said).toEqual([])
    await type('Bridge of laptop', 'br0')
    await submit()
    await vi.waitFor(() => expect(said).toEqual(['{"name":"out","kind":"bridge","subnet":"","bridge":"br0"}']))
  })

  it('shows the addresses in use', async () => {
    const part = await open('/host/laptop', 'networks', {
      networks: async () => [net('lab', { leases: 2 })],
      leases: async () => [
        { ip: '10.9.0.5', mac: 'a', machine: 'ipxe', name: '', expires: null },
        { ip: '10.9.0.6', mac: '52:54:00:00:00:02', machine: '', name: '', expires: null },
      ],
    })
    await fireEvent.click(await within(part).findByRole('button', { name: '2 addresses in use' }))
    const list = await within(part).findByRole('list', { name: 'Addresses in use on lab' })
    expect(within(list).getAllByRole('listitem').map((i) => i.textContent?.trim().replace(/\s+/g, ' '))).toEqual(['10.9.0.5 ipxe', '10.9.0.6 52:54:00:00:00:02'])
    await clean()
  })

  it('says what is wrong, there and in the dialog, and asks again', async () => {
    let broken = true
    const part = await open('/host/laptop', 'networks', {
      networks: async () => {
        if (broken) throw new UiError({ op: 'network.list', cause: 'offline', hint: 'libvirt is away' })
        return [net('lab', { active: false })]
      },
      startNetwork: async () => {
        throw new UiError({ cause: 'permission', detail: 'no', hint: 'run it as root' })
      },
    })
    const alert = await within(part).findByRole('alert')
    expect(alert.textContent).toContain('ibvirt is away')
    broken = false
    await fireEvent.click(within(alert).getByRole('button', { name: 'Try again' }))
    await within(part).findByText('stopped')
    await pick(part, 'More for lab', 'Start')
    expect((await within(part).findByRole('alert')).textContent).toContain('un it as root')
  })
})

describe('storage on the page of a computer', () => {
  it('shows pools, and what is in them', async () => {
    const said: string[] = []
    let volumes = [vol('disk', { machines: ['ipxe'] }), vol('base', { baseOf: ['clone'] }), vol('clone', { base: 'base' }), vol('cd.iso', { format: 'iso' })]
    const part = await open('/host/laptop', 'storage', {
      pools: async () => [pool('hither', { kind: 'hither' }), pool('usb', { state: 'gone', totalBytes: 0, freeBytes: 0, note: 'its directory is not there', hint: 'plug it in' })],
      volumes: async () => [...volumes],
      createVolume: async (_, p, name, n) => (said.push(`add ${p}/${name} ${n}`), vol(name)),
      growVolume: async (_, p, name, n) => (said.push(`grow ${p}/${name} ${n}`), vol(name)),
      removeVolume: async (_, p, name) => void (said.push(`remove ${p}/${name}`), (volumes = volumes.slice(0, 2))),
    })
    await within(part).findByText('25.0 GiB of 100.0 GiB free')
    expect(within(part).getByRole('meter', { name: 'Hither' }).getAttribute('aria-valuenow')).toBe('75')
    within(part).getByText('gone')
    within(part).getByText(/ts directory is not there/)
    await fireEvent.click(within(part).getByRole('button', { name: /Volumes/ }))
    await within(part).findByText(/used by ipxe/)
    within(part).getByText(/the base of clone/)
    within(part).getByText(/built on base/)
    await clean()
    expect((within(part).getByRole('button', { name: 'More for base' }) as HTMLButtonElement).disabled).toBe(true)
    await fireEvent.click(within(part).getByRole('button', { name: 'More for disk' }))
    expect(page.getAllByRole('menuitem').map((i) => i.textContent?.trim())).toEqual(['Make larger…'])
    await fireEvent.click(page.getByRole('menuitem'))
    await type('Size in GiB', '1')
    await submit()
    expect(within(page.getByRole('dialog')).getByText(/does not shrink/)).toBeTruthy()
    await type('Size in GiB', '3')
    await clean()
    await submit()
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await fireEvent.click(within(part).getByRole('button', { name: 'Add volume' }))
    await type('Name', 'disk')
    await submit()
    expect(within(page.getByRole('dialog')).getByText('There is a volume of this name.')).toBeTruthy()
    await type('Name', 'new')
    await submit()
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await pick(part, 'More for clone', 'Delete…', 'Delete')
    await vi.waitFor(() => expect(within(part).queryByText('clone')).toBeNull())
    expect(said).toEqual([`grow hither/disk ${3 * 2 ** 30}`, `add hither/new ${20 * 2 ** 30}`, 'remove hither/clone'])
  })
})

describe('the network of a machine', () => {
  const card: Card = {
    mac: '52:54:00:00:00:01', model: 'virtio', kind: 'network', network: 'lab', bridge: '',
    addresses: [{ ip: '10.9.0.5', source: 'lease' }, { ip: 'fe80::1', source: 'agent' }],
  }

  it('shows cards and forwards, and changes these', async () => {
    const said: string[] = []
    let forwards: Forward[] = []
    const part = await open('/machine/cloud/build', 'network', {
      cards: async () => [card, { ...card, mac: 'b', network: '', kind: 'user', addresses: [] }],
      forwards: async () => [...forwards],
      addForward: async (_, m, f) => {
        said.push(`${m} ${f.listen}:${f.hostPort}:${f.guestPort}/${f.proto}`)
        forwards = [{ ...f, hostPort: 40000 }]
        return forwards[0]!
      },
      removeForward: async (_host, _machine, f) => void (said.push(`remove ${f.hostPort}`), (forwards = [])),
    })
    await within(part).findByText('10.9.0.5')
    within(part).getByText('given by cloud')
    within(part).getByText('said by the guest')
    within(part).getByText('Through cloud')
    expect(within(part).getAllByRole('button', { name: 'Copy' }).length).toBe(2)
    await within(part).findByText(/A forward lets programs on cloud/)
    await clean()
    await fireEvent.click(within(part).getByRole('button', { name: 'Forward a port' }))
    await type('Port of the machine', '70000')
    await submit()
    expect(within(page.getByRole('dialog')).getByText('A port is 1 to 65535.')).toBeTruthy()
    await type('Port of the machine', '80')
    await fireEvent.click(within(page.getByRole('dialog')).getByRole('checkbox'))
    within(page.getByRole('dialog')).getByText(/Everybody who reaches cloud will/)
    await clean()
    await submit()
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    await within(part).findByText('0.0.0.0:40000')
    within(part).getByText('to port 80')
    within(part).getByText('open to the network')
    await fireEvent.click(within(part).getByRole('button', { name: 'End forward of port 40000' }))
    await within(part).findByText(/A forward lets programs on cloud/)
    expect(said).toEqual(['build 0.0.0.0:0:80/tcp', 'remove 40000'])
  })

  it('keeps the dialog open with what is wrong', async () => {
    const part = await open('/machine/cloud/build', 'network', {
      addForward: async () => {
        throw new UiError({ cause: 'busy', detail: 'another program has this port', hint: 'take another port' })
      },
    })
    await fireEvent.click(await within(part).findByRole('button', { name: 'Forward a port' }))
    await type('Port of the machine', '80')
    await submit()
    expect((await within(page.getByRole('dialog')).findByRole('alert')).textContent).toContain('nother program has this port')
  })

  it('is not there for a computer', async () => {
    history.replaceState(null, '', '/machine/laptop/self')
    const { app, stream } = fakeApp()
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    await page.findByRole('complementary')
    expect(page.queryByTestId('network')).toBeNull()
  })
})
