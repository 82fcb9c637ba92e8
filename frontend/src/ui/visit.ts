import { t, type Key } from '../i18n/i18n.svelte'
import type { Session } from '../api/trust'
import { visitOf } from '../state/visits.svelte'

/** What a session is of: "this computer's screen", "the screen of web". */
function thing(s: Session): string {
  const kind = visitOf(s)
  if (kind === 'stream' || kind === 'tunnel') return s.object || streamName(s.what)
  const machine = s.object.split('/')[0] ?? ''
  if (kind === 'console') return machine === '' || machine === 'self' ? t('deed.this') : t('visit.system', { name: machine })
  return machine === '' || machine === 'self' ? t('visit.self') : t('visit.machine', { name: s.object.startsWith('self/') ? s.object.slice(5) : s.object })
}

const streams: Record<string, Key> = {
  '/hither/folder/1': 'visit.stream.folder', '/hither/move/1': 'visit.stream.move', '/hither/usb/1': 'visit.stream.usb',
  '/hither/backup/1': 'visit.stream.backup',
}
const streamName = (what: string): string => t(streams[what] ?? 'visit.stream.api')

/** "laptop sees this computer's screen": what a session is, as a sentence. */
export function visitSentence(s: Session, name: string): string {
  const kind = visitOf(s)
  return kind === 'view' || kind === 'control' || kind === 'console' ? t(`visit.${kind}`, { name, what: thing(s) }) : `${name}: ${visitWords(s)}`
}

/** The same without who it is. */
export const visitWords = (s: Session): string => t(`visit.short.${visitOf(s)}`, { what: thing(s) })
