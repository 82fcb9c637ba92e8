import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { FolderSchema } from '../../src/api/gen/hither/v1/folder_pb'
import { PartsSchema } from '../../src/api/gen/hither/v1/hardware_pb'
import { CatalogueImageSchema, ImageSchema } from '../../src/api/gen/hither/v1/image_pb'
import { JobSchema } from '../../src/api/gen/hither/v1/job_pb'
import { MachineSchema, SnapshotSchema } from '../../src/api/gen/hither/v1/machine_pb'
import { HostSchema } from '../../src/api/gen/hither/v1/node_pb'
import { ScreenSchema } from '../../src/api/gen/hither/v1/screen_pb'

const GIB = 1n << 30n
const ago = (minutes: number) => timestampFromDate(new Date(Date.now() - minutes * 60_000))

export const hosts = [
  create(HostSchema, {
    id: '12D3KooWAAA', name: 'laptop', online: true, local: true, color: 0, os: 'Debian GNU/Linux 12', version: '0.1.0',
    fingerprint: 'coral-otter-9f3a', grants: ['admin'], lastSeen: ago(0), may: ['admin'],
    cards: [{ name: 'enp0s31f6', mac: '54:e1:ad:12:34:56', nets: ['192.168.1.20/24'], wake: 'on' }],
  }),
  create(HostSchema, {
    id: '12D3KooWBBB', name: 'cloud', online: true, path: 'direct', color: 1, os: 'Ubuntu 24.04 LTS', version: '0.1.0',
    fingerprint: 'amber-finch-27c1', own: true, grants: ['admin'], lastSeen: ago(0), may: ['admin'], roles: ['compute'],
    cards: [{ name: 'eth0', mac: '52:54:00:12:34:56', nets: ['10.0.0.2/24'], wake: 'off' }],
  }),
  create(HostSchema, {
    id: '12D3KooWCCC', name: 'nas', online: false, color: 2, os: 'Debian GNU/Linux 12', version: '0.1.0',
    fingerprint: 'slate-heron-51d0', grants: ['view', 'files'], lastSeen: ago(134), may: ['view', 'files'], roles: ['storage', 'router'], away: 'asleep',
    cards: [{ name: 'eno1', mac: '3c:ec:ef:65:43:21', nets: ['192.168.1.9/24'], wake: 'on' }],
  }),
]

const verbsOf: Record<string, string[]> = {
  running: ['stop', 'force-off', 'pause', 'reboot', 'save'], paused: ['resume', 'force-off', 'save'], off: ['start'], failed: ['start'],
  saved: ['start', 'discard'],
}

function machine(host: string, name: string, state: string, more: MessageInitShape<typeof MachineSchema> = {}) {
  return create(MachineSchema, {
    address: `${host}/${name}`, host, name, state, kind: 'vm', cpus: 2, memoryBytes: 2n * GIB, screen: true,
    accelerator: 'kvm', verbs: verbsOf[state] ?? [], started: state === 'running' ? ago(205) : undefined,
    disks: [{ name: `${name}.qcow2`, totalBytes: 20n * GIB, usedBytes: 7n * GIB }],
    ...(more as object),
  })
}

const self = (host: string, os: string, cpus: number) =>
  machine(host, 'self', 'running', {
    kind: 'self', os, cpus, memoryBytes: 16n * GIB, accelerator: '', started: ago(3127),
    verbs: host === 'cloud' ? ['reboot', 'stop'] : ['sleep', 'reboot', 'stop'],
    cannot: host === 'cloud' ? [{ verb: 'sleep', reason: 'its hardware or its system cannot do that' }] : [],
    disks: [
      { name: '/', totalBytes: 512n * GIB, usedBytes: 211n * GIB },
      { name: '/home', totalBytes: 1024n * GIB, usedBytes: 840n * GIB },
    ],
  })

