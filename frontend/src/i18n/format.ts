import { i18n, t } from './i18n.svelte'

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** A size in IEC units with one decimal: "1.5 GiB". */
export function bytes(n: number): string {
  let unit = 0
  while (n >= 1024 && unit < UNITS.length - 1) {
    n /= 1024
    unit++
  }
  return (unit === 0 ? String(Math.round(n)) : n.toFixed(1)) + ' ' + UNITS[unit]
}

/** A system's name where there is little room: "Debian 12" for "Debian GNU/Linux 12 (bookworm)". */
export function shortSystem(name: string): string {
  return name.replace(' GNU/Linux', '').replace(/ \(.*\)$/, '')
}

/** Names one after the other: "a, b". */
export const names = (list: string[]): string => list.join(i18n.language === 'zh' ? '、' : ', ')

export function percent(share: number): string {
  return Math.round(share * 100) + '%'
}

/** How long ago, in words. */
export function ago(date: Date | null, now = Date.now()): string {
  if (!date) return t('time.never')
  const s = Math.max(0, (now - date.getTime()) / 1000)
  if (s < 60) return t('time.now')
  if (s < 3600) return t('time.minutes', { n: Math.floor(s / 60) })
  if (s < 86400) return t('time.hours', { n: Math.floor(s / 3600) })
  return t('time.days', { n: Math.floor(s / 86400) })
}

/** A day and a time, to the minute: "Nov 29, 2026, 8:58 AM". */
export function moment(date: Date | null): string {
  return date?.toLocaleString(i18n.tag, { dateStyle: 'medium', timeStyle: 'short' }) ?? ''
}

/** A time of day, to the minute: "08:58". */
export function clock(date: Date | null): string {
  return date?.toLocaleTimeString(i18n.tag, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }) ?? ''
}

/** A span without "ago": "3 h 20 min". */
export function span(from: Date, now = Date.now()): string {
  const minutes = Math.max(0, Math.floor((now - from.getTime()) / 60_000))
  const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60]
  if (d) return t('span.days', { d, h })
  return h ? t('span.hours', { h, m }) : t('span.minutes', { m })
}

/** How long something will take, to the second below two minutes: "95 s", "3 h 20 min". */
export function timeLeft(seconds: number): string {
  if (seconds < 120) return t('job.seconds', { n: Math.ceil(seconds) })
  return span(new Date(0), Math.round(seconds / 60) * 60_000)
}
