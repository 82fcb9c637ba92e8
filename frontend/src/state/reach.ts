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

/** Where a computer stands on the map. */
export interface Spot {
  host: Host
  /** From the left: 0 is the first column that somebody is in. */
  column: number
  /** Of its middle, from 0 to 1 of the map's height. */
  y: number
  /** The router that its path goes through, when that is on the map too. */
  via: Host | null
}

export interface Plan {
  spots: Spot[]
  columns: number
  /** As many as stand one above another in the fullest column. */
  rows: number
}

/**
 * Places computers in columns by how they are reached: those of the same network and the
 * offline ones to the left of this one, those that are reached straight to its right, and
 * behind those what goes through a router. In a column they are as in the list, but for
 * those behind a router, which stand together.
 */
export function plan(list: Host[]): Plan {
  const local = list.find((h) => h.local)
  const others = list.filter((h) => !h.local)
  const viaOf = (h: Host) => others.find((r) => r !== h && r.online && r.path !== 'relay' && (r.name === h.via || r.id === h.via)) ?? null
  const left = others.filter((h) => ['lan', 'offline'].includes(reachOf(h)))
  const relayed = others.filter((h) => reachOf(h) === 'relay').map((host) => ({ host, via: viaOf(host) }))
  const right = others.filter((h) => reachOf(h) === 'direct')
  const order = (via: Host | null) => (via ? (right.includes(via) ? right.indexOf(via) : right.length) : others.length)
  relayed.sort((a, b) => order(a.via) - order(b.via))
  const columns = [left.map((host) => ({ host, via: null })), local ? [{ host: local, via: null }] : [], right.map((host) => ({ host, via: null })), relayed].filter((c) => c.length > 0)
  return {
    columns: columns.length,
    rows: Math.max(1, ...columns.map((c) => c.length)),
    spots: columns.flatMap((column, c) => column.map(({ host, via }, r) => ({ host, via, column: c, y: (r + 0.5) / column.length }))),
  }
}
