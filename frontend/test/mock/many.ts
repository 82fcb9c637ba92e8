// A world of a thousand of each thing, for MANY=1: how lists do.
import { create } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { ImageSchema } from '../../src/api/gen/hither/v1/image_pb'
import { JobSchema } from '../../src/api/gen/hither/v1/job_pb'
import { MachineSchema, SnapshotSchema } from '../../src/api/gen/hither/v1/machine_pb'
import { HostSchema } from '../../src/api/gen/hither/v1/node_pb'
import * as world from './world'

const N = 1000
const GIB = 1n << 30n
const pad = (i: number) => String(i).padStart(4, '0')
const ago = (minutes: number) => timestampFromDate(new Date(Date.now() - minutes * 60_000))

export function many(): void {
  for (let i = 0; i < N; i++) {
    const host = `rack-${pad(i)}`
    world.hosts.push(create(HostSchema, { id: 'id-' + host, name: host, online: i % 9 !== 0, path: 'direct', color: i % 8, lastSeen: ago(i), grants: ['admin'], may: ['admin'] }))
    world.machines.push(create(MachineSchema, { host, name: 'self', kind: 'self', state: 'running', cpus: 4, memoryBytes: 16n * GIB }))
    const m = { kind: 'vm', state: 'off', cpus: 2, memoryBytes: 2n * GIB, screen: true, verbs: ['start'] }
    world.machines.push(create(MachineSchema, { ...m, host, name: 'web' }))
    world.machines.push(create(MachineSchema, { ...m, host: 'cloud', name: 'vm-' + pad(i), tags: i % 3 ? [] : ['lab'] }))
    world.images.push(create(ImageSchema, { name: `image-${pad(i)}.qcow2`, format: 'qcow2', bytes: GIB, diskBytes: 8n * GIB, sum: 'sha256:' + pad(i).repeat(16), added: ago(i) }))
    world.jobs.push(create(JobSchema, { id: 'M' + i, host: 'cloud', op: 'machine.clone', name: 'vm-' + pad(i), started: ago(1), step: 'copies the disks', done: BigInt(i) << 20n, total: 1000n << 20n }))
    const list = (world.snapshots['ipxe'] ??= [])
    list.push(create(SnapshotSchema, { name: 's' + pad(i), parent: i % 7 === 3 ? 's' + pad(i - 3) : (list.at(-1)?.name ?? ''), note: i % 5 ? '' : 'nightly', created: ago(N - i), state: 'off' }))
  }
}
