import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { CatalogueImage, Image, Machine, MachineSpec } from '../src/api/model'
import { Draft } from '../src/dialogs/create/draft.svelte'
import { sizeOf, sizeText } from '../src/dialogs/size'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { found, Images } from '../src/state/images.svelte'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const GIB = 2 ** 30
const image = (name: string, more: Partial<Image> = {}): Image => ({
  name, format: 'qcow2', bytes: 300 << 20, diskBytes: 2 * GIB, sum: '', source: '', user: '', added: new Date(), usedBy: [], ...more,
})
const known = (name: string, more: Partial<CatalogueImage> = {}): CatalogueImage => ({
  name, title: 'Title of ' + name, format: 'qcow2', arch: 'x86_64', user: 'debian', checked: true, memoryBytes: 2 * GIB, diskBytes: 30 * GIB, ...more,
})
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk ada@laptop'

beforeEach(() => localStorage.removeItem('hither-ssh-keys'))

/** What a seed says of language and network when nobody asked for anything. */
const plain = { locale: '', addresses: [], gateways: [], dns: [] }

describe('a draft', () => {
  it('takes the sizes that suit an image, and its own disk size among the choices', () => {
    const d = new Draft()
    expect(d.whatWrong).toBe('create.choose')
    d.choose(known('a', { memoryBytes: 1.5 * GIB }))
    expect([d.memory, d.disk, d.whatWrong]).toEqual([2 * GIB, 30 * GIB, ''])
    expect(d.disks).toContain(30 * GIB)
    expect(d.spec()).toMatchObject({ image: 'a', iso: '', diskBytes: 30 * GIB, seed: { user: '', sshKeys: [] } })
  })

  it('puts CDs into the drive, and tells them nothing of users', () => {
    const d = new Draft()
    d.choose(known('cd', { format: 'iso' }))
    expect(d.spec()).toMatchObject({ image: '', iso: 'cd', seed: null })
    d.what = 'address'
    d.address = 'https://example.org/x/Some.ISO?mirror=1'
    expect([d.whatWrong, d.isCD]).toEqual(['', true])
    d.address = ' https://example.org/x/disk.qcow2 '
    expect(d.spec()).toMatchObject({ image: 'https://example.org/x/disk.qcow2', iso: '' })
    d.what = 'empty'
    expect(d.spec()).toMatchObject({ image: '', iso: '', seed: null })
  })

  it.each(['', 'example.org/x.img', 'ftp://example.org/x', 'https://a:b@example.org/x', 'https://example.org/', 'https://example.org/a b'])('refuses the address %j', (address) => {
    const d = new Draft()
    d.what = 'address'
    d.address = address
    expect(d.whatWrong).toBe('create.address.bad')
  })

  it('offers no disk that is smaller than the image', () => {
    const d = new Draft()
    d.what = 'pool'
    d.image = image('big', { diskBytes: 50 * GIB })
    expect(d.disks.filter((n) => n > 0 && n < 50 * GIB)).toEqual([])
    d.diskText = '49.5 GiB'
    expect(d.diskWrong).toBe('create.disk.small')
    d.diskText = ''
    expect([d.disk, d.diskWrong]).toEqual([0, ''])
  })

  it('sees what is wrong with users and keys, and remembers good keys', () => {
    const d = new Draft()
    d.choose(known('a'))
    expect(d.locked).toBe(true)
    d.keys = '-----BEGIN OPENSSH PRIVATE KEY-----'
    expect(d.keysWrong).toBe('create.keys.private')
    d.keys = 'hello'
    expect(d.keysWrong).toBe('create.keys.bad')
    d.keys = `${KEY}\n\n  ${KEY}\n`
    expect([d.keysWrong, d.locked]).toEqual(['', false])
    d.user = 'Root User'
    expect(d.userWrong).toBe('create.user.bad')
    d.user = 'ada'
    d.packages = 'vim,  git '
    d.apps = 'firefox, gimp'
    expect(d.spec().seed).toEqual({ user: 'ada', sshKeys: [KEY, KEY], password: '', hostname: '', packages: ['vim', 'git'], ...plain, apps: ['firefox', 'gimp'] })
    expect(new Draft().keys).toBe(d.keys)
  })

  it('takes addresses, and refuses half of them', () => {
    const d = new Draft()
    d.choose(known('a'))
    d.gateways = '192.0.2.1'
    expect(d.networkWrong).toBe('create.network.bad')
    d.addresses = '192.0.2.5'
    expect(d.networkWrong).toBe('create.network.bad')
    d.addresses = '192.0.2.5/24, 2001:db8::5/64'
    d.dns = 'fe80::1'
    expect(d.networkWrong).toBe('')
    expect(d.spec().seed).toMatchObject({ addresses: ['192.0.2.5/24', '2001:db8::5/64'], gateways: ['192.0.2.1'], dns: ['fe80::1'] })
  })

  it('lets a CD install by itself where somebody can log in', () => {
    localStorage.clear()
    const d = new Draft()
    d.choose(known('cd', { format: 'iso' }))
    expect([d.seeds, d.spec().unattended, d.spec().seed]).toEqual([false, false, null])
    d.unattended = true
    d.start = false
    expect(d.keysWrong).toBe('create.unattended.key')
    d.password = 'x'
    d.disk = 0
    expect([d.keysWrong, d.diskWrong]).toEqual(['', 'create.unattended.disk'])
    d.disk = 20 * GIB
    d.locale = 'de_DE.UTF-8'
    expect(d.spec()).toMatchObject({ unattended: true, start: true, iso: 'cd', seed: { locale: 'de_DE.UTF-8', password: 'x' } })
  })
})

