import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api/api'
import { UiError } from '../src/api/error'
import type { AccessRequest, Deed, Session } from '../src/api/trust'
import { i18n, t } from '../src/i18n/i18n.svelte'
import { wanted } from '../src/pages/activity/deed'
import Shell from '../src/Shell.svelte'
import { ends, parse, print, rows, words } from '../src/state/grants'
import { clean } from './clean'
import { fakeApp, fill, folder, host } from './fake'

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})

async function open(path: string, more: Partial<Api> = {}, grants = ['admin']) {
  history.replaceState(null, '', path)
  const { app, stream } = fakeApp(more)
  stop = app.start()
  render(Shell, { app })
  stream.push({ kind: 'folder', folder: folder('laptop', 'photos') })
  fill(stream)
  stream.push({ kind: 'host', host: host('cloud', { grants }) })
  await vi.waitFor(() => expect(app.hosts.find('cloud')?.grants).toEqual(grants))
  await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
  return { app, stream }
}
const dialog = () => within(page.getByRole('dialog'))
const session = (id: string, more: Partial<Session> = {}): Session => ({
  id, host: 'id-cloud', name: 'cloud', what: '/screen', object: 'self', viewOnly: false, since: new Date(2026, 10, 30, 8, 5), ...more,
})
const asks = (id: string, grant: string, more: Partial<AccessRequest> = {}): AccessRequest => ({
  id, host: 'id-cloud', name: 'cloud', grant, what: '/screen', last: new Date(), times: 1, ...more,
})
const deed = (seq: number, more: Partial<Deed> = {}): Deed => ({
  seq, time: new Date(2026, 10, 30, 8, 0, seq), host: 'id-cloud', name: 'cloud', stranger: false, what: 'MachineService/Do', object: 'ipxe', detail: 'start', result: 'ok',
  error: '', times: 0, milliseconds: 3, bytesIn: 0, bytesOut: 0, ...more,
})

describe('grants', () => {
  it('are read and written as the node has them', () => {
    const all = ['view', 'apps@self/org.gnome.Maps', 'files@photos,until=2026-12-04T22:59:59Z', 'view@web,until=2026-12-04T22:59:59Z']
    for (const word of all) expect(print(parse(word)!)).toBe(word)
    expect(['', '@x', 'view@,until=', 'view,until=never', 'VIEW'].map(parse)).toEqual([null, null, null, null, null])
    const { rows: list, rest } = rows([...all, 'control@web,until=2026-12-04T22:59:59Z', 'view@web', 'teleport', 'view@web,only=mornings'])
    expect(rest).toEqual(['teleport', 'view@web,only=mornings'])
    expect(list.map((r) => [r.object, r.folder, r.caps.join('+'), r.until !== null])).toEqual([
      ['', false, 'view', false], ['self/org.gnome.Maps', false, 'apps', false], ['web', false, 'view+control', true], ['web', false, 'view', false], ['photos', true, 'files', true],
    ])
    expect(words(list, rest).sort()).toEqual([...all, 'control@web,until=2026-12-04T22:59:59Z', 'view@web', 'teleport', 'view@web,only=mornings'].sort())
  })

  it('end at times that are often meant', () => {
    const monday = new Date(2026, 10, 30, 9, 30)
    expect(ends(monday).friday).toEqual(new Date(2026, 11, 4, 23, 59, 59))
    expect(ends(new Date(2026, 11, 4, 8, 0)).friday).toEqual(new Date(2026, 11, 4, 23, 59, 59)) // on a Friday: that day
    expect(ends(new Date(2026, 11, 5, 8, 0)).friday).toEqual(new Date(2026, 11, 11, 23, 59, 59))
    expect(ends(monday).tonight).toEqual(new Date(2026, 10, 30, 23, 59, 59))
  })

  it.each(['en', 'zh'] as const)('are given for one machine and one folder until Friday, in %s', async (language) => {
    i18n.set(language)
    const said: string[][] = []
    await open('/host/cloud', { grant: async (_, grants) => (said.push(grants), host('cloud', { grants })) })
    await fireEvent.click(await page.findByRole('button', { name: t('verb.grants') }))
    await clean()
    await fireEvent.click(dialog().getByRole('checkbox', { name: new RegExp(`^${t('grant.admin')}`) }))
    await fireEvent.click(dialog().getByRole('checkbox', { name: new RegExp(`^${t('grant.view')} `) }))
    const add = (value: string) => fireEvent.change(dialog().getByRole('combobox', { name: t('grants.add') }), { target: { value } })
    await add('machine:ipxe')
    await add('folder:photos')
    const machine = within(dialog().getByRole('group', { name: t('grants.machine', { name: 'ipxe' }) }))
    await fireEvent.click(machine.getByRole('checkbox', { name: t('grant.control') }))
    expect((machine.getByRole('checkbox', { name: t('grant.view') }) as HTMLInputElement).disabled).toBe(true)
    await fireEvent.change(machine.getByRole('combobox', { name: t('grants.end') }), { target: { value: 'friday' } })
    await clean()
    await fireEvent.submit(page.getByRole('dialog').querySelector('form')!)
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    const until = ends().friday.toISOString().replace('.000', '')
    expect(said).toEqual([[`view@ipxe,until=${until}`, `control@ipxe,until=${until}`, 'files@photos']])
    const panel = within(await page.findByTestId('granted'))
    expect(panel.getByText(t('grants.folder', { name: 'photos' }))).toBeTruthy()
  })

  it('keeps what it does not know, and gives nothing that is over', async () => {
    const said: string[][] = []
    await open('/host/cloud', { grant: async (_, grants) => (said.push(grants), host('cloud', { grants })) }, ['view', 'teleport'])
    expect((await page.findByTestId('granted')).textContent).toContain('teleport')
    await fireEvent.click(await page.findByRole('button', { name: 'Change…' }))
    const until = dialog().getByRole('combobox', { name: 'Until' })
    await fireEvent.change(until, { target: { value: 'date' } })
    await fireEvent.change(dialog().getByLabelText('Ends at'), { target: { value: '2020-01-01T10:00' } })
    expect(dialog().getByText('That time is over.')).toBeTruthy()
    expect((dialog().getByRole('button', { name: 'Grant' }) as HTMLButtonElement).disabled).toBe(true)
    await fireEvent.change(until, { target: { value: 'never' } })
    await fireEvent.click(dialog().getByRole('checkbox', { name: /^Apps/ }))
    await fireEvent.submit(page.getByRole('dialog').querySelector('form')!)
    await vi.waitFor(() => expect(said).toEqual([['view', 'apps', 'teleport']]))
  })

  it('stays open and says why when it is refused', async () => {
    await open('/host/cloud', {
      grant: async () => {
        throw new UiError({ op: 'host.grant', path: 'cloud', cause: 'invalid', detail: 'that time is over' })
      },
    })
    await fireEvent.click(await page.findByRole('button', { name: 'Change…' }))
    await fireEvent.submit(page.getByRole('dialog').querySelector('form')!)
    await vi.waitFor(() => expect(dialog().getByRole('alert').textContent).toContain('that time is over'))
  })
})

