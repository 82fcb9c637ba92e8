import { getContext, setContext } from 'svelte'
import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { App as Program, Event, Folder, Host, Image, Job, Machine, MachineSpec, Screen, Snapshot, Status, Verb } from '../api/model'
import type { Device } from '../api/devices'
import type { MoveCheck } from '../api/move'
import { t, type Text } from '../i18n/i18n.svelte'
import { isDesktop, openWindow } from '../platform/platform'
import { Session, type Glass } from '../mirror/session.svelte'
import { TerminalSession, type Paper } from '../terminal/session.svelte'
import { Asked } from './asked.svelte'
import { Catalogue } from './catalogue.svelte'
import { Backups } from './backups.svelte'
import { Copies } from './copies.svelte'
import { Computers } from './computers.svelte'
import type { Confirm, Dialog } from './dialog'
import { Deeds } from './deeds.svelte'
import { Deployments } from './deploy.svelte'
import { Folders } from './folders.svelte'
import { Hardware } from './hardware.svelte'
import { Guests } from './guests.svelte'
import { Hosts } from './hosts.svelte'
import { Images } from './images.svelte'
import { jobLabel, Jobs } from './jobs.svelte'
import { Machines } from './machines.svelte'
import { Meters } from './meters.svelte'
import { Monitors } from './monitors.svelte'
import { NetBoots } from './netboot.svelte'
import { Networks } from './networks.svelte'
import { Router, to } from './router.svelte'
import { Screens } from './screens.svelte'
import { Settings } from './settings.svelte'
import { Snapshots } from './snapshots.svelte'
import { Stats } from './stats.svelte'
import { Tasks, type Task } from './tasks.svelte'
import { Thumbs } from './thumbs.svelte'
import { Tunnels } from './tunnels.svelte'
import { Visits } from './visits.svelte'
import { Watch } from './watch.svelte'

export const about = {
  machine: (m: Machine) => `machine:${m.host}/${m.name}`,
  host: (h: Host) => `host:${h.id}`,
  images: (h: Host) => `images:${h.id}`,
  image: (h: Host, i: Image) => `image:${h.id}/${i.name}`,
  folder: (f: Folder) => `folder:${f.host}/${f.name}`,
  screen: (s: Screen) => `screen:${s.host}/${s.name}`,
  app: (host: string, id: string) => `app:${host}/${id}`,
}

/**
 * The page's state: the tables fed by one watch, what is under way, and what a
 * person does. Components read it and call its methods; it alone calls the Api.
 */
export class App {
  readonly hosts = new Hosts()
  readonly machines = new Machines(this.hosts)
  readonly screens = new Screens(this.hosts)
  readonly folders = new Folders(this.hosts)
  readonly jobs = new Jobs(this.hosts)
  readonly tasks = new Tasks()
  readonly router = new Router()
  readonly settings = new Settings()
  readonly watch: Watch
  readonly stats: Stats
  readonly thumbs: Thumbs
  readonly catalogue: Catalogue
  readonly monitors: Monitors
  readonly snapshots: Snapshots
  readonly hardware: Hardware
  readonly guests: Guests
  readonly images: Images
  readonly networks: Networks
  readonly netBoots: NetBoots
  readonly devices: Asked<Device[]>
  readonly copies = new Copies(this)
  readonly backups = new Backups(this)
  readonly deployments = new Deployments(this)
  readonly computers: Computers
  readonly meters: Meters
  readonly tunnels: Tunnels
  readonly visits: Visits
  readonly deeds: Deeds
  /** What is in the way of a machine: its computer, it, and the one that it is to move to. */
  readonly moves: Asked<MoveCheck>
  dialog = $state.raw<Dialog | null>(null)
  /** The machine whose card is being dragged. */
  dragged = $state.raw<Machine | null>(null)
  status = $state.raw<Status | null>(null)
  /** A machine that was made while its dialog was closed, until it is looked at. */
  made = $state.raw<Machine | null>(null)

