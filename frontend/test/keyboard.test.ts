// @vitest-environment node
// The page in Debian's Chromium, without a mouse: what is asked for comes by Tab,
// arrows and Enter, and each time the focus is seen and goes back to where it was.
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { serve } from './look/serve.mjs'

let base = ''
let end = () => {}
let browser: Browser
let page: Page
beforeAll(async () => {
  ;({ base, end } = await serve({ PORT: '0' }))
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
}, 120_000)
afterAll(async () => {
  await browser?.close()
  end()
})
beforeEach(async () => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', locale: 'en-GB' })
  page = await context.newPage()
  page.setDefaultTimeout(20_000)
})
afterEach(() => page.context().close())

async function open(path: string): Promise<void> {
  await page.goto(`${base}${path}#token=test`)
  await page.locator('nav').first().waitFor()
}

interface Stop {
  /** What a screen reader would say first. */
  name: string
  tag: string
  seen: boolean
  /** Keys go to another machine, until they are taken back. */
  away: boolean
}
/** What has the focus, and whether a person sees that. */
const here = (): Promise<Stop> =>
  page.evaluate(() => {
    const e = document.activeElement as HTMLElement
    if (e === document.body) return { name: '', tag: 'body', seen: false, away: false }
    const box = e.getBoundingClientRect()
    const label = e.closest('label') ?? (e.id ? document.querySelector(`label[for="${e.id}"]`) : null)
    const name = e.getAttribute('aria-label') ?? (e.matches('button, a, [role=menuitem]') ? e.textContent : label?.textContent) ?? e.textContent ?? ''
    const ring = (at: Element | null) => at !== null && getComputedStyle(at).outlineStyle !== 'none' && parseFloat(getComputedStyle(at).outlineWidth) >= 1
    // Menus, a time with its parts, the terminal with its cursor, and a screen with its frame show it in their own way.
    const away = e.matches('[data-testid=typing]')
    const own = away || e.matches('[role=menuitem], .xterm-helper-textarea, [type=time]')
    const within = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
    return { name: name.trim().replace(/\s+/g, ' '), tag: e.tagName.toLowerCase(), seen: within && (own || ring(e) || ring(e.closest('label'))), away }
  })

/** Presses Tab until something of this name has the focus; all on the way is seen. */
async function tabTo(name: string | RegExp, key = 'Tab'): Promise<string[]> {
  const way: string[] = []
  for (const began = Date.now(); way.length < 120 || Date.now() - began < 20_000; ) { // what is there may still be coming
    await page.keyboard.press(key)
    const stop = await here()
    way.push(stop.name)
    if (stop.away) {
      await page.keyboard.down('Control')
      await page.keyboard.down('Alt')
      await page.keyboard.up('Alt')
      await page.keyboard.up('Control')
      continue
    }
    if (stop.tag !== 'body') expect(stop, 'the focus is seen: ' + way.join(' | ')).toMatchObject({ seen: true })
    if (typeof name === 'string' ? stop.name === name : name.test(stop.name)) return way
  }
  throw new Error(`Tab does not come to ${name}: ${way.join(' | ')}`)
}
const focused = (name: string | RegExp) => expect.poll(async () => (await here()).name, { timeout: 10_000 }).toMatch(name)
const press = async (...keys: string[]) => {
  for (const key of keys) await page.keyboard.press(key)
}
const said = (text: RegExp) => expect.poll(() => page.locator('[aria-live], [role=status], [role=alert]').allTextContents(), { timeout: 20_000 }).toEqual(expect.arrayContaining([expect.stringMatching(text)]))
const gone = () => expect.poll(() => page.locator('dialog').count(), { timeout: 20_000 }).toBe(0)
/** Opens the menu of something, and chooses an entry. */
async function choose(menu: string | RegExp, item: string): Promise<void> {
  await tabTo(menu)
  await press('Enter')
  await page.getByRole('menu').waitFor()
  for (let i = 0; i < 20 && (await here()).name !== item; i++) await press('ArrowDown')
  expect((await here()).name).toBe(item)
  await press('Enter')
}
/** Tab goes round within a dialog, through all that can be reached, and nowhere else. */
async function round(): Promise<string[]> {
  const way = [(await here()).name]
  const first = await page.evaluateHandle(() => document.activeElement) // its name may change: a host's room comes later
  for (let i = 0; i < 60; i++) {
    await press('Tab')
    const stop = await here()
    if (await first.evaluate((e) => e === document.activeElement)) return way
    if (stop.tag === 'body') continue // the window's own controls
    expect(stop).toMatchObject({ seen: true })
    expect(await page.evaluate(() => document.activeElement!.closest('dialog') !== null), `within the dialog: ${stop.name}`).toBe(true)
    way.push(stop.name)
  }
  throw new Error('Tab does not come round: ' + way.join(' | '))
}

