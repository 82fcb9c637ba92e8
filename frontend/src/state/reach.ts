import type { Host } from '../api/model'

/** How a computer is reached: in this one's own network, straight over others, through a router, or not. */
export type Reach = 'here' | 'lan' | 'direct' | 'relay' | 'offline'

export function reachOf(h: Host): Reach {
  if (h.local) return 'here'
  if (!h.online) return 'offline'
  if (h.path === 'relay') return 'relay'
  return near(h.addr) ? 'lan' : 'direct'
}

/** Whether the other end of a path is at an address of a private network (RFC 1918, 4193, 3927, 4291) or of this computer. */
export function near(addr: string): boolean {
  const [, kind, ip = ''] = addr.split('/')
  if (kind === 'ip4') return /^(10|127)\.|^192\.168\.|^169\.254\.|^172\.(1[6-9]|2\d|3[01])\./.test(ip)
  return kind === 'ip6' && /^(f[cd]|fe[89ab])|^::1$/i.test(ip)
}

/** Where a computer stands on the map: x and y from -1 to 1 around this one. */
export interface Spot {
  host: Host
  x: number
  y: number
  /** The router that its path goes through, when that is on the map too. */
  via: Host | null
}

/** From how many on they stand on two rings. */
const CROWDED = 9

/**
 * Places the others around this computer: those that are reached through a router stand
 * behind it, and the order is that of the list, so that nobody changes places because a
 * third one came or went offline.
 */
export function spots(list: Host[]): Spot[] {
  const others = list.filter((h) => !h.local)
  const viaOf = (h: Host) => (reachOf(h) === 'relay' ? (others.find((r) => r !== h && reachOf(r) !== 'relay' && (r.name === h.via || r.id === h.via)) ?? null) : null)
  const behind = new Map<Host, Host[]>()
  for (const h of others) {
    const via = viaOf(h)
    if (via) behind.set(via, [...(behind.get(via) ?? []), h])
  }
  const first = others.filter((h) => !viaOf(h))
  const weight = (h: Host) => Math.max(1, behind.get(h)?.length ?? 0)
  const all = first.reduce((n, h) => n + weight(h), 0)
  const out: Spot[] = []
  let at = 0
  first.forEach((host, i) => {
    const w = weight(host)
    // The first stands to the right of the top, so that one alone stands at the right.
    const angle = (n: number) => (n / all) * 2 * Math.PI - (all === 1 ? 0 : Math.PI / all)
    const routed = behind.get(host) ?? []
    const far = routed.length > 0 ? 0.52 : all >= CROWDED && i % 2 === 1 ? 0.62 : behind.size > 0 || all >= CROWDED ? 1 : 0.86
    const middle = angle(at + (w - 1) / 2)
    out.push({ host, x: Math.cos(middle) * far, y: Math.sin(middle) * far, via: null })
    routed.forEach((h, n) => {
      const a = angle(at + n)
      out.push({ host: h, x: Math.cos(a), y: Math.sin(a), via: host })
    })
    at += w
  })
  return out
}