describe('who is here', () => {
  it.each(['en', 'zh'] as const)('is seen on every page while it lasts, and is ended, in %s', async (language) => {
    i18n.set(language)
    const ended: string[] = []
    const { stream } = await open('/folders', { endSession: async (id) => void ended.push(id) })
    expect(page.queryByTestId('visits')).toBeNull()
    stream.push({ kind: 'session', session: session('V1', { viewOnly: true }) })
    stream.push({ kind: 'session', session: session('V2', { object: 'ipxe' }) })
    stream.push({ kind: 'session', session: session('V3', { what: '/hither/folder/1', object: '' }) })
    const bar = within(await page.findByTestId('visits'))
    await bar.findByText(new RegExp(t('visit.view', { name: 'cloud', what: t('visit.self') })))
    expect(bar.getByText(new RegExp(t('visit.control', { name: 'cloud', what: t('visit.machine', { name: 'ipxe' }) })))).toBeTruthy()
    expect(bar.getAllByRole('listitem')).toHaveLength(2) // a folder that syncs is no visitor
    await clean()
    await fireEvent.click(bar.getAllByRole('button')[0]!)
    await vi.waitFor(() => expect(ended).toEqual(['V1']))
    for (const id of ['V1', 'V2']) stream.push({ kind: 'session', session: session(id) }, { removed: true })
    await vi.waitFor(() => expect(page.queryByTestId('visits')).toBeNull())
  })

  it('is listed at its computer, streams too', async () => {
    const { stream } = await open('/host/cloud')
    stream.push({ kind: 'session', session: session('V3', { what: '/hither/folder/1', object: '' }) })
    const list = await page.findByTestId('open-now')
    expect(list.textContent).toContain('a folder')
  })

  it('may ask, and gets an answer', async () => {
    const said: string[] = []
    const { stream } = await open('/library', {
      answerRequest: async (id, grant, until) => void said.push(`${id} ${grant} ${until ? 'until ' + until.getHours() : 'for good'}`),
    })
    stream.push({ kind: 'request', request: asks('R1', 'control@self', { times: 3 }) })
    stream.push({ kind: 'request', request: asks('R2', 'files') })
    const bar = within(await page.findByTestId('visits'))
    await bar.findByText(/cloud asks for “Control” on this computer/)
    expect(bar.getByText(/tried 3 times/)).toBeTruthy()
    expect(bar.getByText(/“Files” on all of this computer/)).toBeTruthy()
    await clean()
    await fireEvent.click(bar.getByRole('button', { name: 'Until tonight: cloud, control@self' }))
    await fireEvent.click(bar.getByRole('button', { name: 'Refuse: cloud, files' }))
    await vi.waitFor(() => expect(said).toEqual(['R1 true until 23', 'R2 false for good']))
  })
})

