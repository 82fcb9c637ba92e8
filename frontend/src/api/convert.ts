import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt'
import type { AuditSession as PbSession } from './gen/hither/v1/audit_pb'
import type { Card as PbCard, Placement as PbPlacement } from './gen/hither/v1/computer_pb'
import type { Folder as PbFolder } from './gen/hither/v1/folder_pb'
import type { GuestInfo as PbGuest } from './gen/hither/v1/guest_pb'
import type { Job as PbJob } from './gen/hither/v1/job_pb'
import type { Machine as PbMachine, Snapshot as PbSnapshot, Stats as PbStats } from './gen/hither/v1/machine_pb'
import type { AccessRequest as PbRequest, Event as PbEvent, Host as PbHost } from './gen/hither/v1/node_pb'
import type { Screen as PbScreen } from './gen/hither/v1/screen_pb'
import type { Card, Event, Firmware, Folder, GuestInfo, Host, Job, Machine, Placement, Screen, Snapshot, Stats } from './model'
import type { AccessRequest, Session } from './trust'

export function date(t: Timestamp | undefined): Date | null {
  const d = t ? timestampDate(t) : null
  return d && d.getTime() > 0 ? d : null
}

export function host(h: PbHost): Host {
  const { id, name, online, path, via, transport, addr, whyNot, local, color, os, version, fingerprint, own, grants, roles, may } = h
  return {
    id, name, online, path, via, transport, addr, whyNot, local, color, os, version, fingerprint, own, grants, roles, may,
    rttMicros: Number(h.rttMicros),
    lastSeen: date(h.lastSeen), away: h.away as Host['away'], cards: h.cards.map(card),
  }
}

const card = ({ name, mac, nets, wake }: PbCard): Card => ({ name, mac, nets, wake: wake as Card['wake'] })

export function placement(p: PbPlacement): Placement {
  const candidates = p.candidates.map(({ host, id, roles, fits, why, hasImage, resources: r }) => ({
    host, id, roles, fits, why, hasImage,
    resources: r
      ? { cpus: r.cpus, freeBytes: Number(r.freeBytes), poolBytes: Number(r.poolBytes), accelerator: r.accelerator, firmwares: r.firmwares as Firmware[], tpm: r.tpm }
      : null,
  }))
  return { host: p.host, id: p.id, candidates }
}

export function machine(m: PbMachine): Machine {
  const { host, name, originalName, cpus, os, note, accelerator, uuid, screen, screenshots, installing, verbs, tags, notes, autostart, order, template } = m
  return {
    host, name, originalName, cpus, os, note, accelerator, uuid, screen, screenshots, installing, verbs, tags, notes, autostart, order, template,
    cannot: m.cannot.map(({ verb, reason }) => ({ verb, reason })),
    kind: m.kind === 'self' ? 'self' : 'vm',
    state: m.state as Machine['state'],
    memoryBytes: Number(m.memoryBytes),
    started: date(m.started),
    disks: m.disks.map((d) => ({
      name: d.name,
      totalBytes: Number(d.totalBytes),
      usedBytes: Number(d.usedBytes),
    })),
  }
}

export function snapshot(s: PbSnapshot): Snapshot {
  const { name, note, parent, memory, current } = s
  return { name, note, parent, memory, current, created: date(s.created), state: s.state as Snapshot['state'] }
}

export function guest(g: PbGuest): GuestInfo {
  const { agent, hostname, os, kernel } = g
  return {
    agent, hostname, os, kernel,
    interfaces: g.interfaces.map(({ name, mac, addresses }) => ({ name, mac, addresses })),
    fileSystems: g.fileSystems.map(({ mountPoint, type, totalBytes, usedBytes }) => ({
      mountPoint, type, totalBytes: Number(totalBytes), usedBytes: Number(usedBytes),
    })),
  }
}

export function job(j: PbJob): Job {
  const { id, host, op, name, made, error, step } = j
  return { id, host, op, name, made, error, step, started: date(j.started), ended: date(j.ended), done: Number(j.done), total: Number(j.total), rate: Number(j.rate), left: Number(j.left) }
}

export function screen(s: PbScreen): Screen {
  const { host, name, machine, title, width, height, app } = s
  return { host, name, machine, title, width, height, app, kind: s.kind as Screen['kind'] }
}

export function folder(f: PbFolder): Folder {
  const { host, name, path, state, hosts, note } = f
  return {
    host, name, path, state, hosts, note,
    needBytes: Number(f.needBytes),
    needFiles: Number(f.needFiles),
    globalBytes: Number(f.globalBytes),
    globalFiles: Number(f.globalFiles),
  }
}

export function stats(s: PbStats): Stats {
  return {
    name: s.name,
    time: s.time ? timestampDate(s.time).getTime() : Date.now(),
    cpuSeconds: s.cpuSeconds,
    cpus: s.cpus,
    memoryUsedBytes: Number(s.memoryUsedBytes),
    memoryBytes: Number(s.memoryBytes),
    diskReadBytes: Number(s.diskReadBytes),
    diskWriteBytes: Number(s.diskWriteBytes),
    netInBytes: Number(s.netInBytes),
    netOutBytes: Number(s.netOutBytes),
    load: s.load,
  }
}

/** Null for a kind this page does not know. */
const session = (s: PbSession): Session => ({
  id: s.id, host: s.host, name: s.name, what: s.what, object: s.object, viewOnly: s.viewOnly, since: date(s.since),
})

const accessRequest = (r: PbRequest): AccessRequest => ({
  id: r.id, host: r.host, name: r.name, grant: r.grant, what: r.what, last: date(r.last), times: Number(r.times),
})

export function event(e: PbEvent): Event | null {
  const head = { seq: Number(e.seq), removed: e.removed }
  switch (e.kind) {
    case 'ready':
      return { ...head, kind: 'ready' }
    case 'host':
      return e.host ? { ...head, kind: 'host', host: host(e.host) } : null
    case 'machine':
      return e.machine ? { ...head, kind: 'machine', machine: machine(e.machine) } : null
    case 'screen':
      return e.screen ? { ...head, kind: 'screen', screen: screen(e.screen) } : null
    case 'job':
      return e.job ? { ...head, kind: 'job', job: job(e.job) } : null
    case 'session':
      return e.session ? { ...head, kind: 'session', session: session(e.session) } : null
    case 'request':
      return e.request ? { ...head, kind: 'request', request: accessRequest(e.request) } : null
    case 'folder':
      return e.folder ? { ...head, kind: 'folder', folder: folder(e.folder) } : null
  }
  return null
}
