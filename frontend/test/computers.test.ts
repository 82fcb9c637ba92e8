import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Card, Host, Machine, MachineSpec, Placement } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { fakeApp, fill, host, machine } from './fake'

const card: Card = { name: 'eth0', mac: '52:54:00:00:00:01', nets: ['192.0.2.1/24'], wake: 'on' }
const self = (owner: string, more: Partial<Machine> = {}) =>
  machine(owner, 'self', 'running', { screen: false, verbs: ['sleep', 'reboot', 'stop'], ...more })

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})

function open(path: string, more = {}) {
  history.replaceState(null, '', path)
  const { app, stream } = fakeApp(more)
  app.settings.setInspector(true)
  stop = app.start()
  render(Shell, { app })
  fill(stream)
  return { app, stream }
}
describe('the power of a computer', () => {
  it.each([
    ['en', 'More for cloud', 'Sleep…', 'Put cloud to sleep?', 'build and xterm', 'somebody has to do that there', 'Sleep'],
    ['zh', 'cloud 的更多操作', '睡眠…', '让 cloud 睡眠？', 'build和xterm', '须有人在那里开机', '睡眠'],
  ] as const)('is asked for, with what ends (%s)', async (language, more, sleep, title, what, back, yes) => {
    i18n.set(language)
    const asked: string[] = []
    const { stream } = open('/library', { doMachine: async (...args: string[]) => void asked.push(args.join(' ')) })
    stream.push({ kind: 'machine', machine: self('cloud') })
    const own = await page.findByRole('article', { name: 'cloud' })
    await fireEvent.click(within(own).getByRole('button', { name: more }))
    await fireEvent.click(within(own).getByRole('menuitem', { name: sleep }))
    const dialog = page.getByRole('alertdialog', { name: title })
    expect(dialog.textContent).toContain(what)
    expect(dialog.textContent).toContain(back)
    expect(asked).toEqual([])
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: yes }))
    expect(asked).toEqual(['id-cloud self sleep'])
  })

  it('says how a computer comes back', async () => {
    const { app, stream } = open('/library')
    await page.findAllByText('build')
    const question = async (h: Host, verb: string): Promise<string> => {
      stream.push({ kind: 'host', host: h })
      stream.push({ kind: 'machine', machine: self(h.name) })
      await vi.waitFor(() => expect(app.hosts.find(h.id)?.cards).toEqual(h.cards))
      const own = await page.findByRole('article', { name: h.name })
      await fireEvent.click(await within(own).findByRole('button', { name: `More for ${h.name}` }))
      await fireEvent.click(within(own).getByRole('menuitem', { name: verb }))
      const text = page.getByRole('alertdialog').textContent ?? ''
      app.dialog = null
      await vi.waitFor(() => expect(page.queryByRole('alertdialog')).toBeNull())
      return text
    }
    expect(await question(host('cloud', { cards: [card] }), 'Shut down…')).toContain('can be woken over its network')
    expect(await question(host('cloud', { cards: [{ ...card, wake: 'off' }] }), 'Shut down…')).toContain('does not listen')
    expect(await question(host('cloud'), 'Restart…')).toContain('back by itself')
    expect(await question(host('laptop', { local: true, color: 0 }), 'Shut down…')).toContain('you are using')
  })

  it('is not offered where it is missing, and that says why', async () => {
    const lacks = [{ verb: 'sleep', reason: 'its hardware or its system cannot do that' }]
    const { stream } = open('/machine/cloud/self')
    stream.push({ kind: 'machine', machine: self('cloud', { verbs: ['stop'], cannot: lacks }) })
    const part = await page.findByTestId('power')
    expect(within(part).getByRole('button', { name: 'Shut down…' })).toBeTruthy()
    expect(within(part).queryByRole('button', { name: 'Sleep…' })).toBeNull()
    expect(within(part).getByText('Cannot sleep')).toBeTruthy()
    expect(within(part).getByText('its hardware or its system cannot do that')).toBeTruthy()
    await clean()
    const none = (['sleep', 'reboot', 'stop'] as const).map((verb) => ({ verb, reason: 'this computer was not granted admin there' }))
    stream.push({ kind: 'machine', machine: self('cloud', { verbs: [], cannot: none }) })
    i18n.set('zh')
    await within(part).findByText('无法从此处控制电源')
    expect(within(part).getAllByText('那台电脑未授予这台电脑 admin 权限').length).toBe(1)
    expect(within(part).queryByRole('button')).toBeNull()
  })

  it('says on the card what it lacks', async () => {
    const { stream } = open('/library')
    stream.push({ kind: 'machine', machine: self('cloud', { verbs: ['stop'], cannot: [{ verb: 'sleep', reason: 'so it is' }] }) })
    const note = await page.findByTestId('cannot')
    expect(note.textContent).toContain('Cannot sleep')
    expect(note.title).toBe('so it is')
  })
})

