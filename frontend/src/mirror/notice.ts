import type { Key, Params, Text } from '../i18n/i18n.svelte'
import { bytes } from '../i18n/format'
import { t } from '../i18n/i18n.svelte'
import type { Reason } from './filewire'
import type { Moving } from './files'

/** What is said over a screen for a while, with one thing that the person may do. */
export interface Notice {
  text: Text
  verb?: Key
  do?: () => void
  /** It stays until something else is said. */
  stays?: boolean
}

const FAILED: Record<Reason, Key> = {
  failed: 'screen.filesFailed',
  cancelled: 'screen.filesCancelled',
  noRoom: 'screen.filesNoRoom',
  forbidden: 'screen.filesForbidden',
  nowhere: 'screen.filesNowhere',
  busy: 'screen.filesBusy',
  gone: 'screen.filesGone',
}

export function filesText(files: number, total: number): string {
  return t('screen.files', { n: files, size: bytes(total) })
}

/** How a transfer stands, in words. */
export function movingText(m: Moving, host: string): Text {
  const params: Params = { host, files: filesText(m.files, m.total), done: bytes(m.bytes), total: bytes(m.total), where: plain(m.where ?? '') }
  if (!m.over) return { key: m.here ? 'screen.filesFrom' : 'screen.filesTo', params }
  if (m.over !== 'kept') return { key: FAILED[m.over], params }
  if (m.here) return { key: 'screen.filesHere', params }
  return { key: m.drop ? 'screen.filesDropped' : 'screen.filesThere', params }
}

/** A host's word without what controls or turns text around, and not long. */
function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').slice(0, 100)
}
