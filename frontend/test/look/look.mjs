// Takes pictures of every page with Debian's Chromium, in both themes, both
// languages and two sizes, and runs axe-core in each. Fails on a violation.
// look.mjs [NAME,…] takes those whose names begin so; LOOKS=light-zh-390,… says how,
// AXE=off leaves the checks out; SIZES=on says what is too small for a finger, or too wide.
import { readFileSync, mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'
import { serve } from './serve.mjs'

const out = process.env.OUT ?? '/tmp/frontend-look'
const only = (process.argv[2] ?? '').split(',')
const ways = process.env.LOOKS?.split(',')
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
const hardwareButton = (n) => (page) => page.locator('[data-testid=hardware] h3 + button').nth(n).click()
/** Chooses the first image of the catalogue and goes on. */
async function toMachine(page) {
  await page.keyboard.press('n')
  await page.locator('dialog [data-row]').first().click()
  await page.locator('dialog [type=submit]').click()
}
/** Brings the plots into sight, over one of their spans, with the pointer on one. */
const stats = (span) => async (page) => {
  await page.locator('[data-testid=stats] [role=radiogroup] label').nth(span).click()
  await page.waitForTimeout(2500)
  const box = page.locator('[data-testid=stats]')
  await box.locator('input[type=checkbox]').scrollIntoViewIfNeeded()
  if (!(await box.locator('canvas').count())) return
  const over = await box.locator('.u-over').nth(1).boundingBox()
  await page.mouse.move(over.x + over.width * 0.6, over.y + over.height / 2)
}
/** Scrolls until a machine's card is in the document: only those near the window are. */
async function card(page, name) {
  const found = page.locator(`[data-machine=${name}]`)
  while (!(await found.count())) await page.locator('#content').evaluate(async (view) => {
    view.scrollBy(0, 300)
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
  })
  return found
}
/** Scrolls to the end of a part of the page, so that all of it that fits is seen. */
const toEnd = (page, part) => page.locator(`[data-testid=${part}]`).evaluate((box) => box.scrollIntoView({ block: 'end' }))
async function fromMenu(page, name, item) {
  await (await card(page, name)).locator('[aria-haspopup=menu]').click()
  await page.locator('[role=menuitem]').filter({ hasText: item }).click()
}
/** Deploys ipxe to every computer that is online, two on each. */
async function toDeploy(page) {
  await fromMenu(page, 'ipxe', /Deploy|部署/)
  await page.locator('dialog input[type=checkbox]').first().check()
  await page.locator('dialog input[type=number]').fill('2')
}
async function netBootInstall(page) {
  await page.locator('[data-mac="52:54:00:12:34:56"] button').first().click()
}
/** Fills in what has to be, and asks for an installer by its place in the list. */
async function netBootFrom(page, index) {
  await netBootInstall(page)
  await page.locator('dialog optgroup').nth(1).waitFor({ state: 'attached' })
  await page.locator('dialog select').first().selectOption({ index })
  await page.locator('dialog input').first().fill('garage')
  await page.locator('dialog input[type=password]').fill('secret')
  await page.locator('dialog label:has(+ #sure-note) input').check()
  await page.locator('dialog [type=submit]').click()
}
const views = [
  { name: 'library', path: '/library' },
  { name: 'machine', path: '/machine/cloud/build-01?transport=websocket', act: typeInto, wait: '[data-state=live]' },
  { name: 'monitors', path: '/machine/laptop/self?monitor=HDMI-1&transport=websocket', wait: '[role=radiogroup]' },
  { name: 'machine-off', path: '/machine/laptop/ipxe' },
  { name: 'stats', path: '/machine/cloud/build-01?transport=websocket', act: stats(0), wait: '[data-testid=stats] canvas' },
  { name: 'stats-day', path: '/machine/laptop/win11?transport=websocket', act: stats(2), wait: '[data-testid=stats] canvas' },
  { name: 'stats-off', path: '/machine/laptop/ipxe', act: stats(0), wait: '[data-testid=stats] p' },
  { name: 'snapshots', path: '/machine/cloud/build-01?transport=websocket', act: (page) => toEnd(page, 'snapshots') },
  { name: 'snapshots-take', path: '/machine/laptop/ipxe', act: (page) => page.locator('[data-testid=snapshots] button').first().click(), wait: 'dialog' },
  { name: 'snapshots-revert', path: '/machine/laptop/ipxe', act: async (page) => {
    await toEnd(page, 'snapshots')
    await page.locator('[data-snapshot=clean] button').click()
    await page.locator('[role=menuitem]').first().click()
  }, wait: '[role=alertdialog]' },
  { name: 'backups', path: '/machine/cloud/build-01?transport=websocket', act: (page) => toEnd(page, 'backups') },
  { name: 'backups-none', path: '/machine/laptop/ipxe', act: (page) => page.locator('[data-testid=backups] p').last().scrollIntoViewIfNeeded() },
  { name: 'backups-restore', path: '/machine/cloud/build-01?transport=websocket', act: async (page) => {
    await page.locator('[data-backup=b6] button').click()
    await page.locator('[role=menuitem]').first().click()
  }, wait: 'dialog' },
  { name: 'backups-schedule', path: '/machine/laptop/ipxe', act: (page) => page.locator('[data-testid=backups] button').first().click(), wait: 'dialog' },
  { name: 'hardware', path: '/machine/cloud/build-01?transport=websocket', act: (page) => page.locator('[data-testid=hardware]').scrollIntoViewIfNeeded() },
  { name: 'hardware-labels', path: '/machine/cloud/build-01?transport=websocket', act: async (page) => {
    await page.locator('[data-testid=labels] button').filter({ has: page.locator('svg.lucide-pencil') }).click()
  }, wait: '[data-testid=labels] textarea' },
  { name: 'hardware-set', path: '/machine/cloud/build-01?transport=websocket', act: hardwareButton(0), wait: 'dialog' },
  { name: 'hardware-told', path: '/machine/cloud/build-01?transport=websocket', act: async (page) => {
    await hardwareButton(0)(page)
    await page.locator('dialog button[type=submit]').click()
  }, wait: '[data-testid=told]' },
  { name: 'hardware-remove', path: '/machine/cloud/build-01?transport=websocket', act: async (page) => {
    await page.locator('[data-disk=vdb] button').click()
    await page.locator('[role=menuitem]').last().click()
  }, wait: '[role=alertdialog]' },
  { name: 'hardware-nic', path: '/machine/cloud/build-01?transport=websocket', act: hardwareButton(2), wait: 'dialog' },
  { name: 'hardware-nics', path: '/machine/cloud/build-01?transport=websocket', act: (page) => page.locator('[data-nic]').last().evaluate((row) => row.scrollIntoView({ block: 'center' })) },
  ...[['card', '/machine/laptop/ipxe'], ['card-live', '/machine/cloud/build-01?transport=websocket']].map(([name, path]) => ({
    name: 'hardware-' + name, path, wait: 'dialog', act: async (page) => {
      await page.locator('[data-nic] button').last().click()
      await page.locator('[role=menuitem]').first().click()
    },
  })),
  { name: 'hardware-boot', path: '/machine/laptop/ipxe', act: hardwareButton(4), wait: 'dialog' },
  { name: 'screenshots', path: '/machine/cloud/Windows-10-test-5b8e2c41?transport=websocket', wait: '[data-state=live]' },
  { name: 'apps-guest', path: '/apps/cloud?machine=office', wait: '[data-testid=installing]' },
  { name: 'devices', path: '/host/cloud', act: (page) => page.locator('[data-testid=devices]').scrollIntoViewIfNeeded(), wait: '[data-device]' },
  { name: 'devices-far', path: '/host/laptop', act: (page) => page.locator('[data-testid=devices]').scrollIntoViewIfNeeded(), wait: '[data-device]' },
  { name: 'devices-machine', path: '/machine/cloud/build-01?transport=websocket', act: (page) => page.locator('[data-testid=hardware] [data-device]').last().scrollIntoViewIfNeeded() },
  { name: 'devices-add-far', path: '/machine/laptop/ipxe', act: hardwareButton(3), wait: 'dialog [data-row*=BBB]' },
  { name: 'devices-add', path: '/machine/cloud/build-01?transport=websocket', act: hardwareButton(3), wait: 'dialog [data-row]' },
  { name: 'hardware-display', path: '/machine/cloud/console' },
  { name: 'filters', path: '/library?tag=lab' },
  { name: 'console', path: '/machine/cloud/build-01?tab=console', wait: '.xterm-rows' },
  { name: 'console-off', path: '/machine/laptop/ipxe?tab=console' },
  { name: 'console-none', path: '/machine/laptop/win11?tab=console' },
  { name: 'shell', path: '/machine/laptop/self?tab=console', wait: '.xterm-rows' },
  { name: 'shell-ended', path: '/machine/laptop/self?tab=console', act: async (page) => {
    await page.locator('.xterm-rows').waitFor()
    await page.keyboard.type('exit\n')
  }, wait: '[role=toolbar] button:has-text("hell")' },
  { name: 'jobs', path: '/library', act: (page) => page.locator('header button[aria-expanded]').click(), wait: '[role=progressbar]' },
  { name: 'move', path: '/library', act: async (page) => {
    await (await card(page, 'win11')).locator('[aria-haspopup=menu]').click()
    await page.locator('[role=menuitem]').filter({ hasText: /Move to|迁移到/ }).click()
  }, wait: 'dialog' },
  { name: 'template', path: '/machine/laptop/debian-12' },
  ...[['clone', 'ipxe', /Clone…|克隆…/], ['from-template', 'debian-12', null], ['export', 'ipxe', /Export|导出/]].map(([name, machine, item]) => ({
    name, path: '/library', wait: 'dialog', act: async (page) => {
      const found = await card(page, machine)
      if (!item) return found.locator('button:not([tabindex="-1"])').first().click()
      await found.locator('[aria-haspopup=menu]').click()
      await page.locator('[role=menuitem]').filter({ hasText: item }).click()
    },
  })),
  { name: 'deploy', path: '/library', act: (page) => toDeploy(page), wait: 'dialog [data-host=cloud]' },
  { name: 'deploy-progress', path: '/library', act: async (page) => {
    await toDeploy(page)
    await page.locator('dialog input[type=text], dialog input:not([type])').fill('shop-' + (Date.now() % 10000))
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog [data-part=cloud] [role=progressbar]' },
  { name: 'deploy-partly', path: '/library', act: async (page) => {
    await toDeploy(page)
    await page.locator('dialog input[type=text], dialog input:not([type])').fill('full-' + (Date.now() % 10000))
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog [data-state=failed]', patience: 9000 },
  { name: 'deploy-image', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-testid=images]').scrollIntoViewIfNeeded()
    await page.locator('[data-image="debian-13"] [aria-haspopup=menu]').click()
    await page.locator('[role=menuitem]').first().click()
    await page.locator('dialog [data-host=cloud] input').check()
  }, wait: 'dialog [data-host=cloud]' },
  { name: 'bring', path: '/library', act: async (page) => {
    await page.setViewportSize({ width: page.viewportSize().width, height: 1500 })
    await (await card(page, 'ipxe')).dispatchEvent('dragstart')
    await page.locator('section:has([data-host=cloud])').dispatchEvent('drop')
  }, wait: 'dialog' },
  { name: 'move-progress', path: '/library', act: async (page) => {
    await (await card(page, 'win11')).locator('[aria-haspopup=menu]').click()
    await page.locator('[role=menuitem]').filter({ hasText: /Move to|迁移到/ }).click()
    await page.locator('dialog [role=list] button, dialog li button').first().click()
    await page.locator('header button[aria-expanded]').click()
  }, wait: '[role=progressbar]' },
  { name: 'rename', path: '/library', act: (page) => fromMenu(page, 'ipxe', /Rename|重命名/), wait: 'dialog' },
  { name: 'remove', path: '/library', act: (page) => fromMenu(page, 'ipxe', /Remove…|删除…/), wait: '[role=alertdialog]' },
  { name: 'nothing-found', path: '/library?q=zzz' },
  { name: 'lost', path: '/machine/cloud/gone' },
  { name: 'machine-offline', path: '/machine/nas/media' },
  { name: 'host-offline', path: '/host/nas' },
  { name: 'import', path: '/library', act: (page) => page.getByRole('button', { name: /Import machine|导入机器/ }).click(), wait: 'dialog' },
  { name: 'apps', path: '/apps/cloud' },
  { name: 'app', path: '/app/cloud/self/xterm-1?transport=websocket', wait: '[data-state=live]' },
  { name: 'folders', path: '/folders' },
  { name: 'host', path: '/host/cloud' },
  { name: 'networks', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-network=default] button[aria-expanded]').first().click()
    await page.locator('[data-network=office]').scrollIntoViewIfNeeded()
  } },
  { name: 'networks-add', path: '/host/cloud', act: (page) => page.locator('[data-testid=networks] button').first().click(), wait: 'dialog' },
  { name: 'networks-busy', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-network=default] [aria-haspopup=menu]').click()
    await page.locator('[role=menuitem]').first().click()
    await page.locator('[role=alertdialog] button').last().click()
  }, wait: '[data-testid=networks] [role=alert]' },
  { name: 'networks-none', path: '/host/laptop', act: (page) => page.locator('[data-testid=networks]').scrollIntoViewIfNeeded() },
  { name: 'netboot', path: '/host/cloud', act: (page) => page.locator('[data-testid=netboot]').evaluate((box) => box.scrollIntoView({ block: 'end' })), wait: '[data-mac]' },
  { name: 'netboot-off', path: '/host/laptop', act: (page) => page.locator('[data-testid=netboot]').scrollIntoViewIfNeeded(), wait: '[data-testid=netboot] select' },
  { name: 'netboot-install', path: '/host/cloud', act: netBootInstall, wait: 'dialog' },
  { name: 'netboot-install-wrong', path: '/host/cloud', act: async (page) => {
    await netBootInstall(page)
    await page.locator('dialog input').first().fill('cloud')
    await page.locator('dialog [type=submit]').click()
    await page.locator('dialog form').evaluate((form) => form.scrollIntoView({ block: 'end' }))
  }, wait: 'dialog [aria-invalid=true]' },
  { name: 'netboot-install-end', path: '/host/cloud', act: async (page) => {
    await netBootInstall(page)
    await page.locator('dialog form').evaluate((form) => form.scrollIntoView({ block: 'end' }))
  }, wait: 'dialog' },
  { name: 'netboot-install-refused', path: '/host/cloud', act: (page) => netBootFrom(page, 2), wait: 'dialog [role=alert]' },
  { name: 'netboot-install-brings', path: '/host/cloud', act: async (page) => {
    await netBootFrom(page, 0)
    await page.locator('dialog form').evaluate((form) => form.scrollIntoView({ block: 'end' }))
  }, wait: 'dialog' },
  { name: 'netboot-off-ask', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-mac]').first().waitFor()
    await page.locator('[data-testid=netboot] > button').click()
  }, wait: '[role=alertdialog]' },
  { name: 'storage', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-pool=hither] button[aria-expanded]').click()
    await page.locator('[data-volume=scratch]').scrollIntoViewIfNeeded()
  } },
  { name: 'storage-add', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-pool=hither] button[aria-expanded]').click()
    await page.locator('[data-pool=hither] button').filter({ hasText: /Add volume|添加卷/ }).click()
  }, wait: 'dialog' },
  { name: 'cards', path: '/machine/cloud/build-01?transport=websocket', act: (page) => page.locator('[data-forward="5353"]').scrollIntoViewIfNeeded() },
  { name: 'cards-forward', path: '/machine/cloud/build-01?transport=websocket', act: async (page) => {
    await page.locator('[data-testid=network] h3 + button').click()
    await page.locator('dialog input[type=checkbox]').check()
  }, wait: 'dialog' },
  { name: 'settings', path: '/settings' },
  { name: 'palette', path: '/library', act: dialog('Control+k') },
  { name: 'create', path: '/library', act: dialog('n'), wait: 'dialog [role=radiogroup] [data-row]' },
  { name: 'create-pool', path: '/library', act: async (page) => {
    await page.keyboard.press('n')
    await page.locator('dialog input[value=pool]').check({ force: true })
  }, wait: 'dialog [data-row]' },
  { name: 'create-machine', path: '/library', act: (page) => toMachine(page) },
  { name: 'create-firmware', path: '/library', act: async (page) => {
    await page.keyboard.press('n')
    await page.locator('dialog select').first().selectOption({ label: 'cloud' })
    await page.locator('dialog [data-row]').first().click()
    await page.locator('dialog [type=submit]').click()
    await page.locator('dialog input[value=uefi-secure]').check({ force: true })
  } },
  { name: 'create-taken', path: '/library', act: async (page) => {
    await toMachine(page)
    await page.locator('dialog input').first().fill('ipxe')
    await page.locator('dialog input[role=combobox]').first().fill('much')
    await page.locator('dialog input[role=combobox] + button').last().click()
  }, wait: 'dialog [role=listbox]' },
  { name: 'create-made', path: '/library', act: async (page) => {
    await toMachine(page)
    await page.locator('dialog input').first().fill('web-' + (Date.now() % 10000))
    await page.locator('dialog [type=submit]').click()
    await page.locator('dialog [type=submit]').click()
    await page.locator('dialog [role=progressbar]').waitFor()
    await page.keyboard.press('Escape')
  }, wait: '[data-testid=made]', patience: 60_000 },
  { name: 'create-start', path: '/library', act: async (page) => {
    await toMachine(page)
    await page.locator('dialog input').first().fill('web')
    await page.locator('dialog textarea').fill('')
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog dl' },
  { name: 'create-progress', path: '/library', act: async (page) => {
    await toMachine(page)
    await page.locator('dialog input').first().fill('web-' + (Date.now() % 10000))
    await page.locator('dialog textarea').fill('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKj7Zk ada@laptop')
    await page.locator('dialog [type=submit]').click()
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog [role=progressbar]' },
  { name: 'images', path: '/host/cloud', act: (page) => page.locator('[data-testid=images]').scrollIntoViewIfNeeded(), wait: '[data-image]' },
  { name: 'images-fetch', path: '/host/cloud', act: async (page) => {
    await page.locator('[data-testid=images] button').first().click()
    await page.locator('dialog input[value=address]').check({ force: true })
  }, wait: 'dialog input[type=url]' },
  { name: 'where', path: '/library', act: async (page) => {
    await page.keyboard.press('n')
    await page.locator('dialog select').first().selectOption('any')
  }, wait: '[data-testid=placement] li' },
  { name: 'power', path: '/machine/cloud/self?transport=websocket', act: (page) => page.locator('[data-testid=power] button').last().click(), wait: '[role=alertdialog]' },
  { name: 'self', path: '/machine/cloud/self?transport=websocket', wait: '[data-testid=power]' },
  { name: 'wake', path: '/host/nas', act: (page) => page.locator('main button').filter({ hasText: /Wake|唤醒/ }).first().click(), wait: '[role=status] svg' },
  { name: 'roles', path: '/host/nas' },
  { name: 'role-filter', path: '/library?role=storage' },
  { name: 'pair', path: '/library', act: dialog('p'), wait: '[data-testid=pair-code]' },
  { name: 'menu', path: '/library', act: async (page) => (await card(page, 'win11')).locator('[aria-haspopup=menu]').click() },
  { name: 'error', path: '/library', act: async (page) => (await card(page, 'staging')).locator('button:not([tabindex="-1"])').first().click(), wait: '[role=alert]' },
  { name: 'select', path: '/library', act: async (page) => {
    await page.locator('article input[type=checkbox]').first().focus()
    await page.keyboard.press('Control+a')
  } },
  { name: 'network', path: '/network', wide: true, act: (page) => page.waitForTimeout(4000), wait: '[data-tunnel=T1]' },
  { name: 'network-tunnels', path: '/network', wide: true, act: async (page) => {
    await page.waitForTimeout(20_000)
    await toEnd(page, 'tunnels')
  }, wait: '[data-tunnel=T1]' },
  { name: 'network-add', path: '/network', wide: true, act: async (page) => {
    await page.locator('main h1 + button').click()
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog [aria-invalid=true]' },
  { name: 'network-publish', path: '/network', wide: true, act: async (page) => {
    await page.locator('main h1 + button').click()
    await page.locator('dialog input[value=publish]').check()
    await page.locator('dialog input[value=https]').check({ force: true })
    await page.locator('[data-testid=site-name]').fill('www.example.org')
    await page.locator('[data-testid=site-agreed]').check()
    await page.locator('[data-testid=site-name]').scrollIntoViewIfNeeded()
  }, wait: '[data-testid=site-agreed]:checked' },
  { name: 'network-taken', path: '/network', wide: true, act: async (page) => {
    await page.locator('main h1 + button').click()
    await page.locator('[data-testid=target-port]').fill('22')
    await page.locator('[data-testid=listen-port]').fill('5432')
    await page.locator('dialog [type=submit]').click()
  }, wait: 'dialog [role=alert]' },
  { name: 'network-remove', path: '/network', wide: true, act: (page) => page.locator('[data-tunnel=T1] button').click(), wait: '[role=alertdialog]' },
  { name: 'grants', path: '/host/grandma', wide: true, wait: '[data-testid=granted]' },
  { name: 'grants-change', path: '/host/grandma', wide: true, act: async (page) => {
    await page.locator('[data-testid=granted] button').first().click()
    await page.locator('dialog fieldset select').last().selectOption('machine:self')
  }, wait: 'dialog [data-part=self]' },
  { name: 'activity', path: '/activity', wide: true, wait: '[data-deed]' },
  { name: 'activity-broken', path: '/activity?result=refused', wide: true, broken: true, wait: '[data-broken=true]' },
  { name: 'signin', path: '/library', signedOut: true },
]
const looks = ['light', 'dark'].flatMap((theme) => ['en', 'zh'].flatMap((language) => [[1280, 800], [390, 844]].map(([width, height]) => ({ theme, language, width, height }))))
  .filter((l) => (ways ?? ['light-en-1280', 'dark-zh-1280', 'dark-en-390', 'light-zh-390']).includes(`${l.theme}-${l.language}-${l.width}`))

/** What a finger hardly hits, what the window cannot hold. Links within a text may be small. */
function sizes() {
  const said = []
  if (document.scrollingElement.scrollWidth > innerWidth) said.push(`the page is ${document.scrollingElement.scrollWidth} px wide`)
  const top = document.querySelector('dialog') ?? document
  for (const e of top.querySelectorAll('button, a[href], input, select, textarea, summary')) {
    const box = (e.matches('input[type=checkbox], input[type=radio]') && e.closest('label') ? e.closest('label') : e).getBoundingClientRect()
    if (!box.width || e.tabIndex < 0 || e.closest('[inert], .sr-only')) continue
    if (box.left < -1 || box.right > innerWidth + 1) if (!e.closest('.overflow-x-auto')) said.push(`beyond the edge: ${e.outerHTML.slice(0, 120)}`)
    if (matchMedia('(pointer: coarse)').matches && (box.height < 43.5 || box.width < 43.5) && !(e.matches('a') && getComputedStyle(e).display === 'inline'))
      said.push(`${Math.round(box.width)}×${Math.round(box.height)}: ${(e.getAttribute('aria-label') ?? e.textContent).trim().slice(0, 40)} ${e.tagName} ${e.className.slice?.(0, 60) ?? ''}`)
  }
  return said
}

const servers = []
/** The node that a view wants: alone with two others, or with a wider fabric, or with a log that was changed. */
async function node(view) {
  const name = [view.wide && 'WIDE', view.broken && 'BROKEN'].filter(Boolean).join('+')
  const known = servers.find((s) => s.name === name)
  if (known) return known.base
  const server = { name, ...(await serve(Object.fromEntries([['PORT', '0'], ...name.split('+').filter(Boolean).map((n) => [n, '1'])]))) }
  servers.push(server)
  return server.base
}
mkdirSync(out, { recursive: true })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
let bad = 0
try {
  for (const look of looks) {
    const context = await browser.newContext({ viewport: { width: look.width, height: look.height }, colorScheme: look.theme, hasTouch: look.width < 500 })
    await context.addInitScript((l) => localStorage.setItem('hither-language', l), look.language)
    for (const view of views.filter((v) => only.some((o) => v.name.startsWith(o)))) {
      const shot = `${view.name}-${look.theme}-${look.language}-${look.width}`
      const page = await context.newPage()
      page.on('pageerror', (e) => (bad++, console.error(view.name, e)))
      page.on('console', (m) => m.type() === 'error' && !/Failed to load resource/.test(m.text()) && console.error(view.name, m.text()))
      try {
        await page.goto((await node(view)) + view.path + (view.signedOut ? '' : '#token=test'))
        if (!view.signedOut) await page.locator('nav').first().waitFor()
        await page.waitForTimeout(900)
        await view.act?.(page)
        if (view.wait) await page.locator(view.wait).first().waitFor({ timeout: view.patience ?? 30_000 })
        await page.waitForTimeout(view.name === 'machine' ? 7000 : 700)
        await page.screenshot({ path: `${out}/${shot}.png` })
        if (process.env.SIZES) for (const line of await page.evaluate(sizes)) console.log(`${shot}: ${line}`)
        if (process.env.AXE !== 'off') await page.evaluate(axe)
        const { violations } = await page.evaluate(() => globalThis.axe?.run() ?? { violations: [] })
        for (const v of violations) {
          bad++
          console.error(`${shot}: ${v.id}: ${v.help}`)
          for (const n of v.nodes.slice(0, 3)) console.error('   ', n.html.slice(0, 160), n.any.map((a) => a.message).join('; ').slice(0, 200))
        }
      } catch (e) {
        bad++
        console.error(`${shot}: ${e.message.split('\n')[0]}`)
      }
      await page.close()
    }
    await context.close()
  }
} finally {
  await browser.close()
  for (const server of servers) server.end()
}
console.log(bad === 0 ? `no violations; pictures in ${out}` : `${bad} problems`)
process.exitCode = bad ? 1 : 0
