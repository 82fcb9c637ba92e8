import { t } from '../i18n/i18n.svelte'
import type { Row } from '../state/grants'

/** What a row of grants is about, in words. */
export function objectWords({ object, folder }: Pick<Row, 'object' | 'folder'>): string {
  if (!object) return t('grants.everything')
  if (folder) return t('grants.folder', { name: object })
  const [machine = '', app] = object.split('/')
  if (app) return t('grants.app', { app, machine: machine === 'self' ? t('deed.this') : machine })
  return machine === 'self' ? t('grants.self') : t('grants.machine', { name: machine })
}
