import type { Tunnel } from '../../api/tunnels'
import { t } from '../../i18n/i18n.svelte'
import { useOf } from '../../state/tunnels.svelte'

/** An end of a tunnel: whose it is, "" for this computer, and where on it. */
export interface End {
  host: string
  place: string
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]):/

/** What a tunnel listens on; of the loopback the port says all. */
function listen(text: string): string {
  return LOOPBACK.test(text) ? text.slice(text.lastIndexOf(':')) : text.replace(/^(0\.0\.0\.0|\[::\]):/, '*:')
}

function target({ target: to }: Tunnel): string {
  if (to.machine) return `${to.machine}:${to.port}`
  if (to.address) return `${to.address.includes(':') ? `[${to.address}]` : to.address}:${to.port}`
  return `:${to.port}`
}

/** Where the visitors of a site come to. */
export function siteUrl({ site, listen: at }: Tunnel): string {
  if (!site) return ''
  const port = at.slice(at.lastIndexOf(':') + 1)
  return `${site.tls ? 'https' : 'http'}://${site.name}${port === (site.tls ? '443' : '80') ? '' : ':' + port}/`
}

/** From where a tunnel leads, and to where. */
export function ends(tunnel: Tunnel): { from: End; to: End } {
  const from = { host: '', place: listen(tunnel.listen) }
  switch (useOf(tunnel)) {
    case 'proxy':
      return { from, to: { host: tunnel.host, place: t('tunnels.everywhere') } }
    case 'forward':
      return { from, to: { host: tunnel.host, place: target(tunnel) } }
    default:
      return { from: { host: tunnel.host, place: siteUrl(tunnel) || from.place }, to: { host: '', place: target(tunnel) } }
  }
}

/** An end in one line. */
export const endWords = (e: End, here: string): string => (e.host || here) + (e.place.startsWith(':') ? e.place : ` ${e.place}`)