  constructor(readonly api: Api) {
    this.watch = new Watch(api, {
      begin: () => this.tables.forEach((t) => t.begin()),
      ready: () => this.tables.forEach((t) => t.ready()),
      apply: (event) => this.apply(event),
    })
    this.stats = new Stats(api)
    this.thumbs = new Thumbs(api)
    this.catalogue = new Catalogue(api)
    this.monitors = new Monitors(api)
    this.snapshots = new Snapshots(api)
    this.hardware = new Hardware(api, this.tasks, (host) => this.idOf(host))
    this.guests = new Guests(api)
    this.images = new Images(api)
    this.networks = new Networks(api, this.tasks)
    this.netBoots = new NetBoots(api, this.tasks)
    this.devices = new Asked((host) => api.devices(host!))
    this.computers = new Computers(api, this.tasks)
    this.meters = new Meters(api)
    this.tunnels = new Tunnels(api, this.tasks)
    this.visits = new Visits(api, this.tasks, this.hosts)
    this.deeds = new Deeds(api)
    this.moves = new Asked((host, name, to) => api.checkMove(host!, name!, to!))
  }

  private get tables() {
    // Hosts first: the others ask them who is offline.
    return [this.hosts, this.machines, this.screens, this.folders, this.jobs, this.visits.sessions, this.visits.requests]
  }

  /** Starts the watch and the router; the returned function ends both. */
  start(): () => void {
    const stopRouter = this.router.start()
    void this.watch.run()
    this.api.status().then(
      (status) => (this.status = status),
      () => (this.status = null), // the watch tells what is wrong
    )
    return () => {
      this.watch.close()
      this.stats.close()
      this.meters.close()
      this.tunnels.close()
      stopRouter()
    }
  }

  private apply(e: Event): void {
    switch (e.kind) {
      case 'host':
        this.hosts.apply(e.host, e.removed)
        if (e.removed) this.machines.dropHost(e.host)
        break
      case 'machine':
        this.machines.apply(e.machine, e.removed)
        break
      case 'screen':
        this.screens.apply(e.screen, e.removed)
        break
      case 'folder':
        this.folders.apply(e.folder, e.removed)
        break
      case 'job':
        this.jobs.apply(e.job, e.removed)
        break
      case 'session':
        this.visits.sessions.apply(e.session, e.removed)
        break
      case 'request':
        this.visits.requests.apply(e.request, e.removed)
    }
  }

  /** What a call names as the host of something. */
  idOf(ref: string): string {
    return this.hosts.find(ref)?.id ?? ref
  }

  do(m: Machine, verb: Verb): Promise<void> {
    return this.tasks.run({ key: `task.${verb}`, params: { name: m.name } }, about.machine(m), () =>
      this.api.doMachine(this.idOf(m.host), m.name, verb),
    )
  }

  /** Moves it while it runs; the list of tasks shows how far that is. */
  /** off: it is shut down first, and started there. */
  move(m: Machine, to: Host, off = false): Promise<void> {
    const host = this.idOf(m.host)
    return this.tasks.run(
      { key: 'task.move', params: { name: m.name, host: to.name } },
      about.machine(m),
      () => this.api.moveMachine(host, m.name, to.id, off),
      { job: { host, op: 'machine.migrate', name: m.name } },
    )
  }

  remove(m: Machine): Promise<void> {
    return this.tasks.run({ key: 'task.remove', params: { name: m.name } }, about.machine(m), () =>
      this.api.removeMachine(this.idOf(m.host), m.name),
    )
  }

  /** Whether a host measures its machines always, or while somebody looks. */
  measureAlways(h: Host, always: boolean): Promise<true | undefined> {
    const key = always ? 'task.measureAlways' : 'task.measureLooked'
    return this.tasks.run({ key, params: { host: h.name } }, about.host(h), async () => {
      await this.api.measureAlways(h.id, always)
      return true as const
    })
  }

  takeSnapshot(m: Machine, name: string, note: string): Promise<true | undefined> {
    return this.onSnapshot(m, 'machine.snapshot.take', { key: 'task.takeSnapshot', params: { name } }, (host) =>
      this.api.takeSnapshot(host, m.name, name, note),
    )
  }

