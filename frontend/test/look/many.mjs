// Opens the lists with a thousand entries each in Debian's Chromium, scrolls them
// to their end, and says how many elements there are and how long frames took.
// Fails where a list is in the document as a whole, or a frame takes long.
import { chromium } from 'playwright-core'
import { serve } from './serve.mjs'

const MOST_ELEMENTS = 4000
const LONGEST_FRAME = 400 // ms; this computer may be busy
const views = [
  { name: 'computers, in the library', path: '/library', scroll: '#content' },
  { name: 'computers, in the rail', path: '/settings', scroll: 'nav div' },
  { name: 'images and volumes', path: '/host/cloud', scroll: '#content', wait: '[data-image]' },
  { name: 'snapshots', path: '/machine/laptop/ipxe', scroll: 'aside[aria-label=Inspector]', wait: '[data-snapshot]' },
  { name: 'tasks', path: '/settings', scroll: 'header .overflow-y-auto', act: (page) => page.locator('header button[aria-expanded]').click() },
  { name: 'computers, in a dialog', path: '/host/cloud', scroll: 'dialog .overflow-y-auto .overflow-y-auto', wait: 'dialog [data-host]', act: async (page) => {
    await page.locator('[data-image] [aria-haspopup=menu]').first().click()
    await page.locator('[role=menuitem]').first().click()
  } },
]

const { base, end } = await serve({ MANY: '1' })
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
let bad = 0
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  await context.addInitScript(() => localStorage.setItem('hither-language', 'en'))
  for (const view of views) {
    const page = await context.newPage()
    page.on('pageerror', (e) => (bad++, console.error(view.name, e)))
    await page.goto(base + view.path + '#token=test')
    await page.locator('nav [data-key]').first().waitFor()
    await page.waitForTimeout(1500)
    await view.act?.(page)
    if (view.wait) await page.locator(view.wait).first().waitFor()
    const seen = await page.locator(view.scroll).first().evaluate(async (box) => {
      const frame = () => new Promise((drawn) => requestAnimationFrame(drawn))
      const frames = []
      let most = 0
      const tall = box.scrollHeight
      for (let i = 0; i < 120; i++) {
        box.scrollBy(0, i < 60 ? 300 : box.scrollHeight / 60)
        const from = performance.now()
        await frame()
        frames.push(performance.now() - from)
        most = Math.max(most, document.querySelectorAll('*').length)
      }
      frames.sort((a, b) => a - b)
      return { tall, most, median: frames[60], p95: frames[114], longest: frames[119], end: Math.round(box.scrollTop + box.clientHeight) >= box.scrollHeight - 2 }
    })
    const wrong = seen.most > MOST_ELEMENTS || seen.longest > LONGEST_FRAME || !seen.end
    if (wrong) bad++
    console.log(`${wrong ? 'BAD ' : ''}${view.name}: ${seen.tall} px high, ${seen.most} elements at most, frames ${seen.median.toFixed(0)} ms (median), ${seen.p95.toFixed(0)} (p95), ${seen.longest.toFixed(0)} (longest)${seen.end ? '' : ', the end was not reached'}`)
    await page.close()
  }
} finally {
  await browser.close()
  end()
}
process.exitCode = bad ? 1 : 0
