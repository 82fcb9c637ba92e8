import { createClient, type Interceptor } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { openWebRTC } from '../mirror/webrtc'
import { openWebSocket } from '../mirror/websocket'
import type { Api } from './api'
import * as to from './convert'
import * as hw from './hardware'
import { backupsApi } from './backups'
import { copiesApi } from './copies'
import { deviceApi } from './devices'
import { UiError } from './error'
import * as toImage from './image'
import { AppService } from './gen/hither/v1/app_pb'
import { ComputerService } from './gen/hither/v1/computer_pb'
import { FolderService } from './gen/hither/v1/folder_pb'
import { HardwareService } from './gen/hither/v1/hardware_pb'
import { GuestService } from './gen/hither/v1/guest_pb'
import { ImageService } from './gen/hither/v1/image_pb'
import { JobService } from './gen/hither/v1/job_pb'
import { MachineService } from './gen/hither/v1/machine_pb'
import { HostService, NodeService } from './gen/hither/v1/node_pb'
import { ScreenService } from './gen/hither/v1/screen_pb'
import { meterApi } from './meter'
import { moveCheck } from './move'
import type { Session } from './session'
import { netBootApi } from './netboot'
import { networkApi } from './networks'
import { newTrace } from './trace'
import { trustApi } from './trust'
import { tunnelApi } from './tunnels'
import { upload } from './upload'

/** Of several calls with one key, one does the work. */
const keyed = (key?: string) => (key ? { headers: { 'Idempotency-Key': key } } : {})

