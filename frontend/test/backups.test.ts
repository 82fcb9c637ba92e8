import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Backup, BackupList, Schedule } from '../src/api/backups'
import { UiError } from '../src/api/error'
import { i18n } from '../src/i18n/i18n.svelte'
import Shell from '../src/Shell.svelte'
import { clean } from './clean'
import { fakeApp, fill } from './fake'

const kept = (id: string, more: Partial<Backup> = {}): Backup => ({
  id, created: new Date(), kind: 'incremental', state: 'frozen', scheduled: false, dataBytes: 3 << 20, addedBytes: 1 << 20, verified: null, broken: '', keeper: '', where: '', ...more,
})
const never: Schedule = { every: '', at: 0, keepLast: 0, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, to: '' }
const listed = (backups: Backup[], more: Partial<BackupList> = {}): BackupList => ({
  backups, schedule: never, next: null, last: null, error: '', storedBytes: 4 << 20, keepers: [], ...more,
})

describe('backups on the page of a machine', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    i18n.set('en')
  })

  async function open(more = {}, name = 'ipxe'): Promise<{ part: HTMLElement; stream: ReturnType<typeof fakeApp>['stream'] }> {
    history.replaceState(null, '', '/machine/laptop/' + name)
    const { app, stream } = fakeApp(more)
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    return { part: await page.findByTestId('backups'), stream }
  }
  const choose = async (part: HTMLElement, row: number, item: string) => {
    await fireEvent.click(within(within(part).getAllByRole('row')[row]!).getByRole('button'))
    await fireEvent.click(await page.findByRole('menuitem', { name: item }))
  }

  it.each([
    ['en', 'None yet', 'Back up now', 'Verify', 'Delete…', 'Delete', 'incremental', 'Back up'],
    ['zh', '暂无备份', '立即备份', '校验', '删除…', '删除', '增量', '备份'],
  ] as const)('are taken, verified and deleted (%s)', async (language, none, take, verify, remove, yes, kind, now) => {
    i18n.set(language)
    let list: Backup[] = []
    const said: string[] = []
    const { part } = await open({
      backups: async () => listed(list),
      takeBackup: async (...args: string[]) => {
        said.push(`take ${args[1]} ${args[2]}`)
        list = [kept('b1', { keeper: 'id-cloud', where: 'cloud' }), kept('b0', { kind: 'full', broken: 'a part of it is missing or is not what was written' })]
        return list[0]
      },
      verifyBackup: async (...args: string[]) => {
        said.push('verify ' + args[2])
        list = [kept('b1', { verified: new Date() }), list[1]!]
        return list[0]
      },
      removeBackup: async (...args: string[]) => void (said.push('remove ' + args[2]), (list = list.filter((b) => b.id !== args[2]))),
    })
    await within(part).findByText(new RegExp(none))
    await fireEvent.click(within(part).getByRole('button', { name: take }))
    const dialog = page.getByRole('dialog')
    const where = within(dialog).getByLabelText(language === 'en' ? 'Where' : '位置')
    expect(within(where).getAllByRole('option').map((o) => o.getAttribute('value'))).toEqual(['', 'id-cloud']) // nas is offline
    await fireEvent.change(where, { target: { value: 'id-cloud' } })
    expect(within(dialog).getByText(language === 'en' ? /not encrypted there: whoever has cloud/ : /未加密：掌握 cloud/)).toBeTruthy()
    await clean()
    await fireEvent.click(within(dialog).getByRole('button', { name: now }))
    await within(part).findByText(new RegExp(kind))
    expect(within(part).getByText(language === 'en' ? /a part of it is missing/ : /其中一部分缺失/)).toBeTruthy()
    await clean()
    await choose(part, 1, verify)
    await vi.waitFor(() => expect(said).toContain('verify b1'))
    await vi.waitFor(() => expect(within(part).getAllByRole('row')[1]!.textContent).toMatch(language === 'en' ? /Verified/ : /校验于/))
    await choose(part, 1, remove)
    await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: yes }))
    await vi.waitFor(() => expect(said).toEqual(['take ipxe id-cloud', 'verify b1', 'remove b1']))
  })

  it('are restored as a new machine, and into one that is off', async () => {
    const said: unknown[][] = []
    const { part } = await open({ backups: async () => listed([kept('b1')]), restoreBackup: async (...args: unknown[]) => (said.push(args.slice(1)), {}) })
    await within(part).findByRole('table')
    await choose(part, 1, 'Restore…')
    const dialog = page.getByRole('dialog')
    await fireEvent.click(within(dialog).getByLabelText(/As a new machine/))
    for (const bad of ['', '../x', 'ipxe']) {
      await fireEvent.input(within(dialog).getByLabelText('Name'), { target: { value: bad } })
      await fireEvent.submit(dialog.querySelector('form')!)
      expect(said).toEqual([])
      expect(within(dialog).getByLabelText('Name').getAttribute('aria-invalid')).toBe('true')
    }
    await fireEvent.input(within(dialog).getByLabelText('Name'), { target: { value: 'before' } })
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await vi.waitFor(() => expect(said).toEqual([['ipxe', 'b1', 'before', false, { at: '' }]]))
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
  })

  it('are scheduled, and say when that failed', async () => {
    let schedule = never
    const { part } = await open({
      backups: async () => listed([], { schedule, error: schedule.every ? 'machine.backup ipxe: invalid: it is full' : '', next: schedule.every ? new Date(Date.now() + 3600_000) : null }),
      setSchedule: async (_host: string, _machine: string, s: Schedule) => ((schedule = s), listed([], { schedule })),
    })
    await within(part).findByText('No schedule')
    await fireEvent.click(within(part).getByRole('button', { name: 'Schedule backups…' }))
    const dialog = page.getByRole('dialog')
    await fireEvent.click(within(dialog).getByLabelText('Weekly'))
    await fireEvent.input(within(dialog).getByLabelText('Time'), { target: { value: '' } })
    expect(within(dialog).getByRole('button', { name: 'Save schedule' })).toHaveProperty('disabled', true)
    await fireEvent.input(within(dialog).getByLabelText('Time'), { target: { value: '04:05' } })
    await fireEvent.input(within(dialog).getByLabelText('monthly'), { target: { value: '12' } })
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await within(part).findByText(/Every week/)
    expect(schedule).toEqual({ every: 'weekly', at: 245, keepLast: 7, keepDaily: 0, keepWeekly: 4, keepMonthly: 12, to: '' })
    expect(within(part).getByText(/The last scheduled backup failed/)).toBeTruthy()
    await clean()
  })

  it('say what is wrong, and ask again', async () => {
    let broken = true
    const { part } = await open({
      backups: async () => {
        if (broken) throw new UiError({ op: 'machine.backups', cause: 'unsupported', hint: 'update Hither there' })
        return listed([kept('b1')])
      },
    })
    await within(part).findByRole('alert')
    expect(within(part).getByRole('button', { name: 'Back up now' })).toHaveProperty('disabled', true)
    broken = false
    await fireEvent.click(within(part).getByRole('button', { name: /again/i }))
    await within(part).findByRole('table')
  })

  it('ask again when a job with them ends', async () => {
    let asked = 0
    const { part, stream } = await open({ backups: async () => (asked++, listed([])) })
    await within(part).findByText(/None yet/)
    const before = asked
    const job = { host: 'laptop', id: 'j', op: 'machine.backup', name: 'ipxe', made: '', started: new Date(), step: '', done: 0, total: 0, rate: 0, ended: null, error: '' }
    stream.push({ kind: 'job', job } as never)
    await vi.waitFor(() => expect(within(part).getByRole('button', { name: 'Back up now' })).toHaveProperty('disabled', true))
    stream.push({ kind: 'job', job: { ...job, ended: new Date() } } as never)
    await vi.waitFor(() => expect(asked).toBeGreaterThan(before))
  })

  it('of a computer that is offline are shown by who keeps them, and restored there', async () => {
    const said: unknown[][] = []
    const copies = [{ of: 'id-nas', host: 'nas', machine: 'media', uuid: 'u', backups: [kept('b7', { kind: 'full' })], storedBytes: 5 << 20 }]
    history.replaceState(null, '', '/machine/nas/media')
    const { app, stream } = fakeApp({
      keptBackups: async (at: string) => (at === 'id-cloud' ? copies : []),
      restoreBackup: async (...args: unknown[]) => (said.push(args), {}) as never,
    })
    app.settings.setInspector(true)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    const part = await page.findByTestId('backups')
    await within(part).findByText('On cloud')
    await clean()
    await fireEvent.click(part.querySelector('[data-kept=b7] button')!)
    await fireEvent.click(await page.findByRole('menuitem', { name: 'Restore…' }))
    const dialog = page.getByRole('dialog')
    expect(within(dialog).getByLabelText('Name')).toHaveProperty('value', 'media')
    await clean()
    await fireEvent.submit(dialog.querySelector('form')!)
    await vi.waitFor(() => expect(said).toEqual([['id-cloud', 'media', 'b7', 'media', false, { of: 'id-nas', at: '' }]]))
  })

  it.each([
    ['en', 'Copies kept for others', /^None\. cloud can keep/],
    ['zh', '为其他电脑保存的副本', /^暂无。cloud/],
  ] as const)('kept for others are on the page of who keeps them (%s)', async (language, title, none) => {
    i18n.set(language)
    let answer: 'wait' | 'error' | 'none' | 'one' = 'error'
    history.replaceState(null, '', '/host/cloud')
    const { app, stream } = fakeApp({
      keptBackups: async () => {
        if (answer === 'error') throw new UiError({ op: 'machine.backups', cause: 'unsupported', hint: 'update Hither there' })
        return answer === 'none' ? [] : [{ of: 'id-nas', host: 'nas', machine: 'media', uuid: 'u', backups: [kept('b7')], storedBytes: 5 << 20 }]
      },
    })
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    const panel = await page.findByTestId('kept')
    expect(within(panel).getByText(title)).toBeTruthy()
    await within(panel).findByRole('alert')
    answer = 'none'
    await fireEvent.click(within(panel).getByRole('button'))
    await within(panel).findByText(none)
    answer = 'one'
    await app.backups.kept.load('id-cloud')
    await within(panel).findByText('nas/media')
    await clean()
  })
})
