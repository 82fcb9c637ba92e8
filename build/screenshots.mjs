// Takes the pictures of the page for build/screenshots.sh, with Debian's Chromium.
//
//	node build/screenshots.mjs HITHER OUT empty|page|move|netboot|serial|offline
//	ONLY=NAME,…                          those alone
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'

const { chromium } = createRequire(new URL('../frontend/package.json', import.meta.url))('playwright-core')
const [hither, out, which] = process.argv.slice(2)
const only = process.env.ONLY?.split(',')
const live = '[data-testid=screen][data-state=live]'

/** Looks at both desktops, whose last picture the cards keep, and lets the sparklines grow. */
async function cards(page) {
  for (const host of ['cloud', 'desk']) {
    await page.locator(`article[data-host=${host}][data-machine=self] button:not([aria-hidden])`).first().click()
    await page.locator(live).waitFor()
    await page.waitForTimeout(1500)
    await page.locator('nav a[href="/library"]').last().click()
  }
  for (const card of await page.locator('article[data-state=running]').all()) {
    await card.scrollIntoViewIfNeeded()
    await card.locator('img').waitFor()
  }
  await page.locator('#content').evaluate((e) => e.scrollTo(0, 0))
  await page.waitForTimeout(40_000)
}
async function create(page) {
  await page.keyboard.press('n')
  await page.getByRole('dialog').waitFor()
  await page.locator('dialog select').first().selectOption({ label: 'cloud' })
  await page.locator('dialog [data-row]').first().waitFor()
}
const next = (page) => page.locator('dialog [type=submit]').click()
async function taken(page) {
  await create(page)
  await page.locator('dialog input[value=empty]').check({ force: true })
  await next(page)
  await page.locator('dialog [data-step-focus]').fill('web')
  await page.locator('dialog [aria-invalid=true]').waitFor()
}
const pair = async (page) => {
  await page.keyboard.press('p')
  await page.getByTestId('pair-code').waitFor()
}
const machine = async (page) => {
  await page.locator(live).waitFor()
  await page.waitForTimeout(20_000) // the plots get points
}
/** Opens Mousepad of the other computer, with its menu, or on a phone with a dialog. */
async function app(page, then) {
  await page.locator('[data-app="org.xfce.mousepad"]').click()
  const window = page.locator('[data-testid=window]').first()
  await window.locator('canvas').waitFor()
  await page.waitForTimeout(4000)
  await window.click({ position: { x: 160, y: 160 } })
  await page.keyboard.insertText('Hello, 世界 — from another computer')
  await page.waitForTimeout(1000)
  await then(window)
  await page.waitForTimeout(2500)
}
const appMenu = (page) => app(page, (window) => window.click({ position: { x: 20, y: 12 } }))
const appDialog = (page) => app(page, () => page.keyboard.press('Control+l'))
/** Brings a part of the machine's column to its top, as the buttons above it do. */
const part = (name, settled) => async (page) => {
  await page.locator(`#${name}-title`).waitFor()
  const words = await page.locator(`#${name}-title`).innerText()
  await page.locator('aside nav button', { hasText: words }).click()
  await page.locator(settled).first().waitFor()
  await page.locator(live).waitFor()
  await page.waitForTimeout(3000)
}
/** A shell of the other computer, in which something was asked. */
const terminal = async (page) => {
  await page.locator('.xterm-rows').waitFor()
  await page.waitForTimeout(3000)
  await page.keyboard.type('PS1="ada@cloud:~$ "; clear; uptime; free -h; df -h /\n')
  await page.waitForFunction(() => document.querySelector('.xterm-rows')?.textContent.includes('Mounted'))
}
/** What a machine says on its serial port, which everybody who looks shares. */
const serial = async (page) => {
  const text = async () => (await page.locator('.xterm-rows').innerText()).trimEnd()
  const ends = async (pattern, key) => {
    for (const end = Date.now() + 240_000; !pattern.test(await text()); ) {
      if (Date.now() > end) throw new Error(`the console says: ${await text()}`)
      if (key) await page.keyboard.press(key)
      await page.waitForTimeout(1000)
    }
  }
  await page.locator('.xterm-rows').waitFor()
  await ends(/(login:|#)$/, 'Enter') // what was said before somebody looked is not kept
  if ((await text()).endsWith('login:')) await page.keyboard.type('root\n')
  await ends(/#$/)
  await page.keyboard.type('clear; uname -sr; uptime; dmesg | tail -n 6\n')
  await ends(/Run \/init[\s\S]*#$/)
}
/** The second step of the wizard, with the first image of the catalogue. */
async function shape(page) {
  await create(page)
  await page.locator('dialog [data-row]').first().click()
  await next(page)
  await page.locator('dialog [data-step-focus]').fill('media')
}
/** Sends a machine away, and takes the word back once that was seen. */
async function moves(page, see) {
  await page.locator('[data-machine=build-agent] [aria-haspopup=menu]').click()
  await page.getByRole('menuitem').filter({ hasText: /Move to|迁移到/ }).click()
  await page.locator('dialog li button:enabled').first().click()
  await page.locator('header button[aria-expanded]').click()
  await page.locator('header [role=progressbar]').waitFor()
  await see(200)
  const stop = page.locator('header li button').first()
  if (await stop.isVisible()) await stop.click({ timeout: 2000 }).catch(() => undefined) // it may have arrived meanwhile
  await page.locator('header [role=progressbar]').waitFor({ state: 'detached' })
}
const netboot = async (page) => {
  await page.locator('[data-mac]').waitFor()
  await page.locator('[data-testid=netboot]').evaluate((e) => e.scrollIntoView({ block: 'center' }))
}
const netbootInstall = async (page) => {
  await page.locator('[data-mac] button').first().click()
  await page.locator('dialog input').first().fill('attic')
}
/** What the other computer may do here, limited to one machine. */
const grants = async (page) => {
  await page.locator('[data-testid=granted] button').first().click()
  await page.locator('dialog fieldset select').last().selectOption('machine:router')
  await page.locator('dialog [data-part=router]').waitFor()
}
const phone = { theme: 'dark', language: 'zh', width: 390, height: 844 }
const settled = (selector) => (page) => page.locator(selector).first().waitFor()

const pictures = {
  empty: [{ name: 'empty-light', path: '/library' }],
  offline: [{ name: 'offline-light', path: '/library', act: settled('text=/last seen/') }],
  page: [
    { name: 'library-light', path: '/library', act: cards },
    { name: 'library-dark', path: '/library', theme: 'dark', act: cards },
    { name: 'library-zh', path: '/library', language: 'zh', act: cards },
    { name: 'library-390', path: '/library', width: 390, height: 844, act: cards },
    { name: 'machine-light', path: '/machine/cloud/web', act: machine },
    { name: 'machine-dark', path: '/machine/cloud/web', theme: 'dark', act: machine },
    { name: 'apps-light', path: '/apps/cloud', act: settled('[data-testid=app] img') },
    { name: 'app-tabs-light', path: '/apps/cloud', act: appMenu },
    { name: 'app-tabs-390-zh', path: '/apps/cloud', theme: 'dark', language: 'zh', width: 390, height: 844, act: appDialog },
    { name: 'folders-light', path: '/folders', act: settled('[data-testid=folder][data-state=idle]') },
    { name: 'folders-dark-zh', path: '/folders', theme: 'dark', language: 'zh', act: settled('[data-testid=folder][data-state=idle]') },
    { name: 'network-light', path: '/network', act: settled('[data-tunnel]') },
    { name: 'network-390-zh', path: '/network', ...phone, act: settled('[data-tunnel]') },
    { name: 'grants-light', path: '/host/cloud', act: grants },
    { name: 'activity-light', path: '/activity', act: settled('[data-broken=false]') },
    { name: 'activity-390-zh', path: '/activity', ...phone, act: settled('[data-broken=false]') },
    { name: 'host-light', path: '/host/cloud', act: settled('text=/libvirt/') },
    { name: 'pair-light', path: '/library', act: pair },
    { name: 'pair-dark-zh', path: '/library', theme: 'dark', language: 'zh', act: pair },
    { name: 'create-light', path: '/library', act: create },
    { name: 'create-machine-light', path: '/library', act: shape },
    { name: 'create-machine-390-zh', path: '/library', ...phone, act: shape },
    ...[
      { name: 'overview', path: '/machine/cloud/shop', act: machine },
      { name: 'snapshots', path: '/machine/cloud/shop', act: part('snapshots', '[data-snapshot]') },
      { name: 'backups', path: '/machine/cloud/shop', act: part('backups', '[data-backup]') },
      { name: 'console', path: '/machine/cloud/self?tab=console', act: terminal },
    ].flatMap(({ name, path, act }) => [{ name: `machine-${name}-light`, path, act }, { name: `machine-${name}-390-zh`, path, act, ...phone }]),
    { name: 'error-light', path: '/library', act: taken },
  ],
}

pictures.move = [
  { name: 'move-light', path: '/library', during: moves },
  { name: 'move-390-zh', path: '/library', ...phone, during: moves },
]
pictures.netboot = [
  { name: 'netboot-light', path: '/host/desk', act: netboot },
  { name: 'netboot-390-zh', path: '/host/desk', ...phone, act: netboot },
  { name: 'netboot-install-light', path: '/host/desk', act: netbootInstall },
]
pictures.serial = [
  { name: 'machine-serial-light', path: '/machine/cloud/gateway?tab=console', act: serial },
  { name: 'machine-serial-390-zh', path: '/machine/cloud/gateway?tab=console', ...phone, act: serial },
]
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const errors = []
try {
  const queue = pictures[which].filter((p) => only?.includes(p.name) ?? true)
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await take(next)
  }
  // Of moves there is one at a time, and at a serial port one types.
  await Promise.all(which === 'move' || which === 'serial' ? [worker()] : [worker(), worker(), worker()])
} finally {
  await browser.close()
}
if (errors.length) throw new Error(errors.join('\n'))

async function take({ name, path, theme = 'light', language = 'en', width = 1280, height = 800, act, during }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', locale: language === 'zh' ? 'zh-CN' : 'en-GB' })
  await context.addInitScript((l) => {
    localStorage.setItem('hither-language', l)
    localStorage.setItem('hither-release-key', 'seen')
  }, language)
  const page = await context.newPage()
  page.setDefaultTimeout(90_000)
  page.on('pageerror', (e) => errors.push(`${name}: ${e}`))
  const link = new URL(execFileSync(hither, ['web'], { encoding: 'utf8' }).trim())
  ;[link.pathname, link.search = ''] = path.split('?')
  await page.goto(link.href)
  await page.locator('nav').first().waitFor()
  await page.waitForTimeout(1500)
  const see = async (settled = 1000) => {
    await page.waitForTimeout(settled)
    await page.mouse.move(width - 1, height - 1)
    await page.screenshot({ path: `${out}/${name}.png` })
    console.log(name)
  }
  if (during) await during(page, see)
  else {
    await act?.(page)
    await see()
  }
  await context.close()
}
