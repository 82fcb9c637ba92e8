// Tunnels, the audit log, and visitors, in memory. WIDE=1 makes a fabric of more
// computers, with a guest that looks and one that asks.
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { AuditRecordSchema, AuditService, AuditSessionSchema, type AuditRecord } from '../../src/api/gen/hither/v1/audit_pb'
import { AccessRequestSchema, ErrorSchema, HostSchema } from '../../src/api/gen/hither/v1/node_pb'
import { TunnelSchema, TunnelService } from '../../src/api/gen/hither/v1/tunnel_pb'
import * as world from './world'

const ago = (minutes: number) => timestampFromDate(new Date(Date.now() - minutes * 60_000))
export const sessions = process.env.WIDE
  ? [
      create(AuditSessionSchema, { id: 'V1', host: '12D3KooWDDD', name: 'tablet', what: '/screen', object: 'self', viewOnly: true, since: ago(12) }),
      create(AuditSessionSchema, { id: 'V2', host: '12D3KooWFFF', name: 'grandma', what: '/screen', object: 'win11', since: ago(3) }),
    ]
  : []
export const requests = process.env.WIDE
  ? [create(AccessRequestSchema, { id: 'R1', host: '12D3KooWFFF', name: 'grandma', grant: 'control@self', what: '/screen', since: ago(2), last: ago(0), times: 3n })]
  : []

export function wide(): void {
  const cloud = world.hosts[1]!
  Object.assign(cloud, { transport: 'quic', addr: '/ip4/203.0.113.7/udp/4001/quic-v1', rttMicros: 23_400n, roles: ['compute', 'router'] })
  const why = 'the network of this computer gives each connection another port; forward port 4711 to it in the network\'s router, or use IPv6'
  const more = { version: '0.1.0', os: 'Debian GNU/Linux 12', grants: ['admin'], may: ['admin'], lastSeen: ago(0), own: true }
  world.hosts.push(
    create(HostSchema, { ...more, id: '12D3KooWDDD', name: 'tablet', online: true, path: 'direct', transport: 'tcp', addr: '/ip4/192.168.1.31/tcp/40112', rttMicros: 1900n, color: 3, fingerprint: 'ochre-wren-77b2', grants: ['view', 'apps@self', 'files@notes,until=2031-12-05T22:59:59Z'], own: false }),
    create(HostSchema, { ...more, id: '12D3KooWEEE', name: 'office', online: true, path: 'relay', via: 'cloud', transport: 'tcp', addr: '/ip4/203.0.113.7/tcp/4001', rttMicros: 61_200n, color: 4, whyNot: why, fingerprint: 'teal-ibis-03aa' }),
    create(HostSchema, { ...more, id: '12D3KooWFFF', name: 'grandma', online: true, path: 'relay', via: 'cloud', transport: 'quic', addr: '/ip4/203.0.113.7/udp/4001/quic-v1', rttMicros: 48_700n, color: 5, whyNot: why.replace('this computer', 'grandma').replace('port 4711', 'the port of Hither').replace('the network\'s', 'that network\'s'), fingerprint: 'rose-crane-9c4d', grants: ['view@win11,until=2031-12-05T22:59:59Z', 'control@win11,until=2031-12-05T22:59:59Z'], own: false }),
    create(HostSchema, { ...more, id: '12D3KooWGGG', name: 'workshop', online: true, path: 'direct', transport: 'tcp', addr: '/ip4/192.168.1.44/tcp/40112', rttMicros: 640n, color: 6, roles: ['compute'], fingerprint: 'mint-lark-5e10' }),
  )
}