  revertSnapshot(m: Machine, s: Snapshot): Promise<true | undefined> {
    return this.onSnapshot(m, 'machine.snapshot.revert', { key: 'task.revert', params: { name: s.name, machine: m.name } }, (host) =>
      this.api.revertSnapshot(host, m.name, s.name),
    )
  }

  removeSnapshot(m: Machine, s: Snapshot): Promise<true | undefined> {
    return this.onSnapshot(m, 'machine.snapshot.remove', { key: 'task.removeSnapshot', params: { name: s.name } }, (host) =>
      this.api.removeSnapshot(host, m.name, s.name),
    )
  }

  /** Does it as a task about the machine, then asks how its tree looks now. */
  private async onSnapshot(m: Machine, op: string, label: Text, work: (host: string) => Promise<unknown>): Promise<true | undefined> {
    const host = this.idOf(m.host)
    const done = await this.tasks.run(label, about.machine(m), async () => {
      await work(host)
      return true as const
    }, { job: { host, op, name: m.name } })
    await this.snapshots.load(host, m.name)
    return done
  }

  /** Ends what takes long on a host. What it was a part of says that it was canceled. */
  cancel(j: Job): Promise<void> {
    const { key, params } = jobLabel(j)
    return this.tasks.run({ key: 'task.cancel', params: { label: t(key, params) } }, '', () =>
      this.api.cancelJob(this.idOf(j.host), j.id),
    )
  }

  /** Uploads the file, if any, under the name that spec has for it, then makes the machine, on a computer that is chosen where host is ANY. */
  create(host: string, spec: MachineSpec, image: File | null): Promise<Machine | undefined> {
    const work = async (task: Task) => {
      const { on, key } = await this.computers.where(host, spec)
      task.job = { host: on, op: 'machine.create', name: spec.name }
      if (image) {
        await this.api.upload(on, spec.iso || spec.image, image, (part) => (task.progress = part), task.abort.signal)
        task.progress = null
      }
      return this.api.createMachine(on, spec, key)
    }
    const settled = this.computers.settling(spec, work)
    return this.tasks.run({ key: 'task.create', params: { name: spec.name } }, 'create', settled, { canCancel: image !== null })
  }

  /** Brings an image into a host's pool; the list of tasks shows how far that is. */
  async fetchImage(h: Host, name: string, from: string, sum: string): Promise<Image | undefined> {
    const image = await this.tasks.run(
      { key: 'task.fetchImage', params: { name } },
      about.images(h),
      () => this.api.fetchImage(h.id, name, from, sum),
      { job: { host: h.id, op: 'image.fetch', name } },
    )
    await this.images.load(h.id)
    return image
  }

  async removeImage(h: Host, image: Image): Promise<void> {
    await this.tasks.run({ key: 'task.removeImage', params: { name: image.name } }, about.images(h), () => this.api.removeImage(h.id, image.name))
    await this.images.load(h.id)
  }

  /** Launches an app: in the desktop window as a window of the desktop, in a browser as a page. */
  async run(host: Host, app: { id: string; name: string }, machine = 'self'): Promise<void> {
    if (isDesktop()) {
      const label = { key: 'task.launch', params: { name: app.name } } as const
      return this.tasks.run(label, about.app(host.id, app.id), () => openWindow(`${host.name}/${machine}/${app.id}`))
    }
    const screen = await this.tasks.run(
      { key: 'task.launch', params: { name: app.name } },
      about.app(host.id, app.id),
      () => this.api.runApp(host.id, machine, app.id),
    )
    // An app of a virtual machine opens on the machine's own screen.
    if (screen) this.router.go(screen.kind === 'console' ? to.machine(host.name, screen.machine) : to.app(host.name, screen.name))
  }

  /** Opens a screen (MACHINE, MACHINE/MONITOR or MACHINE/INSTANCE) in a window of its own. */
  window(host: Host, screen: string, name: string, key: string): Promise<void> {
    return this.tasks.run({ key: 'task.window', params: { name } }, key, () => openWindow(`${host.name}/${screen}`))
  }