export const machines = [
  self('laptop', 'Debian GNU/Linux 12', 8),
  machine('laptop', 'win11', 'running', { os: 'Windows 11', cpus: 4, memoryBytes: 8n * GIB, tags: ['office', 'work'] }),
  machine('laptop', 'fedora-dev', 'paused', { os: 'Fedora Linux 41' }),
  machine('laptop', 'ipxe', 'off', { memoryBytes: 256n << 20n, cpus: 1, tags: ['lab'] }),
  machine('laptop', 'haiku', 'saved', { os: 'Haiku R1', tags: ['lab'] }),
  machine('laptop', 'debian-12', 'off', { os: 'Debian GNU/Linux 12', template: true, verbs: [] }),
  self('cloud', 'Ubuntu 24.04 LTS', 4),
  machine('cloud', 'build-01', 'running', {
    os: 'Debian GNU/Linux 12', accelerator: 'tcg',
    note: 'KVM does not run here; the machine is emulated and slower.',
    tags: ['ci', 'lab'], notes: 'Builds the kernel each night.\nAsk Ada before it is changed: the runners know its address.', autostart: true, order: 2,
  }),
  machine('cloud', 'build-02', 'starting', { os: 'Debian GNU/Linux 12' }),
  machine('cloud', 'staging', 'failed', { os: 'Alpine Linux 3.20', tags: ['lab'] }),
  machine('cloud', 'console', 'running', { os: 'FreeBSD 14', screen: false, note: 'its display speaks spice; give it a VNC display to see it here' }),
  machine('cloud', 'Windows-10-test-5b8e2c41', 'running', { originalName: 'Windows 10 (test)', os: 'Windows 10', screenshots: true, installing: [] }),
  machine('cloud', 'office', 'running', { os: 'Debian GNU/Linux 13', installing: ['firefox', 'gimp'], note: 'its apps are being installed: firefox, gimp' }),
  self('nas', 'Debian GNU/Linux 12', 4),
  machine('nas', 'media', 'off', { os: 'Debian GNU/Linux 12' }),
]

const kept = (name: string, minutes: number, parent: string, memory: boolean, note = '', current = false) =>
  create(SnapshotSchema, { name, parent, note, memory, current, state: memory ? 'running' : 'off', created: ago(minutes) })

/** The snapshots of cloud/build-01 and laptop/ipxe; others have none. */
export const snapshots: Record<string, ReturnType<typeof kept>[]> = {
  'build-01': [
    kept('fresh-install', 9000, '', false, 'Debian 12 as the installer left it'),
    kept('tools', 7000, 'fresh-install', true),
    kept('before-gcc-14', 3000, 'tools', true, 'last good build'),
    kept('gcc-14', 2000, 'before-gcc-14', true),
    kept('gcc-14-lto', 1600, 'gcc-14', true, 'miscompiles the kernel; kept for the report to the distribution'),
    kept('clang', 1500, 'before-gcc-14', true),
    kept('kernel-6.12', 180, 'tools', true),
    kept('kernel-6.12-tuned', 12, 'kernel-6.12', true, '', true),
  ],
  ipxe: [kept('clean', 100, '', false, '', true)],
}

export const screens = [
  create(ScreenSchema, {
    address: 'cloud/self/xterm-1', host: 'cloud', name: 'self/xterm-1', machine: 'self', kind: 'app',
    title: 'xterm: ~/src/hither', width: 640, height: 400, app: 'xterm',
  }),
]

/** The monitors of laptop's desktop. */
export const monitors = [
  create(ScreenSchema, {
    address: 'laptop/self/eDP-1', host: 'laptop', name: 'self/eDP-1', machine: 'self', kind: 'monitor',
    title: 'eDP-1, 1920×1200, primary', width: 1920, height: 1200,
  }),
  create(ScreenSchema, {
    address: 'laptop/self/HDMI-1', host: 'laptop', name: 'self/HDMI-1', machine: 'self', kind: 'monitor',
    title: 'HDMI-1, 2560×1440', width: 2560, height: 1440,
  }),
]

export const folders = [
  create(FolderSchema, {
    host: 'laptop', name: 'notes', path: '/home/ada/notes', state: 'idle', globalBytes: 48n << 20n, globalFiles: 1312n,
    hosts: ['cloud', 'nas'],
  }),
  create(FolderSchema, {
    host: 'laptop', name: 'photos', path: '/home/ada/Pictures', state: 'syncing', needBytes: 3n * GIB, needFiles: 410n,
    globalBytes: 18n * GIB, globalFiles: 5201n, hosts: ['cloud'],
  }),
  create(FolderSchema, {
    host: 'laptop', name: 'drafts', path: '/home/ada/drafts', state: 'waiting', globalBytes: 2n << 20n, globalFiles: 41n,
    hosts: ['nas'], note: 'nas is offline; changes are carried over when it is back.',
  }),
]

export const apps = [
  ['org.gnome.Calculator', 'Calculator', 'Perform arithmetic, scientific or financial calculations'],
  ['firefox', 'Firefox', 'Browse the Web'],
  ['org.gnome.TextEditor', 'Text Editor', 'Edit text files'],
  ['xterm', 'XTerm', 'Standard terminal emulator for the X window system'],
  ['org.inkscape.Inkscape', 'Inkscape', 'Create and edit scalable vector graphics'],
  ['org.kde.krita', 'Krita', 'Digital painting'],
  ['org.blender.Blender', 'Blender', '3D modeling, animation and rendering'],
  ['libreoffice-calc', 'LibreOffice Calc', 'Work with spreadsheets'],
  ['vlc', 'VLC media player', 'Read, capture, broadcast your multimedia streams'],
] as const

