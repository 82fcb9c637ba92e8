import { Code, ConnectError } from '@connectrpc/connect'
import { afterEach, expect, it } from 'vitest'
import { UiError, errorFromJson } from '../src/api/error'
import { ErrorSchema } from '../src/api/gen/hither/v1/node_pb'
import { newTrace } from '../src/api/trace'
import { goodName, imageName } from '../src/dialogs/name'
import { ago, bytes } from '../src/i18n/format'
import { catalogues, i18n, t, type Key } from '../src/i18n/i18n.svelte'

afterEach(() => i18n.set('en'))
const holes = (s: string) => [...new Set(s.match(/\{\w+\}/g) ?? [])].sort()

it('says everything in both languages, with the same parameters', () => {
  expect(Object.keys(catalogues.zh).sort()).toEqual(Object.keys(catalogues.en).sort())
  for (const key of Object.keys(catalogues.en) as Key[]) {
    expect(catalogues.zh[key], key).not.toBe('')
    expect(holes(catalogues.zh[key]), key).toEqual(holes(catalogues.en[key]))
  }
})

it('uses every word, and only words it has', () => {
  const files = import.meta.glob(['../src/**/*.svelte', '../src/**/*.ts', '!../src/i18n/{en,zh,*.en,*.zh}.ts'], { query: '?raw', import: 'default', eager: true })
  const code = Object.values(files).join('\n')
  for (const key of Object.keys(catalogues.en)) {
    const family = key.slice(0, key.lastIndexOf('.') + 1)
    expect(code.includes(`'${key}'`) || code.includes('`' + family + '${') || code.includes('`' + family.split('.')[0] + '.${'), key).toBe(true)
  }
})

it('chooses forms and writes sizes and times', () => {
  expect([t('library.selected', { n: 1 }), t('folders.files', { n: 1312 })]).toEqual(['1 selected', '1,312 files'])
  expect([bytes(0), bytes(1536), bytes(3 * 2 ** 30)]).toEqual(['0 B', '1.5 KiB', '3.0 GiB'])
  expect(ago(new Date(0), 2 * 3600_000)).toBe('2 h ago')
  i18n.set('zh')
  expect(ago(new Date(0), 86400_000)).toBe('1 天前')
})

it('takes an error of the node apart', () => {
  const value = { op: 'machine.start', path: 'nas/win11', cause: 'busy', detail: 'd', hint: 'h' }
  const error = UiError.from(new ConnectError('x', Code.Aborted, undefined, [{ desc: ErrorSchema, value }]))
  expect(error).toMatchObject(value)
  expect(UiError.from(ConnectError.from(error))).toBe(error)
  expect(UiError.from(new ConnectError('x', Code.Unauthenticated)).signedOut).toBe(true)
  const unpaired = new ConnectError('x', Code.Unauthenticated, undefined, [{ desc: ErrorSchema, value: { cause: 'unpaired' } }])
  expect(UiError.from(unpaired)).toMatchObject({ signedOut: false, cause: 'unpaired' })
  expect(errorFromJson(JSON.stringify(value))).toMatchObject(value)
  expect(errorFromJson('<html>')).toMatchObject({ detail: '<html>', cause: '' })
  expect(UiError.from(new DOMException('', 'AbortError')).cancelled).toBe(true)
})

it('makes trace IDs and names', () => {
  expect(newTrace()).toMatch(/^[A-Z2-7]{26}$/)
  expect(newTrace()).not.toBe(newTrace())
  expect(['a', 'win11', 'a.b_c~d-e', 'a'.repeat(64)].every(goodName)).toBe(true)
  expect(['', '.a', '-a', 'a/b', '../x', '<x>', 'ä', 'a'.repeat(65)].some(goodName)).toBe(false)
  expect(['Windows 11 (x64).iso', '../../etc/passwd', '你好.iso', '—'].map(imageName).every(goodName)).toBe(true)
})