  end(s: Screen): Promise<void> {
    return this.tasks.run({ key: 'task.end', params: { name: s.title || s.name } }, about.screen(s), () =>
      this.api.endApp(this.idOf(s.host), s.name),
    )
  }

  /** Puts an app into this desktop's menu, or takes it out when it is there. */
  async toggleInstalled(host: Host, app: Program, language: string): Promise<void> {
    const key = app.installed ? 'task.uninstallApp' : 'task.installApp'
    const done = await this.tasks.run({ key, params: { name: app.name } }, about.app(host.id, app.id), async () => {
      if (app.installed) await this.api.uninstallApp(host.id, 'self', app.id)
      else await this.api.installApp(host.id, 'self', app.id, language)
      return true
    })
    if (done) await this.catalogue.load(host.id, language)
  }

  addFolder(name: string, path: string, share: Host[]): Promise<Folder | undefined> {
    return this.tasks.run({ key: 'task.addFolder', params: { name } }, 'add-folder', async () => {
      const folder = await this.api.addFolder('', name, path)
      for (const host of share) await this.api.shareFolder('', name, host.id)
      return folder
    })
  }

  share(f: Folder, host: Host): Promise<true | undefined> {
    const label = { key: 'task.share', params: { name: f.name, host: host.name } } as const
    return this.tasks.run(label, about.folder(f), async () => {
      await this.api.shareFolder(this.idOf(f.host), f.name, host.id)
      return true as const
    })
  }

  removeFolder(f: Folder): Promise<void> {
    return this.tasks.run({ key: 'task.removeFolder', params: { name: f.name } }, about.folder(f), () =>
      this.api.removeFolder(this.idOf(f.host), f.name),
    )
  }

  async forget(h: Host): Promise<void> {
    const done = await this.tasks.run({ key: 'task.forget', params: { name: h.name } }, about.host(h), async () => {
      await this.api.forget(h.id)
      return true
    })
    if (done) this.router.go(to.library())
  }

  async grant(h: Host, grants: string[]): Promise<true | undefined> {
    const host = await this.tasks.run({ key: 'task.grant', params: { name: h.name } }, about.host(h), () =>
      this.api.grant(h.id, grants),
    )
    if (host) this.hosts.apply(host, false)
    return host && true
  }

  async join(code: string, addr: string, grants: string[]): Promise<Host | undefined> {
    return this.tasks.run({ key: 'task.pair' }, 'pair', (task) =>
      this.api.join(code, addr, grants, task.abort.signal), { canCancel: true })
  }

  /** Runs a question of a component and gives the answer or why there is none. */
  async ask<T>(question: (api: Api) => Promise<T>): Promise<{ value: T } | { error: UiError }> {
    try {
      return { value: await question(this.api) }
    } catch (thrown) {
      return { error: UiError.from(thrown) }
    }
  }

  /** Opens a view that the caller closes. ?transport=websocket leaves WebRTC out. */
  view(host: Host, screen: string, glass: Glass): Session {
    const webrtc = 'RTCPeerConnection' in globalThis && this.router.query.get('transport') !== 'websocket'
    const target = {
      host: host.local ? '' : host.id,
      screen,
      viewOnly: this.router.query.get('view') === 'only',
      windows: screen.includes('/'), // an app's; a monitor has none, and an older host shows an app's display
    }
    return new Session(target, (...args) => this.api.openScreen(...args), glass, webrtc ? 'webrtc' : 'websocket')
  }

  /** Opens a terminal that the caller closes. */
  terminal(host: Host, machine: string, paper: Paper, skipped: (bytes: number) => string): TerminalSession {
    const target = { host: host.local ? '' : host.id, machine }
    return new TerminalSession(target, (...args) => this.api.openTerminal(...args), paper, skipped)
  }

  confirm(confirm: Confirm): void {
    this.dialog = { kind: 'confirm', confirm }
  }
}

const KEY = Symbol('app')
export const provideApp = (app: App): App => setContext(KEY, app)
export const useApp = (): App => getContext<App>(KEY)
