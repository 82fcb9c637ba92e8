import { timestampDate } from '@bufbuild/protobuf/wkt'
import { createClient, type Transport } from '@connectrpc/connect'
import type { UiError } from './error'
import { TunnelService, type Tunnel as PbTunnel } from './gen/hither/v1/tunnel_pb'

export type TunnelKind = 'forward' | 'reverse' | 'proxy'

/** What a tunnel is to be; see fusion.TunnelSpec. */
export interface TunnelSpec {
  kind: TunnelKind
  proto: 'tcp' | 'udp'
  /** ADDRESS:PORT or unix:PATH; of the other computer for a reverse tunnel. */
  listen: string
  /** Others reach the address that it listens on. */
  open: boolean
  /** The other computer. */
  host: string
  target: { machine: string; address: string; port: number }
  once: boolean
  /** Bytes a second each way, 0 for no limit. */
  limit: number
  user: string
  password: string
  /** What is published by name, null for a bare port; see fusion.Site. */
  site: TunnelSite | null
}

export interface TunnelSite {
  name: string
  tls: boolean
  /** The port that leads HTTP to HTTPS, 0 for none. */
  plain: number
  /** The CA's terms are accepted. */
  agreed: boolean
  email: string
}

export interface Tunnel extends TunnelSpec {
  id: string
  hostId: string
  state: 'open' | 'waiting' | 'failed'
  note: string
  hint: string
  connections: number
  total: number
  bytesIn: number
  bytesOut: number
  /** Bytes a second. */
  rateIn: number
  rateOut: number
  /** Until when a site's certificate holds, null while it has none. */
  certificateUntil: Date | null
}

/** The part of Api about tunnels of this computer. */
export interface TunnelApi {
  /** All tunnels, at once and then about once a second while they change. */
  tunnels(signal: AbortSignal): AsyncIterable<Tunnel[]>
  addTunnel(spec: TunnelSpec): Promise<Tunnel>
  removeTunnel(id: string): Promise<void>
}

function tunnel(t: PbTunnel): Tunnel {
  const s = t.spec
  return {
    id: t.id, hostId: t.hostId, state: t.state as Tunnel['state'], note: t.note, hint: t.hint, connections: t.connections,
    total: Number(t.total), bytesIn: Number(t.bytesIn), bytesOut: Number(t.bytesOut), rateIn: t.rateIn, rateOut: t.rateOut,
    kind: (s?.kind ?? 'forward') as TunnelKind, proto: s?.proto === 'udp' ? 'udp' : 'tcp', listen: s?.listen ?? '', open: s?.open ?? false,
    host: s?.host ?? '', once: s?.once ?? false, limit: Number(s?.limit ?? 0), user: s?.user ?? '', password: '',
    site: s?.site ? { name: s.site.name, tls: s.site.tls, plain: s.site.plain, agreed: s.site.agreed, email: s.site.email } : null,
    certificateUntil: t.certificateUntil ? timestampDate(t.certificateUntil) : null,
    target: { machine: s?.target?.machine ?? '', address: s?.target?.address ?? '', port: s?.target?.port ?? 0 },
  }
}

/** TunnelApi over Connect. */
export function tunnelApi(transport: Transport, fail: (thrown: unknown) => UiError): TunnelApi {
  const tunnels = createClient(TunnelService, transport)
  return {
    async *tunnels(signal) {
      try {
        for await (const answer of tunnels.watch({}, { signal })) yield answer.tunnels.map(tunnel)
      } catch (thrown) {
        throw fail(thrown)
      }
    },
    addTunnel: async ({ limit, ...spec }) => tunnel(await tunnels.add({ spec: { ...spec, site: spec.site ?? undefined, limit: BigInt(limit) } })),
    removeTunnel: async (id) => void (await tunnels.remove({ id })),
  }
}
