// Takes the pictures of the page for build/screenshots.sh, with Debian's Chromium.
//
//	node build/screenshots.mjs HITHER OUT empty|page|offline
import { execFileSync } from 'node:child_process'
import { createRequire } from 'node:module'

const { chromium } = createRequire(new URL('../frontend/package.json', import.meta.url))('playwright-core')
const [hither, out, part] = process.argv.slice(2)
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
  await page.locator('dialog input').first().fill('media')
}
async function taken(page) {
  await create(page)
  await page.locator('dialog input').first().fill('web')
  await page.locator('dialog button[type=submit]').click()
  await page.locator('dialog [role=alert]').waitFor()
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
    { name: 'host-light', path: '/host/cloud', act: settled('text=/libvirt/') },
    { name: 'pair-light', path: '/library', act: pair },
    { name: 'pair-dark-zh', path: '/library', theme: 'dark', language: 'zh', act: pair },
    { name: 'create-light', path: '/library', act: create },
    { name: 'error-light', path: '/library', act: taken },
  ],
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
const errors = []
try {
  const queue = [...pictures[part]]
  const worker = async () => {
    for (let next = queue.shift(); next; next = queue.shift()) await take(next)
  }
  await Promise.all([worker(), worker(), worker()])
} finally {
  await browser.close()
}
if (errors.length) throw new Error(errors.join('\n'))

async function take({ name, path, theme = 'light', language = 'en', width = 1280, height = 800, act }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, reducedMotion: 'reduce', locale: language === 'zh' ? 'zh-CN' : 'en-GB' })
  await context.addInitScript((l) => {
    localStorage.setItem('hither-language', l)
    localStorage.setItem('hither-release-key', 'seen')
  }, language)
  const page = await context.newPage()
  page.setDefaultTimeout(90_000)
  page.on('pageerror', (e) => errors.push(`${name}: ${e}`))
  const link = new URL(execFileSync(hither, ['web'], { encoding: 'utf8' }).trim())
  link.pathname = path
  await page.goto(link.href)
  await page.locator('nav').first().waitFor()
  await page.waitForTimeout(1500)
  await act?.(page)
  await page.waitForTimeout(1000)
  await page.mouse.move(width - 1, height - 1)
  await page.screenshot({ path: `${out}/${name}.png` })
  console.log(name)
  await context.close()
}
