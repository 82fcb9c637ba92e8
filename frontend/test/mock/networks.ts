// The networks, forwards and pools of the computer "cloud", in memory.
import { create } from '@bufbuild/protobuf'
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect'
import { ForwardSchema, ForwardService } from '../../src/api/gen/hither/v1/forward_pb'
import { NetworkSchema, NetworkService } from '../../src/api/gen/hither/v1/network_pb'
import { ErrorSchema } from '../../src/api/gen/hither/v1/node_pb'
import { PoolSchema, StorageService, VolumeSchema } from '../../src/api/gen/hither/v1/storage_pb'

const GIB = 1n << 30n
const fail = (code: Code, cause: string, path: string, detail: string, hint: string) =>
  new ConnectError(detail, code, undefined, [{ desc: ErrorSchema, value: { op: 'network', path, cause, detail, hint } }])

const networks = [
  create(NetworkSchema, { host: 'cloud', name: 'default', kind: 'nat', active: true, autostart: true, bridge: 'virbr0', subnet: '192.168.122.0/24', machines: ['build-01', 'staging'], leases: 3 }),
  create(NetworkSchema, { host: 'cloud', name: 'lab', kind: 'isolated', active: true, autostart: true, bridge: 'virbr1', subnet: '10.9.0.0/24', machines: ['build-02'], leases: 1 }),
  create(NetworkSchema, { host: 'cloud', name: 'office', kind: 'bridge', active: true, bridge: 'br0' }),
  create(NetworkSchema, { host: 'cloud', name: 'switch-of-the-second-floor', kind: 'ovs', active: false, bridge: 'ovs0' }),
]
const forwards = [
  create(ForwardSchema, { proto: 'tcp', listen: '127.0.0.1', hostPort: 2222, guestPort: 22 }),
  create(ForwardSchema, { proto: 'tcp', listen: '0.0.0.0', hostPort: 8080, guestPort: 80 }),
  create(ForwardSchema, { proto: 'udp', listen: '127.0.0.1', hostPort: 5353, guestPort: 53, note: 'another program has this port' }),
]
const pools = [
  create(PoolSchema, { host: 'cloud', name: 'hither', kind: 'hither', path: '/home/ada/.local/share/hither/machines/images', state: 'active', totalBytes: 512n * GIB, freeBytes: 301n * GIB }),
  create(PoolSchema, { host: 'cloud', name: 'default', kind: 'dir', path: '/var/lib/libvirt/images', state: 'active', totalBytes: 256n * GIB, freeBytes: 6n * GIB }),
  create(PoolSchema, { host: 'cloud', name: 'usb', kind: 'dir', path: '/media/ada/usb/images', state: 'gone', note: 'its directory is not there', hint: 'see whether its disk is plugged in or mounted; virsh pool-undefine forgets the pool' }),
]
const volumes = [
  create(VolumeSchema, { pool: 'hither', name: 'build-01-3f2a9c10-0.qcow2', format: 'qcow2', capacityBytes: 20n * GIB, allocationBytes: 7n * GIB, machines: ['build-01'] }),
  create(VolumeSchema, { pool: 'hither', name: 'debian-12-base.qcow2', format: 'qcow2', capacityBytes: 10n * GIB, allocationBytes: 2n * GIB, baseOf: ['ci-1.qcow2', 'ci-2.qcow2'] }),
  create(VolumeSchema, { pool: 'hither', name: 'debian-12.iso', format: 'iso', capacityBytes: 658505728n, allocationBytes: 658505728n }),
  create(VolumeSchema, { pool: 'hither', name: 'scratch', format: 'qcow2', capacityBytes: 40n * GIB, allocationBytes: 200704n }),
]
const isCloud = (host: string) => host === 'cloud' || host === '12D3KooWBBB'

export function networkRoutes(router: ConnectRouter): void {
  router.service(NetworkService, {
    list: ({ host }) => ({ networks: isCloud(host) ? networks : [] }),
    leases: ({ name }) => ({
      leases: name === 'default'
        ? [
            { ip: '192.168.122.41', mac: '52:54:00:3a:91:c7', machine: 'build-01', name: 'build' },
            { ip: '192.168.122.42', mac: '52:54:00:3a:91:c8', machine: 'staging', name: '' },
            { ip: '192.168.122.200', mac: '52:54:00:9b:00:10', machine: '', name: '' },
          ]
        : [],
    }),
    create: ({ host, name, kind, subnet, bridge }) => {
      if (subnet === '192.168.122.0/24') {
        throw fail(Code.InvalidArgument, 'invalid', name, '192.168.122.0/24 overlaps 192.168.122.0/24, which is in use by network default', 'take one that is free, such as 192.168.100.0/24')
      }
      const made = create(NetworkSchema, { host: 'cloud', name, kind, subnet: subnet || (bridge ? '' : '192.168.100.0/24'), bridge: bridge || 'virbr2', active: true })
      if (isCloud(host)) networks.push(made)
      return made
    },
    remove: ({ name }) => (networks.splice(networks.findIndex((n) => n.name === name), 1), {}),
    start: ({ name }) => (Object.assign(networks.find((n) => n.name === name)!, { active: true }), {}),
    stop: ({ name }) => {
      const n = networks.find((n) => n.name === name)!
      if (n.machines.length) throw fail(Code.ResourceExhausted, 'busy', name, 'machines run on it: ' + n.machines.join(', '), 'shut them down first: they would lose their network')
      n.active = false
      return {}
    },
    cards: ({ machine }) => ({
      nics: machine === 'build-01'
        ? [
            { mac: '52:54:00:3a:91:c7', model: 'virtio', kind: 'network', network: 'default', addresses: [{ ip: '192.168.122.41', source: 'lease' }, { ip: 'fe80::5054:ff:fe3a:91c7', source: 'agent' }] },
            { mac: '52:54:00:77:02:1e', model: 'virtio', kind: 'network', network: 'lab', addresses: [] },
          ]
        : [{ mac: '52:54:00:11:22:33', model: 'virtio', kind: 'user', addresses: [] }],
    }),
  })
  router.service(ForwardService, {
    list: ({ machine }) => ({ forwards: machine === 'build-01' ? forwards : [] }),
    add: ({ forward }) => {
      const { proto, listen, hostPort, guestPort } = forward!
      const made = create(ForwardSchema, { proto, listen, guestPort, hostPort: hostPort || 40123 })
      forwards.push(made)
      return made
    },
    remove: ({ forward }) => (forwards.splice(forwards.findIndex((f) => f.hostPort === forward!.hostPort), 1), {}),
  })
  router.service(StorageService, {
    pools: ({ host }) => ({ pools: isCloud(host) ? pools : pools.slice(0, 1) }),
    volumes: ({ pool }) => ({ volumes: volumes.filter((v) => v.pool === pool) }),
    createVolume: ({ pool, name, capacityBytes }) => {
      const made = create(VolumeSchema, { pool, name, format: 'qcow2', capacityBytes, allocationBytes: 200704n })
      volumes.push(made)
      return made
    },
    growVolume: ({ name, capacityBytes }) => Object.assign(volumes.find((v) => v.name === name)!, { capacityBytes }),
    removeVolume: ({ name }) => (volumes.splice(volumes.findIndex((v) => v.name === name), 1), {}),
  })
}
