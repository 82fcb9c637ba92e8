import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api/api'
import { UiError } from '../src/api/error'
import type { CatalogueImage, Image } from '../src/api/model'
import type { BareComputer, BareSpec, NetBoot } from '../src/api/netboot'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { ended, fakeApp, fill, noNetBoot } from './fake'

const bare = (more: Partial<BareComputer> = {}): BareComputer => ({
  mac: '52:54:00:12:34:56', uuid: '', firmware: 'efi', vendor: 'PXEClient', seen: new Date(), state: 'seen', steps: [{ state: 'seen', at: new Date() }],
  name: '', note: '', hint: '', id: '', ...more,
})

const cd = (name: string, title = name): CatalogueImage & Image => ({
  name, title, arch: 'x86_64', user: '', format: 'iso', checked: true, memoryBytes: 0, diskBytes: 0, bytes: 1, sum: '', source: '', usedBy: [], added: null,
})
const images: Partial<Api> = {
  catalogue: async () => [cd('debian-13-netboot', 'Debian 13 (trixie), installer that needs a network'), cd('debian-12-netboot', 'Debian 12 (bookworm), installer that needs a network'), cd('freebsd14.1')],
  images: async () => [cd('debian-12-netboot'), cd('mine.iso'), { ...cd('disk'), format: 'qcow2' }],
}

/** A network boot that tests change. */
class Boot {
  private wake = () => {}
  asked: string[] = []
  specs: BareSpec[] = []
  constructor(public state: NetBoot = noNetBoot) {}

  become(more: Partial<NetBoot>): NetBoot {
    this.state = { ...this.state, revision: this.state.revision + 1n, ...more }
    this.wake()
    return this.state
  }

  api(): Partial<Api> {
    return {
      netBoot: async (_, after, signal) => {
        if (after === this.state.revision) await Promise.race([new Promise<void>((resolve) => (this.wake = resolve)), ended(signal)])
        return this.state
      },
      switchNetBoot: async (_, on, place) => {
        this.asked.push(`${on ? 'on' : 'off'} ${place}`)
        return this.become({ on, interface: place || this.state.interface, address: on ? '192.0.2.1' : '' })
      },
      installBare: async (_, spec) => (this.specs.push(spec), bare({ name: spec.name, state: 'paired' })),
      forgetBare: async (_, mac) => void this.become({ computers: this.state.computers.filter((c) => c.mac !== mac) }),
    }
  }
}

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
  localStorage.clear()
})
async function open(more: Partial<Api>): Promise<HTMLElement> {
  history.replaceState(null, '', '/host/laptop')
  const { app, stream } = fakeApp(more)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  return page.findByTestId('netboot')
}