describe('activity', () => {
  const log = (n: number) => Array.from({ length: n }, (_, i) => deed(i + 1))

  it.each(['en', 'zh'] as const)('shows what was done, follows it, and says that the chain is whole, in %s', async (language) => {
    i18n.set(language)
    let more = (_: Deed) => {}
    await open('/activity', {
      deeds: async () => ({
        records: [
          deed(1, { host: '', name: '', what: 'HostService/Grant', object: 'cloud', detail: 'view' }),
          deed(2, { host: 'x', name: '', stranger: true, what: '/hither/api/1', object: '', detail: '', result: 'refused', times: 31, error: 'api laptop: not paired' }),
          deed(3, { what: 'NewService/Unknown', object: 'thing', detail: '' }),
          deed(4),
        ],
        more: false, from: null,
      }),
      async *deedsAfter(_, after, signal) {
        expect(after).toBe(4)
        const queue: Deed[] = []
        let wake = () => {}
        more = (d) => (queue.push(d), wake())
        signal.addEventListener('abort', () => wake())
        while (!signal.aborted) {
          const next = queue.shift()
          if (next) yield next
          else await new Promise<void>((r) => (wake = r))
        }
      },
      verifyDeeds: async () => ({ records: 4, from: new Date(0), last: new Date(), hash: 'ab'.repeat(32), bad: '' }),
    })
    const list = await page.findByTestId('deeds')
    const rows = () => [...list.querySelectorAll<HTMLElement>('[data-deed]')].map((e) => e.textContent!.replace(/\s+/g, ' ').trim())
    expect(rows()).toHaveLength(4)
    expect(rows()[0]).toContain(language === 'en' ? 'Start: ipxe' : '启动：ipxe')
    expect(rows()[1]).toContain('New · Unknown thing')
    expect(rows()[2]).toContain(t('activity.stranger'))
    expect(rows()[2]).toContain(t('cause.unpaired'))
    expect(rows()[3]).toContain(t('activity.you'))
    await page.findByText(t('activity.whole', { n: 4 }))
    await clean()
    more(deed(5, { what: 'AuditService/End', object: '', detail: 'V1' }))
    more(deed(6))
    await vi.waitFor(() => expect(rows()).toHaveLength(6))
    expect(rows()[1]).toContain('V1')
  })

  it('says where the chain breaks', async () => {
    i18n.set('zh')
    await open('/activity', { verifyDeeds: async () => ({ records: 9, from: null, last: null, hash: '', bad: 'line 9: the hash does not fit: it, or the record before it, was changed' }) })
    await vi.waitFor(() => expect(page.getByTestId('chain').dataset.broken).toBe('true'))
    expect(page.getByTestId('chain').textContent).toMatch(/第 9 行/)
  })

  it('is filtered, and the filter is in the URL', async () => {
    const asked: string[] = []
    await open('/activity?result=refused', {
      deeds: async (of) => {
        asked.push(of)
        return { records: [deed(1, { result: 'refused', what: '/screen', object: 'self' }), deed(2), deed(3, { result: 'refused' })], more: false, from: null }
      },
    })
    const list = await page.findByTestId('deeds')
    expect(list.querySelectorAll('[data-deed]')).toHaveLength(2)
    await fireEvent.input(page.getByRole('searchbox', { name: 'Filter' }), { target: { value: 'screen' } })
    await vi.waitFor(() => expect(list.querySelectorAll('[data-deed]')).toHaveLength(1))
    expect(location.search).toBe('?result=refused&q=screen')
    await fireEvent.change(page.getByRole('combobox', { name: 'Computer' }), { target: { value: 'id-cloud' } })
    await vi.waitFor(() => expect(asked.at(-1)).toBe('id-cloud'))
    await fireEvent.input(page.getByRole('searchbox', { name: 'Filter' }), { target: { value: 'nothing such' } })
    await page.findByText('Nothing matches.')
    expect(wanted(deed(1), { text: '', result: '', since: deed(2).time!.getTime() })).toBe(false)
    expect(wanted(deed(1, { result: 'busy' }), { text: '', result: 'failed', since: 0 })).toBe(true)
  })

  it('reads a hundred thousand records by pages, and draws what is seen', async () => {
    const all = log(100_000)
    const asked: number[] = []
    const { app } = await open('/activity', {
      deeds: async (_, before, limit) => {
        asked.push(before)
        const until = before === 0 ? all.length : before - 1
        return { records: all.slice(Math.max(0, until - limit), until), more: until > limit, from: all[0]!.time }
      },
    })
    const list = await page.findByTestId('deeds')
    expect(list.querySelectorAll('li').length).toBeLessThan(80)
    for (let i = 0; i < 3; i++) await app.deeds.older()
    expect(app.deeds.list!.map((d) => d.seq).slice(0, 800)).toEqual(all.slice(-800).reverse().map((d) => d.seq))
    const lines = (await app.deeds.export()).join('').trimEnd().split('\n')
    expect([lines.length, JSON.parse(lines[0]!).seq, JSON.parse(lines.at(-1)!).seq]).toEqual([100_000, 1, 100_000])
    expect(asked.filter((n) => n === 0).length).toBe(2)
  })
})
