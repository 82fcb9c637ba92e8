// Takes pictures of every page with Debian's Chromium, in both themes, both
// languages and two sizes, and runs axe-core in each. Fails on a violation.
import { readFileSync, mkdirSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const out = process.env.OUT ?? '/tmp/frontend-look'
const only = process.argv[2] ?? ''
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const dialog = (name) => (page) => page.keyboard.press(name)
/** Types a key into the screen and waits until the mock has painted for it. */
async function typeInto(page) {
  await page.locator('[data-testid=screen][data-state=live]').click()
  await page.keyboard.press('a')
  await page.locator('[data-testid=screen][data-frame="2"]').waitFor()
  const [r] = await page.locator('[data-testid=screen]').evaluate((c) => c.getContext('2d').getImageData(65, c.height - 55, 1, 1).data)
  if (r !== 240) throw new Error('the key did not show: ' + r)
}
const views = [
  { name: 'library', path: '/library' },
  { name: 'machine', path: '/machine/cloud/build-01?transport=websocket', act: typeInto, wait: '[data-state=live]' },
  { name: 'monitors', path: '/machine/laptop/self?monitor=HDMI-1&transport=websocket', wait: '[role=radiogroup]' },
  { name: 'machine-off', path: '/machine/laptop/ipxe' },
  { name: 'snapshots', path: '/machine/cloud/build-01?transport=websocket', act: (page) => page.locator('[data-current=true]').scrollIntoViewIfNeeded() },
  { name: 'snapshots-take', path: '/machine/laptop/ipxe', act: (page) => page.locator('[data-testid=snapshots] button').first().click(), wait: 'dialog' },
  { name: 'snapshots-revert', path: '/machine/laptop/ipxe', act: async (page) => {
    await page.locator('[data-snapshot=clean] button').click()
    await page.locator('[role=menuitem]').first().click()
  }, wait: '[role=alertdialog]' },
  { name: 'jobs', path: '/library', act: (page) => page.locator('header button[aria-expanded]').click(), wait: '[role=progressbar]' },
  { name: 'move', path: '/library', act: async (page) => {
    await page.locator('[data-machine=win11] [aria-haspopup=menu]').click()
    await page.locator('[role=menuitem]').filter({ hasText: /Move to|迁移到/ }).click()
  }, wait: 'dialog' },
  { name: 'apps', path: '/apps/cloud' },
  { name: 'app', path: '/app/cloud/self/xterm-1?transport=websocket', wait: '[data-state=live]' },
  { name: 'folders', path: '/folders' },
  { name: 'host', path: '/host/cloud' },
  { name: 'settings', path: '/settings' },
  { name: 'palette', path: '/library', act: dialog('Control+k') },
  { name: 'create', path: '/library', act: dialog('n') },
  { name: 'where', path: '/library', act: async (page) => {
    await page.keyboard.press('n')
    await page.locator('dialog select').first().selectOption('any')
  }, wait: '[data-testid=placement] li' },
  { name: 'power', path: '/machine/cloud/self?transport=websocket', act: (page) => page.locator('[data-testid=power] button').last().click(), wait: '[role=alertdialog]' },
  { name: 'self', path: '/machine/cloud/self?transport=websocket', wait: '[data-testid=power]' },
  { name: 'wake', path: '/library', act: async (page) => {
    const wake = page.locator('[data-host=nas][data-machine=self] button').filter({ hasText: /Wake|唤醒/ }).first()
    await wake.click()
    await wake.scrollIntoViewIfNeeded()
  }, wait: '[role=status] svg' },
  { name: 'roles', path: '/host/nas' },
  { name: 'role-filter', path: '/library?role=storage' },
  { name: 'pair', path: '/library', act: dialog('p'), wait: '[data-testid=pair-code]' },
  { name: 'menu', path: '/library', act: (page) => page.locator('[data-machine=win11] [aria-haspopup=menu]').click() },
  { name: 'error', path: '/library', act: (page) => page.locator('[data-machine=staging] button:not([tabindex="-1"])').first().click(), wait: '[role=alert]' },
  { name: 'select', path: '/library', act: async (page) => {
    await page.locator('button[aria-pressed=false]').first().click()
    for (const box of await page.locator('article input[type=checkbox]').all()) await box.check()
  } },
  { name: 'signin', path: '/library', signedOut: true },
]
const looks = [
  { theme: 'light', language: 'en', width: 1280, height: 800 },
  { theme: 'dark', language: 'zh', width: 1280, height: 800 },
  { theme: 'dark', language: 'en', width: 390, height: 844 },
]

const server = spawn('npx', ['vite', 'preview', '--config', 'test/mock/vite.config.ts'], {
  detached: true,
  env: { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true' },
  stdio: ['ignore', 'pipe', 'inherit'],
})
const base = await new Promise((resolve, reject) => {
  let text = ''
  server.stdout.on('data', (d) => {
    text += String(d).replace(new RegExp(String.fromCharCode(27) + '\\[[0-9;]*m', 'g'), '')
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
    if (url) resolve(url[0])
  })
  server.on('exit', () => reject(new Error('the mock node ended')))
})
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
let bad = 0
try {
  for (const look of looks) {
    const context = await browser.newContext({ viewport: { width: look.width, height: look.height }, colorScheme: look.theme })
    await context.addInitScript((l) => localStorage.setItem('hither-language', l), look.language)
    for (const view of views.filter((v) => v.name.startsWith(only))) {
      const page = await context.newPage()
      page.on('pageerror', (e) => (bad++, console.error(view.name, e)))
      page.on('console', (m) => m.type() === 'error' && !/Failed to load resource/.test(m.text()) && console.error(view.name, m.text()))
      await page.goto(base + view.path + (view.signedOut ? '' : '#token=test'))
      if (!view.signedOut) await page.locator('nav').first().waitFor()
      await page.waitForTimeout(900)
      await view.act?.(page)
      if (view.wait) await page.locator(view.wait).first().waitFor()
      await page.waitForTimeout(view.name.startsWith('machine') ? 7000 : 700)
      const shot = `${view.name}-${look.theme}-${look.language}-${look.width}`
      await page.screenshot({ path: `${out}/${shot}.png` })
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      for (const v of violations) {
        bad++
        console.error(`${shot}: ${v.id}: ${v.help}`)
        for (const n of v.nodes.slice(0, 3)) console.error('   ', n.html.slice(0, 160), n.any.map((a) => a.message).join('; ').slice(0, 200))
      }
      await page.close()
    }
    await context.close()
  }
} finally {
  await browser.close()
  process.kill(-server.pid)
}
console.log(bad === 0 ? `no violations; pictures in ${out}` : `${bad} problems`)
process.exitCode = bad ? 1 : 0
