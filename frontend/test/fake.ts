import type { Api } from '../src/api/api'
import { UiError } from '../src/api/error'
import type { NetBoot } from '../src/api/netboot'
import type { Event, Folder, Host, Machine, Screen } from '../src/api/model'
import { App } from '../src/state/app.svelte'

export const host = (name: string, more: Partial<Host> = {}): Host => ({
  id: 'id-' + name, name, online: true, path: '', via: '', transport: '', addr: '', rttMicros: 0, whyNot: '', local: false, color: 1, os: 'Debian', version: '0.1.0', lastSeen: new Date(0),
  fingerprint: 'coral-otter', own: false, grants: ['admin'], roles: [], may: ['admin'], away: '', cards: [], ...more,
})

export const machine = (owner: string, name: string, state: Machine['state'], more: Partial<Machine> = {}): Machine => ({
  host: owner, name, originalName: '', state, kind: name === 'self' ? 'self' : 'vm', cpus: 2, memoryBytes: 1 << 30, os: 'Debian', note: '',
  accelerator: 'kvm', uuid: '', started: null, disks: [], screen: true, screenshots: false, installing: [], tags: [], notes: '', autostart: false, order: 0, template: false, cannot: [],
  verbs: state === 'off' ? ['start'] : ['stop', 'pause'], ...more,
})

export const screen = (owner: string, name: string): Screen => ({
  host: owner, name, machine: 'self', kind: 'app', title: 'xterm', width: 1, height: 1, app: 'xterm',
})

export const monitor = (owner: string, name: string, width: number): Screen => ({
  host: owner, name: 'self/' + name, machine: 'self', kind: 'monitor', title: `${name}, ${width}×1080`, width, height: 1080, app: '',
})

export const folder = (owner: string, name: string, more: Partial<Folder> = {}): Folder => ({
  host: owner, name, path: '/f/' + name, state: 'idle', needBytes: 0, needFiles: 0, globalBytes: 10, globalFiles: 2, hosts: [], note: '',
  ...more,
})

type Body = Event extends infer E ? (E extends Event ? Omit<E, 'seq' | 'removed'> : never) : never

/** A watch stream that a test feeds. */
export class Stream {
  private queue: Array<Event | 'end' | UiError> = []
  private wake = () => {}
  seq = 0
  opened = 0
  /** How many follow it now. */
  listeners = 0

  push(body: Body, more: { removed?: boolean; seq?: number } = {}): void {
    this.seq = more.seq ?? this.seq + 1
    this.queue.push({ removed: more.removed ?? false, ...body, seq: this.seq } as Event)
    this.wake()
  }
  end(error?: UiError): void {
    this.queue.push(error ?? 'end')
    this.wake()
  }
  async *watch(signal: AbortSignal): AsyncIterable<Event> {
    this.opened++
    this.listeners++
    signal.addEventListener('abort', () => this.wake())
    try {
      while (!signal.aborted) {
        const next = this.queue.shift()
        if (next === undefined) await new Promise<void>((r) => (this.wake = r))
        else if (next === 'end') return
        else if (next instanceof UiError) throw next
        else yield next
      }
    } finally {
      this.listeners--
    }
  }
}

/** Network boot that is off. */
export const noNetBoot: NetBoot = {
  revision: 1n, on: false, interface: '', address: '', note: '', hint: '', computers: [], interfaces: [{ name: 'eth0', address: '192.0.2.1/24' }],
}

/** An answer that comes only when nobody waits any more. */
export const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new UiError({ op: 'netboot', cause: 'offline' }))))

/** An Api in memory: what a test does not give fails as unsupported. */
export function fakeApi(stream: Stream, more: Partial<Api> = {}): Api {
  const known: Partial<Api> = {
    watch: (signal) => stream.watch(signal),
    status: async () => ({
      id: '', name: 'laptop', home: '/h', version: '0.1.0', libvirtUri: 'test:///default', webUrl: '', fingerprint: '', addrs: [],
    }),
    stats: async () => [],
    screens: async () => [],
    backups: async () => ({ backups: [], schedule: { every: '', at: 0, keepLast: 0, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, to: '' }, next: null, last: null, error: '', storedBytes: 0, keepers: [] }),
    keptBackups: async () => [],
    networks: async () => [],
    async *tunnels(signal) {
      yield []
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    deeds: async () => ({ records: [], more: false, from: null }),
    async *deedsAfter(_, __, signal) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    cards: async () => [],
    forwards: async () => [],
    pools: async () => [],
    devices: async () => [],
    netBoot: (_, after, signal) => (after ? ended(signal) : Promise.resolve(noNetBoot)),
    doctor: async () => [{ name: 'libvirt', state: 'bad', text: 'is missing', hint: 'sudo apt install libvirt-daemon' }],
    apps: async () => [{ id: 'xterm', name: 'XTerm', comment: 'Terminal', icon: 'x', categories: [], installed: false }],
    async *offer(_, signal) {
      yield { code: '4711-apple-river-stone', addr: '/ip4/192.0.2.1/tcp/1/p2p/x', through: '203.0.113.10:4711', router: 'cloud', expires: new Date(Date.now() + 300_000), host: null }
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
    },
    nearby: async () => [{ id: 'x', name: 'studio', number: '4711' }],
    ...more,
  }
  return new Proxy(known as Api, {
    get: (target, name: keyof Api) =>
      target[name] ?? (async () => Promise.reject(new UiError({ op: String(name), cause: 'unsupported' }))),
  })
}

/** Two computers, as most tests want them. */
export function fill(stream: Stream): void {
  stream.push({ kind: 'host', host: host('laptop', { local: true, color: 0 }) })
  stream.push({ kind: 'host', host: host('cloud') })
  stream.push({ kind: 'host', host: host('nas', { online: false, color: 2 }) })
  stream.push({ kind: 'machine', machine: machine('laptop', 'self', 'running') })
  stream.push({ kind: 'machine', machine: machine('laptop', 'ipxe', 'off') })
  stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running') })
  stream.push({ kind: 'machine', machine: machine('nas', 'media', 'off') })
  stream.push({ kind: 'screen', screen: screen('cloud', 'self/xterm-1') })
  stream.push({ kind: 'folder', folder: folder('laptop', 'notes', { hosts: ['id-cloud'], state: 'syncing', needBytes: 4 }) })
  stream.push({ kind: 'ready' })
}

export function fakeApp(more: Partial<Api> = {}): { app: App; stream: Stream } {
  const stream = new Stream()
  return { app: new App(fakeApi(stream, more)), stream }
}