/** What takes long just now. */
export const jobs = [
  create(JobSchema, {
    id: 'J1', host: 'cloud', op: 'machine.create', name: 'build-02', started: timestampFromDate(new Date(Date.now() - 40_000)),
    step: 'downloads the image', done: 288490188n, total: 439483648n, rate: 18874368n, left: 8n,
  }),
]

/** What every machine is made of. */
export const parts = create(PartsSchema, {
  cpus: 2, nextCpus: 4, mostCpus: 255, memoryBytes: 2n * GIB, nextMemoryBytes: 2n * GIB, hostMemoryBytes: 16n * GIB,
  disks: [
    { name: 'vda', bus: 'virtio', format: 'qcow2', file: 'build-01-5f0c2e11-0.qcow2', totalBytes: 20n * GIB, usedBytes: 7n * GIB, made: true },
    { name: 'vdb', bus: 'virtio', format: 'qcow2', file: 'build-01-5f0c2e11-1.qcow2', totalBytes: 80n * GIB, usedBytes: 31n * GIB, made: true },
    { name: 'vdc', bus: 'virtio', format: 'raw', file: 'scratch.img', totalBytes: 8n * GIB, usedBytes: 0n, of: 'next-start' },
  ],
  drives: [{ name: 'sda', kind: 'cdrom', image: 'debian-12.9.0-amd64-netinst.iso' }],
  nics: [
    { mac: '52:54:00:4b:1f:0a', network: 'user', model: 'virtio' },
    { mac: '52:54:00:9c:22:e1', network: 'default', nextNetwork: 'lab', model: 'virtio' },
  ],
  devices: [
    { id: 'usb:0951:1666', name: 'Kingston Technology DataTraveler 100 G3/G4/SE9 G2' },
    { id: 'usb:04e6:5116', name: '', of: 'next-start' },
    { id: 'usb:058f:9540', name: 'Alcor Micro Corp. AU9540 Smartcard Reader', from: '12D3KooWAAA', fromName: 'laptop' },
  ],
  boot: ['disk', 'cd', 'net'], firmware: 'uefi', tpm: true, accelerator: 'kvm', displays: ['vnc'], pending: true,
  networks: ['user', 'default', 'lab'], images: ['debian-12.9.0-amd64-netinst.iso', 'memtest86.iso'],
})
/** The image pool of each computer. */
export const images = [
  create(ImageSchema, {
    name: 'debian-13', format: 'qcow2', bytes: 334n << 20n, diskBytes: 3n * GIB, sum: 'sha512:' + 'ab'.repeat(64), user: 'debian', arch: 'x86_64',
    source: 'https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2', added: ago(3000),
  }),
  create(ImageSchema, { name: 'golden-build.qcow2', format: 'qcow2', bytes: 2n * GIB, diskBytes: 40n * GIB, sum: 'sha256:' + 'cd'.repeat(32), added: ago(90000) }),
  create(ImageSchema, { name: 'ubuntu-24.04.2-live-server-amd64.iso', format: 'iso', bytes: 3n * GIB, sum: 'sha256:' + 'ef'.repeat(32), added: ago(70), usedBy: ['build-01'] }),
]

const cloud = (name: string, title: string, user: string, gib = 20n) =>
  create(CatalogueImageSchema, {
    name, title, user, format: 'qcow2', arch: 'x86_64', url: `https://example.org/${name}.qcow2`, sumsUrl: 'https://example.org/SUMS',
    memoryBytes: 2n * GIB, diskBytes: gib * GIB, runs: true,
  })
const media = (name: string, title: string) =>
  create(CatalogueImageSchema, { name, title, format: 'iso', arch: 'x86_64', url: `https://example.org/${name}.iso`, runs: true })

export const catalogue = [
  cloud('debian-13', 'Debian 13 (trixie)', 'debian'),
  cloud('debian-12', 'Debian 12 (bookworm)', 'debian'),
  cloud('ubuntu-24.04', 'Ubuntu 24.04 LTS', 'ubuntu'),
  cloud('fedora-43', 'Fedora Cloud 43', 'fedora'),
  cloud('alpine-3.22', 'Alpine Linux 3.22', 'alpine', 4n),
  cloud('rocky-9', 'Rocky Linux 9', 'rocky'),
  media('debian-13-netboot', 'Debian 13 (trixie), installer that needs a network'),
  media('debian-12-netboot', 'Debian 12 (bookworm), installer that needs a network'),
  media('freebsd14.1', 'FreeBSD 14.1'),
  media('nixos-24.11', 'NixOS 24.11'),
]
