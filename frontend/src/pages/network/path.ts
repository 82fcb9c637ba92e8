import type { Host } from '../../api/model'
import { ago } from '../../i18n/format'
import { i18n, t } from '../../i18n/i18n.svelte'
import { nodeText } from '../../i18n/node'
import { reachOf } from '../../state/reach'

/** How a computer is reached, in words. */
export function reachWords(h: Host): string {
  const reach = reachOf(h)
  if (reach === 'relay') return h.via ? t('network.reach.relay', { via: h.via }) : t('network.reach.relay.unknown')
  if (reach === 'offline' && h.away) return t(`away.${h.away}`)
  return t(`network.reach.${reach}`)
}

/** A round trip in milliseconds, with a decimal where that says something; "" when nobody knows. */
export function rtt(h: Host): string {
  if (!h.online || h.local || h.rttMicros <= 0) return ''
  const ms = h.rttMicros / 1000
  const digits = ms < 10 ? 1 : 0
  return t('network.ms', { n: new Intl.NumberFormat(i18n.tag, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(Math.max(ms, 0.1)) })
}

/** Why there is no better path, or that there is none. */
export function why(h: Host): string {
  switch (reachOf(h)) {
    case 'here':
      return ''
    case 'offline':
      return t('network.offline', { when: ago(h.lastSeen) })
    case 'relay':
      return h.whyNot ? nodeText(h.whyNot) : t('network.whyNot.unknown')
    case 'lan':
      return t('network.best.lan')
    case 'direct':
      return t('network.best')
  }
}

/** The part of a multiaddr that a person reads: "192.168.1.9:4001". */
export function end(h: Host): string {
  if (!h.online || h.local) return ''
  const [, kind, ip, , port] = h.addr.split('/')
  if (!ip || !port) return ''
  return kind === 'ip6' ? `[${ip}]:${port}` : `${ip}:${port}`
}

export const transport = (h: Host): string => (h.online && h.transport ? h.transport.toUpperCase() : '')
