import { fireEvent, render, screen as page } from '@testing-library/svelte'
import axe from 'axe-core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { Screen } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import MonitorSwitch from '../src/pages/machine/MonitorSwitch.svelte'
import { monitorName, Monitors } from '../src/state/monitors.svelte'
import { monitor, screen } from './fake'

afterEach(() => i18n.set('en'))

const two = [monitor('cloud', 'HDMI-1', 1920), monitor('cloud', 'DP-2', 1280)]
const whole: Screen = { ...monitor('cloud', '', 3200), name: 'self', title: 'cloud' }

describe('monitors', () => {
  it('are the parts of a desktop, and stay known while its host is away', async () => {
    const screens = vi.fn(async (): Promise<Screen[]> => [whole, ...two, screen('cloud', 'self/xterm-1')])
    const all = new Monitors({ screens })
    expect(all.of('id-cloud')).toEqual([])
    await all.load('id-cloud')
    expect(screens).toHaveBeenCalledWith('id-cloud', 'self')
    expect(all.of('id-cloud').map(monitorName)).toEqual(['HDMI-1', 'DP-2'])
    screens.mockRejectedValueOnce(new UiError({ cause: 'offline' }))
    await all.load('id-cloud')
    expect(all.of('id-cloud').length).toBe(2)
    screens.mockResolvedValueOnce([whole])
    await all.load('id-cloud')
    expect(all.of('id-cloud')).toEqual([])
    expect(all.of('id-laptop')).toEqual([])
  })
})

describe('switch of monitors', () => {
  const names = () => page.queryAllByRole('radio').map((r) => (r.closest('label')!.textContent ?? '').replace(/\s+/g, ' ').trim())

  it.each([
    ['en', 'Monitor', 'All monitors'],
    ['zh', '显示器', '所有显示器'],
  ] as const)('chooses one or all (%s)', async (language, label, all) => {
    i18n.set(language)
    const onchange = vi.fn()
    const { rerender } = render(MonitorSwitch, { monitors: two, chosen: '', onchange })
    expect(page.getByRole('radiogroup', { name: label })).toBeTruthy()
    expect(names()).toEqual([all, 'HDMI-1 1920×1080', 'DP-2 1280×1080'])
    expect(page.getByRole<HTMLInputElement>('radio', { name: all }).checked).toBe(true)
    await fireEvent.click(page.getByRole('radio', { name: 'DP-2 1280×1080' }))
    expect(onchange).toHaveBeenCalledWith('DP-2')
    await rerender({ chosen: 'DP-2' })
    expect(page.getByRole<HTMLInputElement>('radio', { name: /DP-2/ }).checked).toBe(true)
    await fireEvent.click(page.getByRole('radio', { name: all }))
    expect(onchange).toHaveBeenLastCalledWith('')
    const { violations } = await axe.run(page.getByRole('radiogroup'), { rules: { 'color-contrast': { enabled: false } } })
    expect(violations).toEqual([])
  })

  it('is not there where there is nothing to choose', () => {
    render(MonitorSwitch, { monitors: [], chosen: '', onchange: () => {} })
    expect(names()).toEqual([])
  })

  it('leads back from a monitor that is gone', () => {
    render(MonitorSwitch, { monitors: [], chosen: 'VGA-1', onchange: () => {} })
    expect(names()).toEqual(['All monitors', 'VGA-1'])
  })
})
