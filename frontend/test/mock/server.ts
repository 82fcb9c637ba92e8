// A node for looking at the page: it lives only in tests, in memory.
import { create } from '@bufbuild/protobuf'
import { timestampFromDate, timestampNow } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { AppService } from '../../src/api/gen/hither/v1/app_pb'
import { BackupService } from '../../src/api/gen/hither/v1/backup_pb'
import { CopyService } from '../../src/api/gen/hither/v1/copy_pb'
import { ComputerService } from '../../src/api/gen/hither/v1/computer_pb'
import { HardwareService } from '../../src/api/gen/hither/v1/hardware_pb'
import { GuestService } from '../../src/api/gen/hither/v1/guest_pb'
import { ImageSchema, ImageService } from '../../src/api/gen/hither/v1/image_pb'
import { JobSchema, JobService } from '../../src/api/gen/hither/v1/job_pb'
import { MachineSchema, MachineService, SnapshotSchema, type Machine } from '../../src/api/gen/hither/v1/machine_pb'
import { ErrorSchema, EventSchema, HostService, NodeService, type Event } from '../../src/api/gen/hither/v1/node_pb'
import { ScreenService } from '../../src/api/gen/hither/v1/screen_pb'
import { deviceRoutes } from './devices'
import { backups } from './backups'
import { netBootRoutes } from './netboot'
import { networkRoutes } from './networks'
import { pngOf } from './png'
import { folderRoutes } from './folders'
import { requests, sessions, trustRoutes } from './trust'
import { meters } from './meters'
import * as world from './world'

type Change = Partial<Pick<Event, 'kind' | 'removed' | 'host' | 'machine' | 'screen' | 'folder' | 'job' | 'session' | 'request'>>
const watchers = new Set<(c: Change) => void>()
const tell = (c: Change) => watchers.forEach((w) => w(c))
export const calls: string[] = []

function fail(code: Code, cause: string, op: string, path: string, detail: string, hint: string): ConnectError {
  return new ConnectError(detail, code, undefined, [
    { desc: ErrorSchema, value: { op, path, cause, detail, hint } },
  ])
}

function byName(host: string, name: string): Machine {
  const owner = world.hosts.find((h) => h.id === host || h.name === host || (host === '' && h.local))
  const m = world.machines.find((x) => x.host === owner?.name && x.name === name)
  if (!m) throw fail(Code.NotFound, 'not_found', 'machine.get', name, '', 'hither machine ls shows all machines')
  return m
}

function become(m: Machine, state: string, verbs: string[]): void {
  Object.assign(m, { state, verbs })
  tell({ kind: 'machine', machine: m })
}

const outcome: Record<string, [string, string, string[]]> = {
  start: ['starting', 'running', ['stop', 'force-off', 'pause', 'reboot']],
  stop: ['stopping', 'off', ['start']],
  'force-off': ['off', 'off', ['start']],
  discard: ['off', 'off', ['start']],
  pause: ['paused', 'paused', ['resume', 'force-off']],
  resume: ['running', 'running', ['stop', 'force-off', 'pause', 'reboot']],
  reboot: ['running', 'running', ['stop', 'force-off', 'pause', 'reboot']],
  sleep: ['running', 'running', ['sleep', 'reboot', 'stop']],
}

const working = new Set<string>()
const STEPS: Record<string, string> = {
  'machine.deploy': 'sends the machine', 'image.deploy': 'has the image fetched', 'machine.import': 'receives the file', 'machine.migrate': 'copies the disks',
}