describe('waking a computer', () => {
  it.each([
    ['en', 'Asleep', 'Wake', 'cloud and laptop', 'Asleep · last seen'],
    ['zh', '睡眠中', '唤醒', 'cloud和laptop', '睡眠中 · '],
  ] as const)('is on the cards of one that sleeps (%s)', async (language, asleep, wake, by, seen) => {
    i18n.set(language)
    const asked: string[] = []
    const { stream } = open('/library', {
      wake: async (id: string) => (asked.push(id), { by: ['cloud', 'laptop'], note: 'ask its card' }),
    })
    const nas = host('nas', { online: false, color: 2, away: 'asleep', cards: [card] })
    stream.push({ kind: 'host', host: nas })
    const media = await page.findByRole('article', { name: 'media' })
    await within(media).findByText(asleep)
    expect(page.getByText(new RegExp(seen))).toBeTruthy()
    await fireEvent.click(within(media).getByRole('button', { name: wake }))
    const said = await page.findByText(new RegExp(by))
    expect(asked).toEqual(['id-nas'])
    expect(said.parentElement?.textContent).toContain('ask its card')
    await clean()
    stream.push({ kind: 'host', host: { ...nas, online: true, away: '' } })
    await vi.waitFor(() => expect(page.queryByText(new RegExp(by))).toBeNull())
    expect(within(media).queryByRole('button', { name: wake })).toBeNull()
  })

  it('is not offered without a card, and says why it failed', async () => {
    const { stream } = open('/library', {
      wake: async () => Promise.reject(new UiError({ op: 'host.wake', cause: 'offline', detail: 'nobody who is awake is on its network' })),
    })
    const media = await page.findByRole('article', { name: 'media' })
    expect(within(media).queryByRole('button', { name: 'Wake' })).toBeNull()
    stream.push({ kind: 'host', host: host('nas', { online: false, color: 2, cards: [card] }) })
    await fireEvent.click(await within(media).findByRole('button', { name: 'Wake' }))
    expect((await page.findByRole('alert')).textContent).toContain('obody who is awake')
  })
})

describe('the roles of a computer', () => {
  it('are changed on its page', async () => {
    const asked: unknown[] = []
    const { stream } = open('/host/cloud', { setRoles: async (...args: unknown[]) => (asked.push(args), []) })
    const ticks = await page.findByRole('region', { name: 'What it is for' })
    await fireEvent.click(within(ticks).getByRole('checkbox', { name: /^Compute/ }))
    stream.push({ kind: 'host', host: host('cloud', { roles: ['compute'] }) })
    await vi.waitFor(() => expect((within(ticks).getByRole('checkbox', { name: /^Compute/ }) as HTMLInputElement).checked).toBe(true))
    expect(await page.findByRole('img', { name: 'For: Compute' })).toBeTruthy() // in the rail
    await fireEvent.click(within(ticks).getByRole('checkbox', { name: /^Compute/ }))
    expect(asked).toEqual([['id-cloud', ['compute'], []], ['id-cloud', [], ['compute']]])
    await clean()
    stream.push({ kind: 'host', host: host('cloud', { may: ['view', 'control'] }) })
    await within(ticks).findByText(/did not allow/)
    expect((within(ticks).getByRole('checkbox', { name: /^Storage/ }) as HTMLInputElement).disabled).toBe(true)
  })

  it.each([['en', 'Storage', 'All'], ['zh', '存储', '全部']] as const)('choose what the library shows (%s)', async (language, files, all) => {
    i18n.set(language)
    const { stream } = open('/library')
    await page.findByRole('article', { name: 'build' })
    expect(page.queryByRole('radiogroup')).toBeNull()
    stream.push({ kind: 'host', host: host('nas', { online: false, color: 2, roles: ['storage', 'of another release'] }) })
    await fireEvent.click(await page.findByRole('radio', { name: files }))
    await vi.waitFor(() => expect(page.queryByRole('article', { name: 'build' })).toBeNull())
    expect(page.getByRole('article', { name: 'media' })).toBeTruthy()
    expect(location.search).toBe('?role=storage')
    await fireEvent.click(page.getByRole('radio', { name: all }))
    expect(await page.findByRole('article', { name: 'build' })).toBeTruthy()
  })
})