const tunnels = [
  create(TunnelSchema, { id: 'T1', hostId: '12D3KooWBBB', state: 'open', connections: 3, total: 41n, bytesIn: 734_003_200n, bytesOut: 21_000_000n, spec: { kind: 'forward', proto: 'tcp', listen: '127.0.0.1:5432', host: 'cloud', target: { machine: 'build-01', port: 5432 } } }),
  create(TunnelSchema, { id: 'T2', hostId: '12D3KooWBBB', state: 'open', connections: 12, total: 9120n, bytesIn: 5_000_000_000n, bytesOut: 90_000_000n, spec: { kind: 'reverse', proto: 'tcp', listen: '0.0.0.0:8443', open: true, host: 'cloud', target: { port: 443 }, limit: 10n << 20n } }),
  create(TunnelSchema, { id: 'T3', hostId: '12D3KooWCCC', state: 'waiting', note: 'the other computer is offline', hint: 'it goes on by itself when that computer is back', spec: { kind: 'forward', proto: 'tcp', listen: '127.0.0.1:8080', host: 'nas', target: { port: 80 } } }),
  create(TunnelSchema, { id: 'T4', hostId: '12D3KooWBBB', state: 'failed', note: 'nobody listens there', hint: 'start the service, or look at its port', spec: { kind: 'forward', proto: 'udp', listen: '127.0.0.1:5353', host: 'cloud', target: { address: '10.0.0.53', port: 53 } } }),
  create(TunnelSchema, { id: 'T5', hostId: '12D3KooWBBB', state: 'open', spec: { kind: 'proxy', proto: 'tcp', listen: '127.0.0.1:1080', host: 'cloud', once: true } }),
]

/** Rates that move, as of a copy and of a page that is read now and then. */
function breathe(): void {
  const s = Date.now() / 1000
  const rate = (base: number, wave: number, n: number) => Math.max(0, base * (0.7 + 0.3 * Math.sin(s / wave) + 0.25 * Math.sin(s * n)))
  Object.assign(tunnels[0] ?? {}, { rateIn: rate(8.4e6, 4, 1.7), rateOut: rate(2.1e5, 3, 2.3) })
  if (tunnels[1]?.id === 'T2') Object.assign(tunnels[1], { rateIn: Math.sin(s / 5) > 0.2 ? rate(9e5, 2, 3.1) : 0, rateOut: Math.sin(s / 5) > 0.2 ? rate(4.2e6, 2, 2.1) : 0 })
}

type Row = [minutes: number, host: string, name: string, what: string, object: string, detail: string, result: string, more?: Partial<AuditRecord>]
const rows: Row[] = [
  [4000, '', '', 'HostService/Offer', '', 'admin', 'ok'],
  [3990, '12D3KooWBBB', 'cloud', 'HostService/Answer', '', '', 'asked'],
  [2900, '12D3KooWBBB', 'cloud', '/hither/folder/1', '', '', 'ended', { bytesIn: 812_000_000n, bytesOut: 4000n, milliseconds: 43_000n }],
  [2600, '12D3KooWFFF', 'grandma', 'looks', '', '', 'ok', { times: 14n }],
  [2500, 'unknown', '12D3KooWzzz', '/hither/api/1', '', '', 'refused', { stranger: true, times: 31n, error: 'api laptop: not paired' }],
  [1500, '12D3KooWDDD', 'tablet', 'AppService/Run', 'self/org.gnome.Maps', '', 'ok'],
  [1400, '12D3KooWBBB', 'cloud', 'MachineService/Do', 'win11', 'start', 'ok'],
  [900, '12D3KooWBBB', 'cloud', 'BackupService/Take', 'win11', '', 'failed', { error: 'backup.take win11: the pool is full: 1.2 GiB free' }],
  [300, '', '', 'TunnelService/Add', '', 'forward 127.0.0.1:5432 cloud/build-01:5432', 'ok'],
  [120, '12D3KooWFFF', 'grandma', 'MachineService/Remove', 'win11', '', 'refused', { error: 'api laptop: not permitted: this computer was not granted "machines" for win11' }],
  [60, '', '', 'HostService/Grant', 'grandma', 'view@win11 control@win11', 'ok'],
  [12, '12D3KooWDDD', 'tablet', '/screen', 'self', 'looks only', 'opened'],
  [3, '12D3KooWFFF', 'grandma', '/screen', 'win11', '', 'opened'],
  [2, '12D3KooWFFF', 'grandma', '/screen', 'self', '', 'refused', { error: 'api laptop: not permitted: this computer was not granted "control" for self' }],
]
const records = rows.map(([minutes, host, name, what, object, detail, result, more], i) =>
  create(AuditRecordSchema, { seq: BigInt(i + 1), time: ago(minutes), host, name, what, object, detail, result, ...(more as object) }),
)
const followers = new Set<(r: AuditRecord) => void>()
function write(what: string, object: string, detail: string): void {
  const r = create(AuditRecordSchema, { seq: BigInt(records.length + 1), time: ago(0), what, object, detail, result: 'ok' })
  records.push(r)
  followers.forEach((f) => f(r))
}
const of = (id: string) => records.filter((r) => !id || r.host === id)