describe('network boot', () => {
  it('is switched on, lists who waits as they come, and is switched off', async () => {
    const boot = new Boot()
    const part = await open(boot.api())
    await fireEvent.click(await within(part).findByRole('button', { name: 'Switch on' }))
    await within(part).findByText('No computer has asked yet.')
    expect(part.textContent).toContain('On for eth0, from 192.0.2.1.')
    boot.become({ computers: [bare()] })
    await within(part).findByText('52:54:00:12:34:56')
    expect(part.textContent).toContain('UEFI')
    await clean()
    await fireEvent.click(within(part).getByRole('button', { name: 'Switch off' }))
    await within(part).findByRole('button', { name: 'Switch on' })
    expect(boot.asked).toEqual(['on eth0', 'off '])
  })

  it('installs a computer only when its disk is said to be lost', async () => {
    const boot = new Boot({ ...noNetBoot, on: true, interface: 'eth0', address: '192.0.2.1', computers: [bare()] })
    const part = await open(boot.api())
    await fireEvent.click(await within(part).findByRole('button', { name: 'Install…' }))
    const dialog = page.getByRole('dialog')
    const type = (label: string, value: string) => fireEvent.input(within(dialog).getByLabelText(label), { target: { value } })
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(dialog).findByText('Say that you mean it.')
    expect(within(dialog).getByLabelText('Name').getAttribute('aria-invalid')).toBe('true')
    await clean()
    await type('Name', 'cloud')
    await within(dialog).findByText('a computer has this name')
    await type('Name', 'attic')
    await type('Disk', 'sda; reboot')
    await within(dialog).findByText('A disk is named as in /dev/sda.')
    await type('Disk', '/dev/nvme0n1')
    await type('User', 'anna')
    await type('Password', 'secret')
    const may = within(dialog).getByRole('group', { name: 'What it may do on laptop' })
    expect(within(dialog).getByText(/^Nothing yet/)).toBeTruthy()
    await fireEvent.click(within(may).getByRole('checkbox', { name: /^See/ }))
    await fireEvent.click(within(may).getByRole('checkbox', { name: /^Files/ }))
    await fireEvent.submit(dialog.querySelector('form')!)
    expect(boot.specs).toEqual([])
    await fireEvent.click(within(dialog).getByRole('checkbox', { name: 'Everything on that disk is lost.' }))
    await fireEvent.submit(dialog.querySelector('form')!)
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBe(null))
    expect(boot.specs).toEqual([{ mac: '52:54:00:12:34:56', name: 'attic', disk: '/dev/nvme0n1', user: 'anna', sshKeys: [], password: 'secret', image: 'debian-12', within: 7200, grants: ['view', 'files'] }])
  })

  it('offers what can be installed from, and a time limit within bounds', async () => {
    const boot = new Boot({ ...noNetBoot, on: true, interface: 'eth0', address: '192.0.2.1', computers: [bare()] })
    const part = await open({ ...boot.api(), ...images })
    await fireEvent.click(await within(part).findByRole('button', { name: 'Install…' }))
    const dialog = page.getByRole('dialog')
    const installer = within(dialog).getByLabelText<HTMLSelectElement>('Installer')
    await within(dialog).findByRole('option', { name: 'mine.iso' })
    expect([...installer.options].map((o) => o.text)).toEqual(['Debian 13 (trixie)', 'Debian 12 (bookworm) · here already', 'mine.iso'])
    expect(installer.value).toBe('debian-12')
    const choose = (what: HTMLElement, value: string) => fireEvent.change(what, { target: { value } })
    await choose(installer, 'debian-13')
    await within(dialog).findByText('laptop fetches it first.')
    await choose(installer, 'mine.iso')
    await within(dialog).findByText('Only one that needs nothing but a network will do.')
    const limit = within(dialog).getByLabelText<HTMLInputElement>('Time limit')
    expect(limit.value).toBe('2')
    const type = (label: string, value: string) => fireEvent.input(within(dialog).getByLabelText(label), { target: { value } })
    await type('Name', 'attic')
    await type('Password', 'secret')
    await fireEvent.click(within(dialog).getByRole('checkbox', { name: 'Everything on that disk is lost.' }))
    for (const [value, unit] of [['0', 3600], ['soon', 3600], ['0.5', 60], ['7.1', 86400], ['-1', 86400]] as const) {
      await type('Time limit', value)
      await choose(within(dialog).getByLabelText('Unit of the time limit'), String(unit))
      await fireEvent.submit(dialog.querySelector('form')!)
      await within(dialog).findByText('Give 1 minute to 7 days.')
      expect(boot.specs).toEqual([])
    }
    await clean()
    await type('Time limit', '1.5')
    await fireEvent.submit(dialog.querySelector('form')!)
    await vi.waitFor(() => expect(boot.specs).toEqual([
      { mac: '52:54:00:12:34:56', name: 'attic', disk: '', user: '', sshKeys: [], password: 'secret', image: 'mine.iso', within: 129_600, grants: [] },
    ]))
  })

  it('says at the installer what the host has against it, and stays until the computer has its order', async () => {
    i18n.set('zh')
    const boot = new Boot({ ...noNetBoot, on: true, interface: 'eth0', address: '192.0.2.1', computers: [bare()] })
    const refused = new UiError({ op: 'netboot.install', path: 'mine.iso', cause: 'unsupported', detail: 'its installer needs its CD', hint: 'take one that needs a network only, as debian-12 is' })
    const busy = new UiError({ op: 'netboot.install', path: 'attic', cause: 'busy', detail: 'too many computers are being installed', hint: 'x' })
    const answers: Array<() => Promise<BareComputer>> = [() => Promise.reject(refused), () => Promise.reject(busy), () => new Promise(() => {})]
    const part = await open({ ...boot.api(), ...images, installBare: () => answers.shift()!() })
    await fireEvent.click(await within(part).findByRole('button', { name: '安装…' }))
    const dialog = page.getByRole('dialog')
    const installer = within(dialog).getByLabelText<HTMLSelectElement>('安装程序')
    await within(dialog).findByRole('option', { name: 'mine.iso' })
    await fireEvent.change(installer, { target: { value: 'mine.iso' } })
    await fireEvent.input(within(dialog).getByLabelText('名称'), { target: { value: 'attic' } })
    await fireEvent.input(within(dialog).getByLabelText('密码'), { target: { value: 'secret' } })
    await fireEvent.click(within(dialog).getByRole('checkbox', { name: '该磁盘上的所有内容都会丢失。' }))
    await fireEvent.submit(dialog.querySelector('form')!)
    const said = await within(dialog).findByRole('alert')
    expect(said.textContent).toContain('它的安装程序需要光盘')
    expect(said.id).toBe(installer.getAttribute('aria-describedby'))
    expect(document.activeElement).toBe(installer)
    await clean()
    await fireEvent.change(installer, { target: { value: 'debian-12' } })
    expect(within(dialog).queryByRole('alert')).toBe(null)
    await fireEvent.submit(dialog.querySelector('form')!)
    expect((await within(dialog).findByRole('alert')).textContent).toContain('正在安装的电脑太多')
    expect(installer.getAttribute('aria-invalid')).toBe('false')
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(dialog).findByText('正在准备安装程序')
    boot.become({ computers: [bare({ name: 'attic', state: 'ordered' })] })
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBe(null))
  })

  it('shows each step, asks before it breaks one off, and takes computers off the list', async () => {
    const at = new Date('2026-11-29T10:00:00')
    const boot = new Boot({
      ...noNetBoot, on: true, interface: 'eth0', address: '192.0.2.1',
      computers: [
        bare({ mac: '52:54:00:00:00:01', name: 'attic', state: 'installing', steps: ['seen', 'ordered', 'booting', 'installing'].map((state) => ({ state: state as BareComputer['state'], at })) }),
        bare({ mac: '52:54:00:00:00:02', name: 'cellar', state: 'failed', note: 'it started anew before it was installed', hint: 'look at its screen; then install it anew' }),
      ],
    })
    const part = await open(boot.api())
    await within(part).findByText('attic')
    const [attic, cellar] = ['01', '02'].map((n) => part.querySelector<HTMLElement>(`[data-mac="52:54:00:00:00:${n}"]`)!)
    expect(within(attic!).getByRole('list', { name: 'Steps' }).children.length).toBe(4)
    expect(within(attic!).queryByRole('button', { name: 'Install…' })).toBe(null)
    expect(cellar!.textContent).toContain('it started anew before it was installed')
    await clean()
    await fireEvent.click(within(part).getByRole('button', { name: 'Switch off' }))
    await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: 'Cancel' }))
    expect(boot.asked).toEqual([])
    await fireEvent.click(within(cellar!).getByRole('button', { name: /cellar/ }))
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Take off the list' }))
    await vi.waitFor(() => expect(within(part).queryByText('cellar')).toBe(null))
  })

  it('says why it cannot, in 简体中文 too, and is asked again', async () => {
    i18n.set('zh')
    const boot = new Boot({ ...noNetBoot, on: true, note: 'iPXE is not installed here', hint: 'install it: sudo apt install ipxe' })
    const api = boot.api()
    let fails = true
    const part = await open({ ...api, netBoot: (...args) => (fails ? Promise.reject(new UiError({ op: 'netboot', cause: 'permission', hint: 'x' })) : api.netBoot!(...args)) })
    await within(part).findByRole('alert')
    fails = false
    await fireEvent.click(within(part).getByRole('button'))
    await within(part).findByText('这里没有安装 iPXE')
    expect(part.textContent).toContain('请安装：sudo apt install ipxe')
    await clean()
  })
})