/** The Api over Connect: bearer and a fresh trace ID on every call, errors as UiError. */
export function connectApi(session: Session, onSignedOut: () => void): Api {
  const fail = (thrown: unknown): UiError => {
    // What fetch throws when it does not reach the node.
    const error = thrown instanceof TypeError ? new UiError({ cause: 'offline' }) : UiError.from(thrown)
    if (error.signedOut) onSignedOut()
    return error
  }
  const intercept: Interceptor = (next) => async (request) => {
    request.header.set('Authorization', 'Bearer ' + session.bearer)
    request.header.set('Hither-Trace', newTrace())
    try {
      return await next(request)
    } catch (thrown) {
      throw fail(thrown)
    }
  }
  const transport = createConnectTransport({ baseUrl: session.base, interceptors: [intercept] })
  const node = createClient(NodeService, transport)
  const hosts = createClient(HostService, transport)
  const machines = createClient(MachineService, transport)
  const hardware = createClient(HardwareService, transport)
  const screens = createClient(ScreenService, transport)
  const apps = createClient(AppService, transport)
  const guests = createClient(GuestService, transport)
  const computers = createClient(ComputerService, transport)
  const jobs = createClient(JobService, transport)
  const folders = createClient(FolderService, transport)
  const images = createClient(ImageService, transport)

  return {
    ...networkApi(transport),
    ...deviceApi(transport),
    ...netBootApi(transport),
    ...copiesApi(session, transport, fail),
    ...backupsApi(transport),
    ...meterApi(transport, fail),
    ...trustApi(transport, fail),
    ...tunnelApi(transport, fail),
    status: () => node.status({}),
    doctor: async (host) => (await node.doctor({ host })).checks,
    async *watch(signal) {
      try {
        for await (const e of node.watch({}, { signal })) {
          // An unknown kind still counts in the sequence.
          yield to.event(e) ?? { kind: 'ready', seq: Number(e.seq), removed: true }
        }
      } catch (thrown) {
        throw fail(thrown)
      }
    },
    async *offer(grants, signal) {
      try {
        for await (const o of hosts.offer({ grants }, { signal })) {
          yield { code: o.code, addr: o.addr, through: o.through, router: o.router, expires: to.date(o.expires), host: o.host ? to.host(o.host) : null }
        }
      } catch (thrown) {
        throw fail(thrown)
      }
    },
    join: async (code, addr, grants, signal) => to.host(await hosts.join({ code, addr, grants }, { signal })),
    nearby: async () => (await hosts.nearby({})).hosts,
    forget: async (host) => void (await hosts.forget({ host })),
    grant: async (host, grants) => to.host(await hosts.grant({ host, grants })),

    place: async (spec, key) => {
      const { name, cpus, memoryBytes, diskBytes, image, iso, firmware, tpm } = spec
      return to.placement(await computers.place({ name, cpus, image, iso, firmware, tpm, memoryBytes: BigInt(memoryBytes), diskBytes: BigInt(diskBytes) }, keyed(key)))
    },
    wake: (host) => computers.wake({ host }),
    setRoles: async (host, add, remove) => (await computers.setRoles({ host, add, remove })).roles,

    createMachine: async (host, spec, key) =>
      to.machine(
        await machines.create({
          host,
          ...spec,
          memoryBytes: BigInt(spec.memoryBytes),
          diskBytes: BigInt(spec.diskBytes),
          seed: spec.seed ?? undefined,
        }, keyed(key)),
      ),
    doMachine: async (host, name, verb) => void (await machines.do({ host, name, verb })),
    moveMachine: async (host, name, to, off) => void (await machines.migrate({ host, name, to, off })),
    checkMove: async (host, name, to) => moveCheck(await machines.checkMigrate({ host, name, to })),
    removeMachine: async (host, name) => void (await machines.remove({ host, name })),
    cancelJob: async (host, id) => void (await jobs.cancel({ host, id })),
    snapshots: async (host, machine) => (await machines.snapshots({ host, machine })).snapshots.map(to.snapshot),
    takeSnapshot: async (host, machine, name, note) =>
      to.snapshot(await machines.takeSnapshot({ host, machine, name, note })),
    revertSnapshot: async (host, machine, snapshot) => void (await machines.revertSnapshot({ host, machine, snapshot })),
    removeSnapshot: async (host, machine, snapshot) => void (await machines.removeSnapshot({ host, machine, snapshot })),
    hardware: async (host, machine) => hw.parts(await hardware.show({ host, machine })),
    changeHardware: async (host, machine, change) => hw.changed(await hardware.change({ host, machine, change: hw.wire(change) })),
    label: async (host, machine, change) => to.machine(await hardware.label({ host, machine, change })),
    rename: async (host, machine, name) => void (await hardware.rename({ host, machine, name })),
    saveMachine: async (host, machine) => void (await hardware.save({ host, machine })),
    screenshot: async (host, name, signal) =>
      new Uint8Array((await machines.screenshot({ host, name }, { signal })).png),
    stats: async (host) => (await machines.stats({ host })).stats.map(to.stats),
    upload: (host, name, file, progress, signal) =>
      upload(session, host, name, file, progress, signal).catch((thrown) => {
        throw fail(thrown)
      }),

    images: async (host) => (await images.list({ host })).images.map(toImage.image),
    catalogue: async (host) => (await images.catalogue({ host })).images.filter((i) => i.runs).map(toImage.catalogue),
    fetchImage: async (host, name, from, sum) => toImage.image(await images.fetch({ host, name, from, sum })),
    removeImage: async (host, name) => void (await images.remove({ host, name })),

    screens: async (host, machine) => (await screens.list({ host, machine })).screens.map(to.screen),
    apps: async (host, machine, language) => (await apps.list({ host, machine, language })).apps,
    icon: async (host, machine, app) => {
      const { picture, mediaType } = await apps.icon({ host, machine, app })
      return { bytes: new Uint8Array(picture), mediaType }
    },
    runApp: async (host, machine, app) => to.screen(await apps.run({ host, machine, app })),
    endApp: async (host, screen) => void (await apps.end({ host, screen })),
    installApp: async (host, machine, app, language) => void (await apps.install({ host, machine, apps: [app], language })),
    uninstallApp: async (host, machine, app) => void (await apps.uninstall({ host, machine, apps: [app] })),

    addFolder: async (host, name, path) => to.folder(await folders.add({ host, name, path })),
    shareFolder: async (host, name, withHost) => void (await folders.share({ host, name, with: withHost })),
    removeFolder: async (host, name) => void (await folders.remove({ host, name })),

    guest: async (host, machine) => to.guest(await guests.info({ host, machine })),
    openTerminal: (target, listener, signal) =>
      openWebSocket(session.base.replace(/^http/, 'ws') + '/terminal', session.bearer, target, listener, signal),
    openScreen(target, transport, listener, signal) {
      if (transport === 'websocket') {
        return openWebSocket(session.base.replace(/^http/, 'ws') + '/screen', session.bearer, target, listener, signal)
      }
      const exchange = async (offerSdp: string) =>
        (await screens.connect({ ...target, offerSdp }, { signal })).answerSdp
      return openWebRTC(exchange, listener, signal)
    },
  }
}