const refuse = (code: Code, cause: string, op: string, path: string, detail: string, hint: string) =>
  new ConnectError(detail, code, undefined, [{ desc: ErrorSchema, value: { op, path, cause, detail, hint } }])

export function trustRoutes(router: ConnectRouter, tell: (c: object) => void) {
  router.service(TunnelService, {
    list: () => ({ tunnels }),
    async *watch(_, { signal }) {
      while (!signal.aborted) {
        breathe()
        yield { tunnels }
        await new Promise((resolve) => setTimeout(resolve, 900))
      }
    },
    add: ({ spec }) => {
      if (tunnels.some((x) => x.spec?.listen === spec!.listen)) {
        throw refuse(Code.AlreadyExists, 'exists', 'tunnel.add', spec!.listen, 'tunnel T1 listens there already', 'take another port, or remove that tunnel first: hither forward rm T1')
      }
      const host = world.hosts.find((h) => h.id === spec!.host)!
      const made = create(TunnelSchema, { id: 'T' + (tunnels.length + 1), hostId: host.id, state: host.online ? 'open' : 'waiting', spec: { ...spec!, host: host.name } })
      tunnels.push(made)
      write('TunnelService/Add', '', `${spec!.kind} ${spec!.listen} ${host.name}`)
      return made
    },
    remove: ({ id }) => (tunnels.splice(tunnels.findIndex((x) => x.id === id), 1), write('TunnelService/Remove', '', id), {}),
  })
  router.service(AuditService, {
    list: ({ of: id, before, limit }) => {
      const all = of(id).filter((r) => before === 0n || r.seq < before)
      return { records: all.slice(-limit), more: all.length > limit, fromSeq: 1n, fromTime: records[0]!.time! }
    },
    async *follow({ of: id, after }, { signal }) {
      const queue = of(id).filter((r) => r.seq > after)
      let wake = () => {}
      const take = (r: AuditRecord) => (queue.push(r), wake())
      followers.add(take)
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        while (queue.length) yield queue.shift()!
        await new Promise<void>((resolve) => (wake = resolve))
      }
      followers.delete(take)
    },
    verify: () => ({
      records: BigInt(records.length), fromTime: records[0]!.time!, lastTime: records.at(-1)!.time!, hash: '9f2c61d07be4a35810cf'.repeat(3) + '9f2c',
      bad: process.env.BROKEN ? 'line 9: the hash does not fit: it, or the record before it, was changed' : '',
    }),
    end: ({ id }) => {
      const gone = sessions.findIndex((s) => s.id === id)
      tell({ kind: 'session', removed: true, session: sessions.splice(gone, 1)[0] })
      write('AuditService/End', '', id)
      return { ended: 1 }
    },
  })
  return {
    answer: ({ id }: { id: string }) => {
      const gone = requests.findIndex((r) => r.id === id)
      tell({ kind: 'request', removed: true, request: requests.splice(gone, 1)[0] })
      write('HostService/Answer', '', '')
      return {}
    },
    granted: (name: string, grants: string[]) => write('HostService/Grant', name, grants.join(' ')),
  }
}