it.each([
  ['2', 2 * GIB], ['2 GiB', 2 * GIB], [' 1,5 g ', 1.5 * GIB], ['512m', GIB / 2], ['512 MiB', GIB / 2], ['1TB', 1024 * GIB], ['0', 0],
  ['', NaN], ['two', NaN], ['-1', NaN], ['1 GiB 2', NaN], ['1e3', NaN],
])('reads %j as a size', (text, bytes) => expect(sizeOf(text)).toBe(bytes))

it.each([GIB, 1.5 * GIB, 0.25 * GIB, 2252 * 2 ** 20, 20 * GIB])('writes the size %d as it is read', (bytes) => expect(sizeOf(sizeText(bytes))).toBe(bytes))
it('writes no size as less than it is', () => expect(sizeOf(sizeText(2361393152 + 1))).toBeGreaterThan(2361393152))

it('finds images by every word of a search', () => {
  const list = [known('debian-13', { title: 'Debian 13 (trixie)' }), known('fedora-43')]
  expect(found(list, ' DEBIAN  trix ').map((i) => i.name)).toEqual(['debian-13'])
  expect(found(list, '')).toEqual(list)
  expect(found(list, 'debian fedora')).toEqual([])
})

it('lets the answer to the later question count', async () => {
  const answers: Array<(list: Image[]) => void> = []
  const all = new Images({ images: () => new Promise((resolve) => answers.push(resolve)), catalogue: async () => [] })
  const [first, second] = [all.load('h'), all.load('h')]
  answers[1]!([image('new')])
  await second
  answers[0]!([image('old')])
  await first
  expect(all.pool('h').list?.map((i) => i.name)).toEqual(['new'])
})

