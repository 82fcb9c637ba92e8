import { render, screen as page } from '@testing-library/svelte'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { UiError } from '../src/api/error'
import { i18n } from '../src/i18n/i18n.svelte'
import { nodeError, nodeText, nodeTexts } from '../src/i18n/node'
import { nodeZh } from '../src/i18n/node.zh'
import ErrorNote from '../src/ui/ErrorNote.svelte'

beforeEach(() => i18n.set('zh'))
afterEach(() => i18n.set('en'))

it('says a text, and one with parts that vary', () => {
  expect(nodeText('no such machine')).toBe('没有这台机器')
  expect(nodeText('12 bytes were announced, 15 or more came')).toBe('声明 12 字节，收到 15 字节或更多')
  expect(nodeText('it is removed by nobody known')).toBe('它的状态是 removed by nobody known')
})

it('says what matters of an error that was kept as one line', () => {
  i18n.set('en')
  expect(nodeError('machine.backup web: invalid: /var/lib/hither is full')).toBe('/var/lib/hither is full')
  expect(nodeError('machine.migrate cloud/web: machine.migrate web: exists already')).toBe('the name is taken')
  expect(nodeError('no such machine')).toBe('no such machine')
  i18n.set('zh')
  expect(nodeError('machine.start web: not found: no such machine')).toBe('没有这台机器')
})

it('says each of several sentences', () => {
  expect(nodeTexts('nas is away; cloud still lacks 3 items; of a newer node')).toBe('nas 不在线；cloud 还缺 3 项；of a newer node')
  expect(nodeTexts('a disk could not be written; make room, then resume')).toBe('磁盘无法写入；请腾出空间，然后继续运行')
  i18n.set('en')
  expect(nodeTexts('nas is away; cloud is away')).toBe('nas is away; cloud is away')
})

it('leaves an unknown text, and every text in English', () => {
  expect(nodeText('a sentence of a newer node')).toBe('a sentence of a newer node')
  expect(nodeText('')).toBe('')
  expect(nodeText('constructor')).toBe('constructor')
  i18n.set('en')
  expect(nodeText('no such machine')).toBe('no such machine')
})

it('shows the parts that vary as they are', () => {
  const hostile = '{1}{0} $& $1 (a+)+$ \\ .* <b>'
  expect(nodeText(`there is no directory ${hostile}`)).toBe(`没有目录 ${hostile}`)
  expect(nodeText('no such machineX')).toBe('no such machineX')
  const long = 'it is ' + 'x'.repeat(5000)
  expect(nodeText(long)).toBe(long)
})

it('has the same places in both languages', () => {
  const holes = (s: string) => [...new Set(s.match(/\{\d\}/g) ?? [])].sort()
  for (const [english, chinese] of Object.entries(nodeZh)) expect(holes(chinese), english).toEqual(holes(english))
})

it('shows an error in Chinese', () => {
  const hint = 'a name begins with a letter or a digit and goes on with letters, digits and . _ - ~'
  render(ErrorNote, { error: new UiError({ op: 'machine.create', path: '-x', cause: 'invalid', detail: 'it is this computer itself', hint }) })
  const said = page.getByRole('alert').textContent
  expect(said).toContain('它就是这台电脑本身')
  expect(said).toContain('名称以字母或数字开头')
  expect(said).not.toContain('a name begins')
})