/** A dialog is opened by what has the focus, gone round, and left to its opener: that, or the button of its menu. */
async function lookInto(opener: string): Promise<void> {
  await press('Enter')
  await page.getByRole('dialog').waitFor()
  await round()
  await press('Escape')
  await gone()
  await focused(opener)
}

describe('without a mouse', () => {
  it('a machine is created, with a way back between the steps', async () => {
    await open('/library')
    await tabTo('Create machine')
    await press('Enter')
    await focused('Search')
    await tabTo(/Debian 13/)
    await press('ArrowDown', 'ArrowUp', 'Enter')
    await focused(/^Name/)
    await tabTo('Back')
    await press('Enter')
    await focused('Search') // not lost with the button
    await press('Enter')
    await focused(/^Name/)
    await page.keyboard.type('without-a-mouse')
    const way = await round()
    expect(way.findIndex((n) => n.startsWith('Name'))).toBeLessThan(way.indexOf('Next'))
    await press('Enter')
    await focused(/Start it/)
    await press('Escape')
    await gone()
    await focused('Create machine')
  })

  it('what is being created says how far it is, and its dialog keeps the focus', async () => {
    await open('/library')
    // Before a computer is known there is nowhere to create, and the key does nothing.
    await expect.poll(() => page.getByRole('button', { name: 'Create machine' }).first().isEnabled()).toBe(true)
    await press('n')
    await focused('Search')
    await tabTo(/Debian 13/)
    await press('Space', 'Enter')
    await focused(/^Name/)
    await page.keyboard.type('keys-alone')
    await press('Enter')
    await tabTo('Create')
    await press('Enter')
    await page.locator('dialog [role=progressbar]').waitFor()
    await focused('Create') // it is called disabled, and is still there
    await said(/Create keys-alone/)
    await gone()
    await said(/Create keys-alone.*done/i)
  })

  it('snapshots are taken, and removed', async () => {
    await open('/machine/laptop/ipxe')
    await tabTo('Take snapshot')
    await press('Enter')
    await focused(/^Name/)
    await page.keyboard.type('by-keys')
    await press('Enter')
    await gone()
    await focused('Take snapshot')
    await choose('More for by-keys', 'Delete…')
    await focused('Cancel')
    await tabTo('Delete')
    await press('Enter')
    await expect.poll(() => page.locator('[data-snapshot=by-keys]').count()).toBe(0)
    // Its row is gone: the part that it was in holds the place.
    await expect.poll(() => page.evaluate(() => document.activeElement?.closest('[data-testid=snapshots]') !== null)).toBe(true)
    await tabTo(/More for clean|Take snapshot/)
  })

  it('a machine is moved, and its progress looked at', async () => {
    await open('/library')
    await choose('More for win11', 'Move to…')
    await page.getByRole('dialog').waitFor()
    await tabTo(/Move here|Shut down and move/)
    await press('Escape')
    await gone()
    await focused('More for win11')
    await press('Enter')
    for (let i = 0; i < 20 && (await here()).name !== 'Move to…'; i++) await press('ArrowDown')
    await press('Enter')
    await tabTo(/Move here|Shut down and move/)
    await press('Enter')
    await gone()
    await focused('More for win11')
    await page.locator('header button[aria-expanded]').waitFor()
    await tabTo(/task/)
    await press('Enter')
    await tabTo(/^Cancel: .*win11/)
    await press('Escape')
    await focused(/task/)
    expect(await page.locator('header [role=progressbar]').count()).toBe(0)
  })

  it('a machine is deployed', async () => {
    await open('/library')
    await choose('More for ipxe', 'Deploy…')
    await page.getByRole('dialog').waitFor()
    await press('Escape')
    await gone()
    await focused('More for ipxe')
    await press('Enter')
    for (let i = 0; i < 20 && (await here()).name !== 'Deploy…'; i++) await press('ArrowDown')
    await press('Enter')
    await page.getByRole('dialog').waitFor()
    await tabTo(/^laptop/)
    await press('Space')
    const way = await round()
    expect(way.at(-1)).toBeTruthy()
    await tabTo('Deploy')
    await press('Enter')
    await page.locator('dialog [role=progressbar]').first().waitFor()
    expect(await page.evaluate(() => document.activeElement!.closest('dialog') !== null)).toBe(true)
    await tabTo('Close')
    await press('Enter')
    await gone()
    await focused('More for ipxe')
  })

  it('backups are scheduled, and one is restored', async () => {
    await open('/machine/cloud/build-01?transport=websocket')
    await tabTo('Schedule backups…')
    const opener = (await here()).name
    await lookInto(opener)
    await press('Enter')
    await page.getByRole('dialog').waitFor()
    await press('ArrowRight')
    await tabTo('Save schedule')
    await press('Enter')
    await gone()
    await focused(opener)
    await said(/done/i)
    await page.locator('[data-backup=b6] button').focus()
    const menu = (await here()).name
    await press('Enter')
    await page.getByRole('menu').waitFor()
    await lookInto(menu)
  })

  it('hardware is added and changed', async () => {
    await open('/machine/laptop/ipxe')
    await page.locator('[data-testid=hardware] [data-disk]').first().waitFor()
    for (const verb of ['Change CPUs and memory', 'Add disk', 'Add network card', 'Add device', 'Change boot order and firmware']) {
      await tabTo(new RegExp('^' + verb))
      const opener = (await here()).name
      await press('Enter')
      await page.getByRole('dialog').waitFor()
      await expect.poll(() => page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true)
      await round()
      await press('Escape')
      await gone()
      await focused(opener)
    }
    await open('/machine/laptop/ipxe')
    await tabTo(/^Add disk/)
    await press('Enter')
    await focused(/Size/)
    await press('Enter')
    await gone()
    await focused(/^Add disk/)
    await said(/Took effect at once/)
    await choose('More for sda', 'Insert image…')
    await page.getByRole('dialog').waitFor()
    await round()
    await press('Escape')
    await gone()
    await focused('More for sda')
  })

  it('a computer is installed from the network, and what is wrong is where the keyboard is', async () => {
    await open('/host/cloud')
    await page.locator('[data-mac]').first().waitFor()
    await tabTo('Install…')
    await press('Enter')
    await focused(/^Name/)
    await press('Enter')
    await focused(/^Name/)
    await page.keyboard.type('attic-2')
    await tabTo(/^Disk/)
    await page.keyboard.type('sda')
    await tabTo(/^See/)
    await press('Space')
    await tabTo(/Everything on that disk/)
    await press('Space')
    await press('Enter')
    await focused(/^Disk/)
    await page.keyboard.press('Control+a')
    await page.keyboard.type('/dev/sda')
    await tabTo('Password')
    await page.keyboard.type('secret')
    await round()
    await tabTo('Wipe and install')
    await press('Enter')
    await gone()
    await said(/Install attic-2/)
  })

  it('an error is dismissed, and the card keeps the place', async () => {
    await open('/library')
    await tabTo(/Select staging/)
    await tabTo('Start')
    await press('Enter')
    await page.getByRole('alert').waitFor()
    await tabTo('Dismiss')
    await press('Enter')
    await expect.poll(() => page.getByRole('alert').count()).toBe(0)
    expect(await page.evaluate(() => document.activeElement?.closest('[data-machine=staging]') !== null)).toBe(true)
  })

  it('the map leads to a computer, a tunnel is added and removed', async () => {
    await open('/network')
    await page.getByTestId('map').waitFor()
    await tabTo(/^cloud Direct/)
    await press('Enter')
    await expect.poll(() => page.evaluate(() => location.pathname)).toBe('/host/cloud')
    await page.goBack()
    const remove = page.getByRole('button', { name: /^Remove tunnel/ })
    await remove.first().waitFor()
    const before = await remove.count()
    await tabTo('Add tunnel')
    await lookInto('Add tunnel')
    await press('Enter')
    await tabTo(/^Port of/)
    await press('Enter')
    await focused(/^Port of/) // what is wrong is here
    await page.keyboard.type('4242')
    await press('Enter')
    await gone()
    await focused('Add tunnel')
    await expect.poll(() => remove.count()).toBe(before + 1)
    await tabTo(/^Remove tunnel/)
    await press('Enter')
    await focused('Cancel')
    await tabTo('Remove')
    await press('Enter')
    await gone()
    await expect.poll(() => remove.count()).toBe(before)
    expect((await here()).tag).not.toBe('body')
  })

  it('what another computer may do is changed', async () => {
    await open('/host/cloud')
    await tabTo('Change…')
    await lookInto('Change…')
    await press('Enter')
    await tabTo('Add a machine or a folder')
    await page.keyboard.type('Machine ipxe')
    await press('Enter')
    await tabTo('Grant')
    await press('Enter')
    await gone()
    await focused('Change…')
    await expect.poll(() => page.locator('main').textContent()).toMatch(/ipxe/)
  })

  it('activity is filtered and walked through', async () => {
    await open('/activity')
    await page.getByTestId('deeds').locator('li').first().waitFor()
    const all = await page.getByTestId('deeds').locator('li').count()
    await tabTo('Filter')
    await page.keyboard.type('win11')
    await expect.poll(() => page.getByTestId('deeds').locator('li').count()).toBeLessThan(all)
    await focused('Filter')
    await tabTo('Result')
    await press('ArrowDown')
    await expect.poll(() => page.evaluate(() => location.search)).toMatch(/result=refused/)
    await tabTo('Filter', 'Shift+Tab')
  })
})