/** A job that takes a while, unless it is canceled. */
async function work(host: string, op: string, name: string, steps = 60n): Promise<void> {
  const owner = world.hosts.find((h) => h.id === host) ?? world.hosts[0]!
  const job = create(JobSchema, { id: `J-${owner.name}-${op}-${name}`, host: owner.name, op, name, started: timestampNow(), step: STEPS[op] ?? 'downloads the image', total: 420n << 20n, rate: 31n << 20n, left: 14n })
  working.add(job.id)
  for (let part = 1n; part <= steps && working.has(job.id); part++) {
    job.done = (part * job.total) / steps
    tell({ kind: 'job', job })
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  tell({ kind: 'job', removed: true, job })
  if (!working.delete(job.id)) throw new ConnectError('canceled', Code.Canceled)
}

/** A deployment; one whose names begin with full finds no room but here. */
async function spread(kind: string, of: string, host: string, to: string[], count: number, prefix: string, shape: { cpus: number; memoryBytes: bigint }) {
  const made: Machine[] = []
  const refused: string[] = []
  const steps = prefix.startsWith('full') ? 5n : 300n // long enough to be looked at
  await Promise.all([work(host, `${kind}.deploy`, of, steps), ...to.map(async (id, at) => {
    const owner = world.hosts.find((h) => h.id === id)!
    const names = Array.from({ length: count }, (_, n) => `${prefix}-${at * count + n + 1}`)
    if (prefix.startsWith('full') && !owner.local) return void refused.push(id)
    if (kind === 'image') await work(id, 'image.fetch', of, steps)
    else await work(id, 'machine.import', count > 1 ? `${prefix}-base` : names[0]!, steps)
    for (const name of names) {
      const machine = create(MachineSchema, { host: owner.name, name, kind: 'vm', state: 'off', ...shape, screen: true, verbs: ['start'] })
      world.machines.push(machine)
      made.push(machine)
      tell({ kind: 'machine', machine })
    }
  })])
  if (refused.length === 0) return { machines: made }
  const parts = { op: `${kind}.deploy`, cause: 'busy', detail: 'the pool is full: 1.2 GiB free', hint: 'remove volumes that are not needed, or give it a larger disk' }
  const details = ['cloud', ...refused].map((path) => ({ desc: ErrorSchema, value: { ...parts, path } }))
  throw new ConnectError('busy', Code.ResourceExhausted, undefined, details)
}

export function routes(router: ConnectRouter): void {
  networkRoutes(router)
  deviceRoutes(router)
  netBootRoutes(router)
  const trust = trustRoutes(router, tell)
  router.service(NodeService, {
    status: () => ({
      id: '12D3KooWAAA', name: 'laptop', home: '/home/ada/.local/share/hither', version: '0.1.0', libvirtUri: 'qemu:///system',
    }),
    session: ({ token }) => {
      if (token !== 'test') throw new ConnectError('the token was used', Code.Unauthenticated)
      return { bearer: 'bearer' }
    },
    doctor: () => ({
      checks: [
        { name: 'libvirt', state: 'ok', text: 'qemu:///system, 9.0.0' },
        { name: 'KVM', state: 'warn', text: 'is there but does not run guests', hint: 'Machines are emulated. Enable nested virtualisation to make them faster.' },
        { name: 'Xvfb', state: 'bad', text: 'is missing', hint: 'Apps need it: sudo apt install xvfb' },
      ],
    }),
    async *watch(_, { signal }) {
      let seq = 0n
      const queue: Change[] = []
      let wake = () => {}
      const take = (c: Change) => (queue.push(c), wake())
      watchers.add(take)
      const event = (c: Change) => create(EventSchema, { ...c, seq: ++seq })
      for (const host of world.hosts) yield event({ kind: 'host', host })
      for (const machine of world.machines) yield event({ kind: 'machine', machine })
      for (const screen of world.screens) yield event({ kind: 'screen', screen })
      for (const job of world.jobs) yield event({ kind: 'job', job })
      for (const folder of world.folders) yield event({ kind: 'folder', folder })
      for (const session of sessions) yield event({ kind: 'session', session })
      for (const request of requests) yield event({ kind: 'request', request })
      yield event({ kind: 'ready' })
      signal.addEventListener('abort', () => wake())
      while (!signal.aborted) {
        while (queue.length) yield event(queue.shift()!)
        await new Promise<void>((resolve) => (wake = resolve))
      }
      watchers.delete(take)
    },
  })
  router.service(HostService, {
    async *offer(_, { signal }) {
      yield {
        code: '4711-apple-river-stone', addr: '/ip4/192.168.1.20/tcp/41711/p2p/12D3KooWAAA',
        expires: timestampFromDate(new Date(Date.now() + 300_000)),
      }
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
    },
    join: async ({ code }) => {
      if (!code.startsWith('4711')) {
        throw fail(Code.PermissionDenied, 'permission', 'pair', code, 'the words do not match', 'Two guesses are left before the code is burnt. Read it again.')
      }
      return world.hosts[1]!
    },
    nearby: () => ({ hosts: [{ id: 'x', name: 'studio', number: '4711' }] }),
    grant: ({ host, grants }) => {
      const h = world.hosts.find((x) => x.id === host)!
      trust.granted(h.name, grants)
      return Object.assign(h, { grants })
    },
    answer: trust.answer,
    forget: ({ host }) => {
      const gone = world.hosts.findIndex((h) => h.id === host)
      tell({ kind: 'host', removed: true, host: world.hosts.splice(gone, 1)[0] })
      return {}
    },
  })
  router.service(ComputerService, {
    wake: ({ host }) => {
      if (host !== '12D3KooWCCC') throw fail(Code.InvalidArgument, 'invalid', 'host.wake', host, 'it is awake', '')
      return { by: ['laptop'], packets: 1 }
    },
    setRoles: ({ host, add, remove }) => {
      const h = world.hosts.find((x) => x.id === host)!
      h.roles = [...h.roles.filter((r) => !remove.includes(r)), ...add]
      tell({ kind: 'host', host: h })
      return { roles: h.roles }
    },
    place: ({ memoryBytes }) => {
      const GIB = 1n << 30n
      const fits = memoryBytes < 12n * GIB
      return {
        host: fits ? 'cloud' : '', id: fits ? '12D3KooWBBB' : '',
        candidates: [
          { host: 'cloud', id: '12D3KooWBBB', roles: ['compute'], fits, why: fits ? '' : 'memory', resources: { cpus: 4, freeBytes: 12n * GIB, poolBytes: 300n * GIB, accelerator: 'kvm', firmwares: ['bios', 'uefi', 'uefi-secure'], tpm: true } },
          { host: 'laptop', id: '12D3KooWAAA', fits: false, why: 'memory', resources: { cpus: 8, freeBytes: GIB, poolBytes: 300n * GIB, accelerator: 'kvm', firmwares: ['bios', 'uefi'] } },
          { host: 'nas', id: '12D3KooWCCC', roles: ['storage', 'router'], fits: false, why: 'offline' },
        ],
      }
    },
  })
  router.service(JobService, {
    cancel: ({ id }) => {
      if (working.delete(id)) return {}
      const at = world.jobs.findIndex((j) => j.id === id)
      if (at < 0) throw fail(Code.NotFound, 'not_found', 'job.cancel', id, '', 'hither job ls lists what is in work')
      tell({ kind: 'job', removed: true, job: world.jobs.splice(at, 1)[0] })
      return {}
    },
  })
  router.service(GuestService, {
    info: ({ host, machine }) => {
      const m = byName(host, machine)
      if (machine !== 'build-01') {
        throw fail(Code.Unimplemented, 'unsupported', 'machine.guest', m.name, 'no guest agent answers in it', 'install qemu-guest-agent in it')
      }
      return {
        agent: '7.2.19', hostname: 'build-01', os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-28-amd64',
        interfaces: [{ name: 'enp1s0', mac: '52:54:00:8e:11:02', addresses: ['10.0.2.15/24', 'fec0::5054:ff:fe8e:1102/64'] }],
        fileSystems: [
          { mountPoint: '/', type: 'ext4', totalBytes: 20n << 30n, usedBytes: 7n << 30n },
          { mountPoint: '/boot/efi', type: 'vfat', totalBytes: 512n << 20n, usedBytes: 6n << 20n },
        ],
      }
    },
  })
  router.service(ImageService, {
    list: ({ host }) => ({ images: host === '12D3KooWBBB' ? world.images : world.images.slice(0, 1) }),
    catalogue: () => ({ images: world.catalogue }),
    fetch: async ({ host, name, from }) => {
      await work(host, 'image.fetch', name)
      const image = create(ImageSchema, { name, format: 'qcow2', bytes: 400n << 20n, source: from, added: timestampNow() })
      world.images.push(image)
      return image
    },
    remove: ({ name }) => {
      world.images.splice(world.images.findIndex((i) => i.name === name), 1)
      return {}
    },
  })
  router.service(MachineService, {
    checkMigrate: ({ to }) =>
      to.includes('BBB')
        ? { obstacles: [{ detail: 'the processor there lacks something of its: Host CPU does not provide required features: avx512f', hint: '', live: true }] }
        : { bytes: 6n << 30n, obstacles: [] },
    do: ({ host, name, verb }) => {
      const m = byName(host, name)
      if (name === 'staging') {
        throw fail(Code.FailedPrecondition, 'invalid', 'machine.start', 'cloud/staging', 'the disk staging.qcow2 is missing', 'Put the file back, or remove the machine and create it anew.')
      }
      const [now, then, verbs] = outcome[verb]!
      become(m, now, [])
      setTimeout(() => become(m, then, verbs), 600)
      return {}
    },
    create: async ({ host, name, memoryBytes, cpus, image }) => {
      const owner = world.hosts.find((h) => h.id === host) ?? world.hosts[0]!
      if (world.machines.some((m) => m.host === owner.name && m.name === name)) {
        throw fail(Code.AlreadyExists, 'exists', 'machine.create', name, '', 'Choose another name.')
      }
      if (image) await work(host, 'machine.create', name)
      const machine = create(MachineSchema, { host: owner.name, name, kind: 'vm', state: 'off', memoryBytes, cpus, screen: true, verbs: ['start'] })
      world.machines.push(machine)
      tell({ kind: 'machine', machine })
      return machine
    },
    migrate: async ({ host, name }) => {
      await work(host, 'machine.migrate', name)
      throw fail(Code.Unavailable, 'offline', 'machine.migrate', name, 'the hosts lost each other; it stays where it was', 'move it again when both are online')
    },
    remove: ({ host, name }) => {
      const machine = byName(host, name)
      world.machines.splice(world.machines.indexOf(machine), 1)
      tell({ kind: 'machine', removed: true, machine })
      return {}
    },
    screenshot: ({ host, name }) => {
      calls.push(`screenshot ${host}/${name}`)
      if (name === 'self') throw fail(Code.Unimplemented, 'unsupported', 'machine.screenshot', 'self', '', '')
      return { png: pngOf(name) }
    },
    snapshots: ({ machine }) => ({ snapshots: world.snapshots[machine] ?? [] }),
    takeSnapshot: ({ host, machine, name, note }) => {
      const list = (world.snapshots[machine] ??= [])
      const on = byName(host, machine).state !== 'off'
      const parent = list.find((s) => s.current)
      const made = create(SnapshotSchema, { name, note, parent: parent?.name ?? '', memory: on, current: true, created: timestampNow() })
      if (parent) parent.current = false
      list.push(made)
      return made
    },
    revertSnapshot: ({ machine, snapshot }) => {
      for (const s of world.snapshots[machine] ?? []) s.current = s.name === snapshot
      return {}
    },
    removeSnapshot: ({ machine, snapshot }) => {
      const list = world.snapshots[machine] ?? []
      const [gone] = list.splice(list.findIndex((s) => s.name === snapshot), 1)
      for (const s of list) if (s.parent === snapshot) s.parent = gone?.parent ?? ''
      return {}
    },
    stats: ({ host }) => {
      const owner = world.hosts.find((h) => h.id === host || (host === '' && h.local))
      const s = Date.now() / 1000
      return {
        stats: world.machines
          .filter((m) => m.host === owner?.name && m.state === 'running')
          .map((m, i) => ({
            name: m.name, time: timestampNow(), cpus: m.cpus, memoryBytes: m.memoryBytes,
            cpuSeconds: m.cpus * (0.3 * s + 0.9 * Math.sin(s / (3 + i)) + 0.4 * Math.sin(s / 1.3)),
            memoryUsedBytes: BigInt(Math.round(Number(m.memoryBytes) * (0.45 + 0.06 * Math.sin(s / 9)))),
            diskReadBytes: BigInt(Math.round(4e6 * s + 6e6 * Math.sin(s / 4))),
            diskWriteBytes: BigInt(Math.round(2e6 * s + 4e6 * Math.cos(s / 5))),
            netInBytes: BigInt(Math.round(9e5 * s + 1e6 * Math.sin(s / 2))),
            netOutBytes: BigInt(Math.round(2e5 * s + 3e5 * Math.cos(s / 3))),
            load: m.kind === 'self' ? 1.2 : 0,
          })),
      }
    },
  })
  router.service(HardwareService, {
    show: ({ machine }) => (machine === 'console' ? { ...world.parts, displays: ['spice'], pending: false, nextCpus: 2 } : world.parts),
    change: ({ change }) => {
      if (change?.kind === 'firmware') {
        throw fail(Code.Unimplemented, 'unsupported', 'machine.change', 'ipxe', 'its host has no UEFI firmware', "install the firmware on the machine's host (Debian, Ubuntu: apt install ovmf)")
      }
      if (change?.kind === 'disk.add') return { when: 'now', part: 'vdd' }
      return { when: 'next-start', note: 'a running machine has at most the memory that it began with' }
    },
    label: ({ host, machine, change }) => {
      const m = byName(host, machine)
      m.tags = [...new Set([...m.tags, ...(change?.add ?? [])])].filter((t) => !change?.drop.includes(t)).sort()
      if (change?.notes !== undefined) m.notes = change.notes
      if (change?.autostart !== undefined) m.autostart = change.autostart
      if (change?.order !== undefined) m.order = change.order
      tell({ kind: 'machine', machine: m })
      return m
    },
    rename: ({ host, machine, name }) => {
      const m = byName(host, machine)
      tell({ kind: 'machine', removed: true, machine: create(MachineSchema, { ...m }) })
      m.name = name
      tell({ kind: 'machine', machine: m })
      return {}
    },
    save: ({ host, machine }) => (become(byName(host, machine), 'saved', ['start', 'discard']), {}),
  })
  router.service(BackupService, backups(work))
  router.service(CopyService, {
    clone: ({ host, machine: of, name }) => {
      const { cpus, memoryBytes, host: owner } = byName(host, of)
      const machine = create(MachineSchema, { host: owner, name, kind: 'vm', state: 'off', memoryBytes, cpus, screen: true, verbs: ['start'] })
      world.machines.push(machine)
      tell({ kind: 'machine', machine })
      return machine
    },
    deploy: ({ host, machine: of, to, count, prefix }) => {
      const { cpus, memoryBytes } = byName(host, of)
      return spread('machine', of, host, to, count, prefix, { cpus, memoryBytes })
    },
    deployImage: ({ host, name, to, count, prefix, of }) =>
      spread('image', name, host, to, count, prefix, { cpus: of?.cpus ?? 1, memoryBytes: of?.memoryBytes ?? 0n }),
    setTemplate: ({ host, machine: name, on }) => {
      const m = byName(host, name)
      m.template = on
      become(m, 'off', on ? [] : ['start'])
      return m
    },
    export: ({ machine }) => ({ ticket: 'T', name: machine + '.ova', size: 1n }),
  })
  meters(router)
  router.service(ScreenService, {
    list: ({ host, machine }) => {
      const owner = world.hosts.find((h) => h.id === host || (host === '' && h.local))
      return { screens: [...world.monitors, ...world.screens].filter((s) => s.host === owner?.name && s.machine === machine) }
    },
    connect: () => {
      throw fail(Code.Unimplemented, 'unsupported', 'screen.connect', '', 'no WebRTC in the mock', '')
    },
  })
  router.service(AppService, {
    list: ({ machine }) => {
      if (machine === 'office') {
        throw fail(Code.Aborted, 'busy', 'app.list', 'office', 'its apps are being installed', 'that takes some minutes after its first start; its screen and its console show how far it is')
      }
      return { apps: world.apps.map(([id, name, comment]) => ({ id, name, comment, machine: 'self' })) }
    },
    icon: ({ app }) => {
      if (app === 'xterm') throw fail(Code.NotFound, 'not_found', 'app.icon', app, '', '')
      const hue = [...app].reduce((n, c) => n + c.charCodeAt(0), 0) % 360
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect x="3" y="3" width="42" height="42" rx="10" fill="hsl(${hue} 55% 50%)"/><circle cx="24" cy="24" r="10" fill="#fff" opacity=".85"/></svg>`
      return { picture: new TextEncoder().encode(svg), mediaType: 'image/svg+xml' }
    },
    run: () => world.screens[0]!,
    end: ({ screen }) => {
      const gone = world.screens.find((s) => s.name === screen)
      if (gone) tell({ kind: 'screen', removed: true, screen: gone })
      return {}
    },
  })
  folderRoutes(router, tell)
}