const GIB = 1 << 30
const placement: Placement = {
  host: 'cloud', id: 'id-cloud',
  candidates: [
    { host: 'cloud', id: 'id-cloud', roles: ['compute'], fits: true, why: '', hasImage: false, resources: { cpus: 4, freeBytes: 12 * GIB, poolBytes: 99 * GIB, accelerator: 'kvm', firmwares: ['bios'], tpm: false } },
    { host: 'laptop', id: 'id-laptop', roles: [], fits: false, why: 'memory', hasImage: false, resources: { cpus: 4, freeBytes: GIB, poolBytes: 99 * GIB, accelerator: 'kvm', firmwares: ['bios'], tpm: false } },
    { host: 'nas', id: 'id-nas', roles: [], fits: false, why: 'offline', hasImage: false, resources: null },
  ],
}

describe('a machine that may be anywhere', () => {
  it.each([
    ['en', 'On computer', 'Empty', 'Next', 'Name', 'Create', 'cloud: 12.0 GiB free, KVM, for machines', 'laptop: only 1.0 GiB of memory free', 'nas: offline'],
    ['zh', '所在电脑', '空磁盘', '下一步', '名称', '新建', 'cloud：剩余内存 12.0 GiB，KVM，用于虚拟机', 'laptop：内存仅剩 1.0 GiB', 'nas：离线'],
  ] as const)('is made where there is room, and the dialog says why (%s)', async (language, on, empty, next, name, make, ...why) => {
    i18n.set(language)
    const placed: Array<[string, string | undefined]> = []
    const made: unknown[][] = []
    const { app } = open('/library', {
      place: async (spec: MachineSpec, key?: string) => (placed.push([spec.name, key]), placement),
      createMachine: async (...args: unknown[]) => (made.push(args), machine('cloud', 'web', 'off')),
    })
    await page.findAllByText('build')
    app.dialog = { kind: 'create', host: '' }
    const dialog = await page.findByRole('dialog')
    await fireEvent.change(within(dialog).getByLabelText(on), { target: { value: 'any' } })
    for (const words of why) expect(await within(dialog).findByText(words)).toBeTruthy()
    expect(new Set(placed.map(String))).toEqual(new Set([','])) // it is only looked
    await clean()
    await fireEvent.click(within(dialog).getByRole('radio', { name: empty }))
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))
    await fireEvent.input(await within(dialog).findByLabelText(name), { target: { value: 'web' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: next }))
    await fireEvent.click(await within(dialog).findByRole('button', { name: make }))
    await vi.waitFor(() => expect(made.length).toBe(1))
    expect(made[0]![0]).toBe('id-cloud')
    expect(placed.at(-1)![0]).toBe('web')
    expect(placed.at(-1)![1]).toBe(made[0]![2])
  })

  it('keeps its key while an answer is lost, and takes a new one after a refusal', async () => {
    const keys: Array<string | undefined> = []
    const fails = [new UiError({ cause: 'offline' }), new UiError({ cause: 'exists' })]
    const { app } = fakeApp({
      place: async (_: MachineSpec, key?: string) => (keys.push(key), placement),
      createMachine: async () => {
        const fail = fails.shift()
        if (fail) throw fail
        return machine('cloud', 'web', 'off')
      },
    })
    const spec = { name: 'web', memoryBytes: GIB, cpus: 1, diskBytes: 0, iso: '', image: '', seed: null, network: '', start: false, unattended: false, firmware: 'bios' as const, tpm: false }
    for (let i = 0; i < 3; i++) await app.create('any', spec, null)
    expect(keys[0]).toBe(keys[1])
    expect(keys[2]).not.toBe(keys[1])
  })

  it('says when no computer can take it', async () => {
    const none = { host: '', id: '', candidates: placement.candidates.slice(1) }
    const { app } = open('/library', { place: async () => none })
    await page.findAllByText('build')
    app.dialog = { kind: 'create', host: 'any' }
    const dialog = await page.findByRole('dialog')
    expect(await within(dialog).findByText('No computer can take it.')).toBeTruthy()
    await fireEvent.click(within(dialog).getByRole('radio', { name: 'Empty' }))
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Next' }))
    await fireEvent.input(await within(dialog).findByLabelText('Name'), { target: { value: 'web' } })
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Next' }))
    await fireEvent.click(await within(dialog).findByRole('button', { name: 'Create' }))
    expect((await within(dialog).findByRole('alert')).textContent).toContain('o host can take it')
  })
})