describe('images on the page', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })

  function open(path: string, more = {}) {
    history.replaceState(null, '', path)
    const { app, stream } = fakeApp(more)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return { app, stream }
  }

  it.each([
    ['en', 'Fetch image', 'Address', 'Checksum', 'Name', 'More for mine.iso', 'Delete…', 'Delete', 'None yet', 'in use by ipxe'],
    ['zh', '获取映像', '网址', '校验和', '名称', 'mine.iso 的更多操作', '删除…', '删除', '暂无映像', 'ipxe 正在使用'],
  ] as const)('are listed, fetched and deleted (%s)', async (language, fetch, address, sum, name, more, remove, yes, none, used) => {
    i18n.set(language)
    let list: Image[] = []
    const said: string[] = []
    open('/host/laptop', {
      images: async () => list,
      catalogue: async () => [known('debian-13')],
      fetchImage: async (...args: string[]) => {
        said.push(args.join(' '))
        list = [image('mine.iso', { format: 'iso' }), image('used', { usedBy: ['ipxe'] })]
        return list[0]
      },
      removeImage: async (...args: string[]) => void (said.push('remove ' + args[1]), (list = [])),
    })
    const part = await page.findByTestId('images')
    await within(part).findByText(new RegExp(none))
    await fireEvent.click(within(part).getByRole('button', { name: fetch }))
    const dialog = await page.findByRole('dialog')
    await fireEvent.click(within(dialog).getByRole('radio', { name: address }))
    const submit = within(dialog).getByRole('button', { name: fetch })
    await fireEvent.input(within(dialog).getByRole('textbox', { name: address }), { target: { value: 'https://example.org/mine.iso' } })
    await fireEvent.input(within(dialog).getByLabelText(sum), { target: { value: 'sha256:1' } })
    await fireEvent.click(submit)
    expect(within(dialog).getByLabelText(sum).getAttribute('aria-invalid')).toBe('true')
    await clean()
    await fireEvent.input(within(dialog).getByLabelText(sum), { target: { value: 'sha256:' + '0'.repeat(64) } })
    expect(within(dialog).getByLabelText(name).getAttribute('placeholder')).toBe('mine.iso')
    await fireEvent.click(submit)
    await within(part).findByText(new RegExp(used))
    await clean()
    await fireEvent.click(within(part).getByRole('button', { name: more.replace('mine.iso', 'used') }))
    expect(page.queryByRole('menuitem', { name: remove })).toBeNull() // it is in use
    await fireEvent.keyDown(page.getByRole('menu'), { key: 'Escape' })
    await fireEvent.click(within(part).getByRole('button', { name: more }))
    await fireEvent.click(page.getByRole('menuitem', { name: remove }))
    await fireEvent.click(within(await page.findByRole('alertdialog')).getByRole('button', { name: yes }))
    await within(part).findByText(new RegExp(none))
    expect(said).toEqual([`id-laptop mine.iso https://example.org/mine.iso sha256:${'0'.repeat(64)}`, 'remove mine.iso'])
  })

  it('says why they cannot be listed, and asks again', async () => {
    let broken = true
    open('/host/laptop', {
      images: async () => {
        if (broken) throw new UiError({ op: 'images', cause: 'busy', detail: 'too much' })
        return [image('a')]
      },
    })
    const part = await page.findByTestId('images')
    await within(part).findByRole('alert')
    broken = false
    await fireEvent.click(within(part).getByRole('button', { name: 'Try again' }))
    await within(part).findByText('a')
  })

  it.each([
    ['en', 'Search', 'Next', 'Name', 'Public SSH keys', 'Create', 'Nothing fits', 'Choose an image.', 'You can close this'],
    ['zh', '搜索', '下一步', '名称', 'SSH 公钥', '新建', '没有符合', '请选择一个映像。', '可以关闭此窗口'],
  ] as const)('make a machine in three steps (%s)', async (language, search, next, name, keys, create, nothing, choose, close) => {
    i18n.set(language)
    const made: MachineSpec[] = []
    let done = (_: Machine) => {}
    const { app, stream } = open('/library', {
      images: async () => [image('debian-13')],
      catalogue: async () => [known('debian-13', { title: 'Debian 13' }), known('fedora-43', { title: 'Fedora' })],
      createMachine: (_: string, spec: MachineSpec) => {
        made.push(spec)
        return new Promise<Machine>((resolve) => (done = resolve))
      },
    })
    await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
    app.dialog = { kind: 'create', host: '' }
    const dialog = await page.findByRole('dialog')
    const box = await within(dialog).findByRole('searchbox', { name: search })
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))
    expect(within(dialog).getByRole('alert').textContent).toBe(choose)
    await fireEvent.input(box, { target: { value: 'windows' } })
    await within(dialog).findByText(new RegExp(nothing))
    await fireEvent.input(box, { target: { value: 'deb' } })
    expect(within(dialog).queryByText('Fedora')).toBeNull()
    await fireEvent.click(within(dialog).getByRole('radio', { name: /Debian 13/ }))
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))

    const field = await within(dialog).findByLabelText(name)
    expect(document.activeElement).toBe(field)
    expect((field as HTMLInputElement).value).toBe('debian-13') // proposed, to be typed over
    await fireEvent.input(field, { target: { value: '' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))
    expect(field.getAttribute('aria-invalid')).toBe('true')
    await fireEvent.input(field, { target: { value: 'web' } })
    await fireEvent.input(within(dialog).getByLabelText(keys), { target: { value: KEY } })
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))

    await within(dialog).findByText('Debian 13')
    await fireEvent.click(within(dialog).getByRole('button', { name: create }))
    await within(dialog).findByText(new RegExp(close))
    stream.push({ kind: 'job', job: {
      id: 'J', host: 'laptop', op: 'machine.create', name: 'web', made: '', started: new Date(), ended: null, error: '',
      step: 'downloads the image', done: 1 << 20, total: 4 << 20, rate: 2 << 20, left: 2,
    } })
    await within(dialog).findByText(/2\.0 MiB\//)
    expect(within(dialog).getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25')
    await clean()
    expect(made).toEqual([{
      name: 'web', cpus: 1, memoryBytes: 2 * GIB, diskBytes: 30 * GIB, iso: '', image: 'debian-13', start: true, network: '', unattended: false, firmware: 'bios', tpm: false,
      seed: { user: '', sshKeys: [KEY], password: '', hostname: '', packages: [], ...plain, apps: [] },
    }])
    done(machine('laptop', 'web', 'running'))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    // It is shown, though the watch has not told of it yet.
    expect(location.pathname).toBe('/machine/laptop/web')
    expect(await page.findByRole('heading', { name: 'web', level: 1 })).toBeTruthy()
    expect(page.queryByTestId('made')).toBeNull()
  })

  it('does not close another dialog when a machine is made behind it', async () => {
    let done = (_: Machine) => {}
    const { app } = open('/library', {
      images: async () => [], catalogue: async () => [],
      createMachine: () => new Promise<Machine>((resolve) => (done = resolve)),
    })
    await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
    app.dialog = { kind: 'create', host: '' }
    const dialog = await page.findByRole('dialog')
    await fireEvent.click(within(dialog).getByRole('radio', { name: 'Empty' }))
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Next' }))
    await fireEvent.input(await within(dialog).findByLabelText('Name'), { target: { value: 'bare' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Next' }))
    await fireEvent.click(await within(dialog).findByRole('button', { name: 'Create' }))
    app.dialog = { kind: 'palette' }
    done(machine('laptop', 'bare', 'off'))
    await vi.waitFor(() => expect(app.tasks.running).toEqual([]))
    expect(app.dialog).toEqual({ kind: 'palette' })
    // It says where the machine is, until that is looked at.
    app.dialog = null
    const made = await page.findByTestId('made')
    expect(made.textContent).toContain('bare is ready on laptop.')
    expect(location.pathname).toBe('/library')
    await clean()
    await fireEvent.click(within(made).getByRole('link', { name: 'Show' }))
    expect(location.pathname).toBe('/machine/laptop/bare')
    await vi.waitFor(() => expect(page.queryByTestId('made')).toBeNull())
  })

  it.each([
    ['en', 'Memory', 'CPUs', 'Disk', 'Name', 'laptop has a machine of this name. Choose another.', 'Give it 16 MiB to 16 TiB, as in 2 GiB.', 'Memory: usual choices', 'Secure Boot', 'Create'],
    ['zh', '内存', 'CPU 数', '磁盘', '名称', 'laptop 上已有同名机器，请换一个名称。', '请填写 16 MiB 到 16 TiB，例如 2 GiB。', '内存：常用值', '安全启动', '新建'],
  ] as const)('take any size and what their computer has, and say that a name is taken as it is typed (%s)', async (language, memory, cpus, disk, name, taken, bad, usual, secure, create) => {
    i18n.set(language)
    const made: MachineSpec[] = []
    const resources = { cpus: 8, freeBytes: 6 * GIB, poolBytes: 100 * GIB, accelerator: 'kvm', firmwares: ['bios', 'uefi', 'uefi-secure'], tpm: true }
    const { app } = open('/library', {
      images: async () => [], catalogue: async () => [],
      place: async () => ({ host: '', id: '', candidates: [{ host: 'laptop', id: 'id-laptop', roles: [], fits: true, why: '', hasImage: false, resources }] }),
      createMachine: async (_: string, spec: MachineSpec) => (made.push(spec), machine('laptop', spec.name, 'off')),
    })
    await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
    app.dialog = { kind: 'create', host: 'id-laptop' }
    const dialog = await page.findByRole('dialog')
    await fireEvent.click(dialog.querySelector('input[value=empty]')!)
    await fireEvent.submit(dialog.querySelector('form')!)
    const field = await within(dialog).findByLabelText(name)
    const box = within(dialog).getByRole('combobox', { name: memory })
    await fireEvent.input(box, { target: { value: 'lots' } })
    expect(within(dialog).queryByText(bad)).toBeNull() // it is still being typed
    await fireEvent.focusOut(box)
    expect(within(dialog).getByText(bad)).toBeTruthy()
    await fireEvent.input(field, { target: { value: 'ipxe' } })
    expect(within(dialog).getByText(taken)).toBeTruthy()
    expect(field.getAttribute('aria-invalid')).toBe('true')
    await fireEvent.submit(dialog.querySelector('form')!)
    expect(within(dialog).getByLabelText(name)).toBe(field) // it does not go on
    await fireEvent.input(field, { target: { value: 'win' } })
    expect(within(dialog).queryByText(taken)).toBeNull()

    await fireEvent.click(within(dialog).getByRole('button', { name: usual }))
    await clean()
    await fireEvent.click(within(dialog).getByRole('option', { name: '4 GiB' }))
    expect([(box as HTMLInputElement).value, within(dialog).queryByRole('listbox')]).toEqual(['4 GiB', null])
    await fireEvent.keyDown(box, { key: 'ArrowDown' })
    await fireEvent.keyDown(box, { key: 'ArrowDown' })
    expect(box.getAttribute('aria-activedescendant')).toBe(within(dialog).getByRole('option', { name: '8 GiB' }).id)
    await fireEvent.keyDown(box, { key: 'Escape' })
    expect([within(dialog).queryByRole('listbox'), app.dialog?.kind]).toEqual([null, 'create'])
    await fireEvent.input(box, { target: { value: '6,5' } })
    await fireEvent.focusOut(box)
    expect((box as HTMLInputElement).value).toBe('6.5 GiB') // as it was understood
    await fireEvent.input(within(dialog).getByRole('combobox', { name: cpus }), { target: { value: '3' } })
    await fireEvent.input(within(dialog).getByRole('combobox', { name: disk }), { target: { value: '33g' } })
    await fireEvent.click(within(dialog).getByRole('radio', { name: secure }))
    await fireEvent.click(within(dialog).getByLabelText(/TPM 2\.0/))
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(dialog).findByText(new RegExp(secure + ' · TPM'))
    await fireEvent.click(within(dialog).getByRole('button', { name: create }))
    await vi.waitFor(() => expect(location.pathname).toBe('/machine/laptop/win'))
    expect(made).toMatchObject([{ name: 'win', memoryBytes: 6.5 * GIB, cpus: 3, diskBytes: 33 * GIB, firmware: 'uefi-secure', tpm: true }])
  })
})
