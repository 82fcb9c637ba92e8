import type { Host, Machine } from '../../api/model'

/** A machine's name for people: "self" is its host. */
export function title(m: Machine, host: Host): string {
  return m.kind === 'self' ? host.name : m.name
}
