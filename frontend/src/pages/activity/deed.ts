import type { Deed } from '../../api/trust'
import { catalogues, i18n, t, type Key } from '../../i18n/i18n.svelte'

const isKey = (key: string): key is Key => key in catalogues.en

/** The word of a verb of machines, as the menus have it. */
const verbWord = (verb: string): string => (isKey(`verb.${verb}`) ? t(`verb.${verb}` as Key) : verb).replace('…', '')

/** What was done, as a sentence without who did it; what this page has no words for is called by its name. */
export function deedWords(d: Deed): string {
  const key = `deed.${d.what}`
  const object = d.object === 'self' || d.object === '' ? t('deed.this') : d.object
  if (!isKey(key)) return [d.what.replace('Service/', ' · '), d.object, d.detail].filter(Boolean).join(' ')
  const detail = d.what === 'MachineService/Do' ? verbWord(d.detail) : d.detail || '–'
  return t(key, { object, detail })
}

const results = ['ok', 'refused', 'asked', 'opened', 'failed', 'ended'] as const

/** How it ended: a word of the log, or the cause of a failure. */
export function resultWords(d: Deed): string {
  const own = results.find((r) => r === d.result)
  if (own) return t(`result.${own}`)
  return isKey(`cause.${d.result}`) ? t(`cause.${d.result}` as Key) : d.result
}

/** ok, neutral or bad, for the mark beside it. */
export function tone(d: Deed): 'good' | 'plain' | 'warn' | 'bad' {
  if (d.what === 'audit.damaged') return 'bad'
  if (d.result === 'refused') return 'warn'
  if (d.result === 'ok') return 'good'
  return ['asked', 'opened', 'ended'].includes(d.result) ? 'plain' : 'bad'
}

export interface Filter {
  text: string
  result: string
  /** Only what was after it, in ms since 1970; 0 is all. */
  since: number
}

/** What a record is found by, in one language; a log of many is filtered at each key. */
const found = new WeakMap<Deed, { language: string; hay: string }>()
function hay(d: Deed): string {
  let known = found.get(d)
  if (!known || known.language !== i18n.language) {
    known = { language: i18n.language, hay: `${d.name} ${deedWords(d)} ${d.what} ${d.object} ${d.detail} ${d.error}`.toLowerCase() }
    found.set(d, known)
  }
  return known.hay
}

/** Whether a record is one of those that a person wants to see. */
export function wanted(d: Deed, f: Filter): boolean {
  if (f.since && (d.time?.getTime() ?? 0) < f.since) return false
  if (f.result === 'refused' && d.result !== 'refused') return false
  if (f.result === 'failed' && tone(d) !== 'bad') return false
  return f.text === '' || f.text.toLowerCase().split(/\s+/).every((word) => hay(d).includes(word))
}
