// The network boot of the computer "cloud", on; the others have it off.
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { BareComputerSchema, BareStepSchema, NetBootInterfaceSchema, NetBootService, NetBootStateSchema, type NetBootState } from '../../src/api/gen/hither/v1/netboot_pb'
import { ErrorSchema } from '../../src/api/gen/hither/v1/node_pb'

const minutes = (n: number) => timestampFromDate(new Date(Date.now() - n * 60_000))
const steps = (...of: Array<[string, number]>) => of.map(([state, ago]) => create(BareStepSchema, { state, at: minutes(ago) }))
const interfaces = () => [['eth0', '192.168.1.20/24'], ['wlan0', '192.168.7.4/24']].map(([name, address]) => create(NetBootInterfaceSchema, { name: name!, address: address! }))

const states = new Map<string, NetBootState>()
function stateOf(host: string): NetBootState {
  const cloud = host === 'cloud' || host === '12D3KooWBBB'
  const key = cloud ? 'cloud' : host
  if (!states.has(key))
    states.set(key, create(NetBootStateSchema, {
      revision: 1n, on: cloud, interface: cloud ? 'eth0' : '', address: cloud ? '192.168.1.20' : '', interfaces: interfaces(),
      computers: cloud
        ? [
            create(BareComputerSchema, { mac: '52:54:00:12:34:56', firmware: 'efi', vendor: 'PXEClient:Arch:00007:UNDI:003016', seen: minutes(0), state: 'seen', steps: steps(['seen', 2]) }),
            create(BareComputerSchema, { mac: 'b8:27:eb:00:11:22', name: 'attic', firmware: 'bios', seen: minutes(12), state: 'installing', steps: steps(['seen', 31], ['ordered', 14], ['booting', 13], ['installing', 11]) }),
            create(BareComputerSchema, { mac: 'b8:27:eb:00:11:23', name: 'build-01', firmware: 'efi', seen: minutes(90), state: 'paired', steps: steps(['seen', 120], ['ordered', 118], ['booting', 117], ['installing', 116], ['installed', 101], ['paired', 99]) }),
            create(BareComputerSchema, { mac: 'b8:27:eb:00:11:24', name: 'cellar', firmware: 'bios', seen: minutes(50), state: 'failed', steps: steps(['seen', 60], ['ordered', 58], ['booting', 57], ['installing', 55], ['failed', 50]), note: 'it started anew before it was installed', hint: 'look at its screen; then install it anew' }),
          ]
        : [],
    }))
  return states.get(key)!
}

export function netBootRoutes(router: ConnectRouter): void {
  router.service(NetBootService, {
    async show({ host, after }, { signal }) {
      const state = stateOf(host)
      if (after === state.revision) await new Promise((resolve) => (setTimeout(resolve, 25_000), signal.addEventListener('abort', resolve)))
      return state
    },
    switch({ host, on, interface: place }) {
      const state = stateOf(host)
      Object.assign(state, { on, interface: place || state.interface, address: on ? '192.168.1.20' : '', revision: state.revision + 1n })
      return state
    },
    async install({ host, mac, name, image }, { signal }) {
      if (!image.startsWith('debian-'))
        throw new ConnectError('', Code.Unimplemented, undefined, [{
          desc: ErrorSchema,
          value: { op: 'netboot.install', path: image, cause: 'unsupported', detail: 'its installer needs its CD', hint: 'take one that needs a network only, as debian-12 is' },
        }])
      // It comes from far.
      if (image === 'debian-13') await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ConnectError('', Code.Canceled))))
      const found = stateOf(host).computers.find((c) => c.mac === mac)
      return Object.assign(found ?? create(BareComputerSchema, { mac }), { name, state: 'paired' })
    },
    forget({ host, mac }) {
      const state = stateOf(host)
      Object.assign(state, { computers: state.computers.filter((c) => c.mac !== mac), revision: state.revision + 1n })
      return {}
    },
  })
}
