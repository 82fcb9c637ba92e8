import type { Host } from '../api/model'

/** What a computer may be for, in the order in which it is shown. */
export const roles = ['compute', 'storage', 'router'] as const
export type Role = (typeof roles)[number]

/** The roles of a computer that this page knows. */
export const known = (host: Host): Role[] => roles.filter((r) => host.roles.includes(r))

/** Whether this computer may do something there; a host that does not tell decides itself. */
export function may(host: Host, capability: string): boolean {
  return host.local || host.may.length === 0 || host.may.includes(capability) || host.may.includes('admin')
}
