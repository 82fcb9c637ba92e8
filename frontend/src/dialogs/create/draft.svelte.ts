import type { CatalogueImage, Firmware, Image, MachineSpec, Seed } from '../../api/model'
import type { Key } from '../../i18n/i18n.svelte'
import { goodName, imageName } from '../name'
import { sizeOf, sizeText } from '../size'

const MIB = 1 << 20
export const GIB = 1024 * MIB
const TIB = 1024 * GIB
export const MEMORIES = [256 * MIB, 512 * MIB, GIB, 2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB, 32 * GIB]
export const CPUS = [1, 2, 4, 6, 8, 12, 16]
export const LOCALES = ['de_DE.UTF-8', 'en_GB.UTF-8', 'en_US.UTF-8', 'es_ES.UTF-8', 'fr_FR.UTF-8', 'it_IT.UTF-8', 'ja_JP.UTF-8', 'pt_BR.UTF-8', 'ru_RU.UTF-8', 'zh_CN.UTF-8']
const DISKS = [4 * GIB, 10 * GIB, 20 * GIB, 40 * GIB, 80 * GIB, 160 * GIB]

export type What = 'catalogue' | 'pool' | 'file' | 'address' | 'empty'

/** A machine that a person is putting together. */
export class Draft {
  what = $state<What>('catalogue')
  cloud = $state.raw<CatalogueImage | null>(null)
  image = $state.raw<Image | null>(null)
  file = $state.raw<File | null>(null)
  address = $state('')

  name = $state('')
  /** As they are typed. */
  memoryText = $state(sizeText(GIB))
  cpusText = $state('1')
  /** "" is none, or the image's own. */
  diskText = $state(sizeText(20 * GIB))
  firmware = $state<Firmware>('bios')
  tpm = $state(false)
  start = $state(true)
  /** One of the host's networks; '' is user-mode networking. */
  network = $state('')

  seeded = $state(true)
  user = $state('')
  keys = $state('')
  password = $state('')
  hostname = $state('')
  packages = $state('')
  apps = $state('')
  locale = $state('')
  addresses = $state('')
  gateways = $state('')
  dns = $state('')
  /** The installer on the CD installs by itself. */
  unattended = $state(false)

  constructor() {
    this.keys = kept()
  }

  /** In bytes; NaN where what is typed is no size. */
  get memory(): number {
    return sizeOf(this.memoryText)
  }
  set memory(bytes: number) {
    this.memoryText = sizeText(bytes)
  }

  get cpus(): number {
    return /^\d+$/.test(this.cpusText.trim()) ? Number(this.cpusText) : NaN
  }

  /** In bytes; 0 is none, or the image's own. */
  get disk(): number {
    return this.diskText.trim() === '' ? 0 : sizeOf(this.diskText)
  }
  set disk(bytes: number) {
    this.diskText = bytes === 0 ? '' : sizeText(bytes)
  }

  /** Takes an image of the catalogue with the sizes that suit it. */
  choose(image: CatalogueImage): void {
    this.cloud = image
    if (image.memoryBytes) this.memory = MEMORIES.find((m) => m >= image.memoryBytes) ?? this.memory
    if (image.diskBytes) this.disk = image.diskBytes
  }

  /** An installer that is to run by itself needs some memory, or it stops and asks. */
  roomToInstall(): void {
    if (this.unattended && !(this.memory >= 2 * GIB)) this.memory = 2 * GIB
  }

  /** What is to be copied is a CD, so the machine has an empty disk beside it. */
  get isCD(): boolean {
    switch (this.what) {
      case 'catalogue':
        return this.cloud?.format === 'iso'
      case 'pool':
        return this.image?.format === 'iso'
      case 'file':
        return /\.iso$/i.test(this.file?.name ?? '')
      case 'address':
        return /\.iso$/i.test(path(this.address))
      case 'empty':
        return false
    }
  }

  get isDisk(): boolean {
    return this.what !== 'empty' && !this.isCD
  }

  /** The sizes that make sense; 0 is the image's own, or no disk. */
  get disks(): number[] {
    const least = this.least
    const own = this.cloud?.diskBytes ?? 0
    return [0, ...[...new Set([...DISKS, ...(this.what === 'catalogue' && own ? [own] : [])])].filter((d) => d >= least).sort((a, b) => a - b)]
  }

  /** Bytes that the image's own disk has, 0 where nobody knows. */
  get least(): number {
    return this.what === 'pool' && this.isDisk ? (this.image?.diskBytes ?? 0) : 0
  }

  /** Who logs in when the person says nothing. */
  get defaultUser(): string {
    return (this.what === 'catalogue' ? this.cloud?.user : this.what === 'pool' ? this.image?.user : '') ?? ''
  }

  /** A name for the machine, after what it is made of. */
  get proposed(): string {
    const stem = (path(this.source).split('/').at(-1) ?? '').replace(/(\.(qcow2|img|raw|iso))+$/i, '')
    return goodName(stem) ? stem : 'machine'
  }

  /** What is wrong with the first step, or "". */
  get whatWrong(): Key | '' {
    switch (this.what) {
      case 'catalogue':
        return this.cloud ? '' : 'create.choose'
      case 'pool':
        return this.image ? '' : 'create.choose'
      case 'file':
        return !this.file ? 'create.file.none' : ''
      case 'address':
        return /^https?:\/\/[^/@\s]+\/\S*[^/\s]$/.test(this.address.trim()) ? '' : 'create.address.bad'
      case 'empty':
        return ''
    }
  }

  get nameWrong(): Key | '' {
    return goodName(this.name) ? '' : 'field.name.bad'
  }

  get keysWrong(): Key | '' {
    if (!this.seeds) return ''
    if (this.installs && this.locked) return 'create.unattended.key'
    if (/PRIVATE KEY/.test(this.keys)) return 'create.keys.private'
    return lines(this.keys).every((k) => /^(ssh-|ecdsa-sha2-|sk-)\S+ [A-Za-z0-9+/=]+( .*)?$/.test(k)) ? '' : 'create.keys.bad'
  }

  get networkWrong(): Key | '' {
    if (!this.seeds || this.installs) return ''
    const [addresses, more] = [words(this.addresses), [...words(this.gateways), ...words(this.dns)]]
    const sound = addresses.every((a) => /^[0-9a-f.:]+\/\d{1,3}$/i.test(a)) && more.every((a) => /^[0-9a-f.:]+$/i.test(a))
    return sound && (addresses.length > 0 || more.length === 0) ? '' : 'create.network.bad'
  }

  get userWrong(): Key | '' {
    return !this.seeds || this.user === '' || (/^[a-z_][a-z0-9_-]{0,31}$/.test(this.user) && this.user !== 'root') ? '' : 'create.user.bad'
  }

  /** It is told what to make of itself. */
  get seeds(): boolean {
    return (this.isDisk && this.seeded) || this.installs
  }

  /** It installs by itself, which needs a disk and its first start. */
  get installs(): boolean {
    return this.isCD && this.unattended
  }

  /** The bounds of package fusion. */
  get memoryWrong(): Key | '' {
    return this.memory >= 16 * MIB && this.memory <= 16 * TIB ? '' : 'create.memory.bad'
  }

  get cpusWrong(): Key | '' {
    return this.cpus >= 1 && this.cpus <= 255 ? '' : 'create.cpus.bad'
  }

  get diskWrong(): Key | '' {
    const { disk } = this
    if (disk === 0) return this.diskText.trim() ? 'create.disk.bad' : this.installs ? 'create.unattended.disk' : ''
    if (!(disk >= MIB && disk <= 64 * TIB)) return 'create.disk.bad'
    return disk < this.least ? 'create.disk.small' : ''
  }

  get sizesWrong(): Key | '' {
    return this.memoryWrong || this.cpusWrong || this.diskWrong
  }

  /** Nobody could log in to what comes. */
  get locked(): boolean {
    return this.seeds && lines(this.keys).length === 0 && this.password === ''
  }

  private get seed(): Seed | null {
    if (!this.seeds) return null
    const { user, password, hostname, locale } = this
    const network = this.installs ? [] : [this.addresses, this.gateways, this.dns].map(words)
    const [addresses = [], gateways = [], dns = []] = network
    return {
      user, password, locale, addresses, gateways, dns,
      hostname: hostname.trim(), sshKeys: lines(this.keys), packages: words(this.packages), apps: words(this.apps),
    }
  }

  private get source(): string {
    switch (this.what) {
      case 'catalogue':
        return this.cloud?.name ?? ''
      case 'pool':
        return this.image?.name ?? ''
      case 'file':
        return this.file ? imageName(this.file.name) : ''
      case 'address':
        return this.address.trim()
      case 'empty':
        return ''
    }
  }

  /** What is copied as its disk, or is in its CD drive. */
  private get madeOf(): Pick<MachineSpec, 'iso' | 'image'> {
    return this.isCD ? { iso: this.source, image: '' } : { iso: '', image: this.source }
  }

  /** What a computer is chosen by; of an image only a name that a pool may have. */
  get needs(): Pick<MachineSpec, 'memoryBytes' | 'cpus' | 'diskBytes' | 'image' | 'iso' | 'firmware' | 'tpm'> {
    const named = this.what === 'catalogue' ? this.madeOf : { iso: '', image: '' }
    const sizes = this.sizesWrong ? { memoryBytes: 0, cpus: 0, diskBytes: 0 } : { memoryBytes: this.memory, cpus: this.cpus, diskBytes: this.disk }
    return { ...sizes, ...named, firmware: this.firmware, tpm: this.tpm }
  }

  spec(): MachineSpec {
    const { iso, image } = this.madeOf
    if (this.seeds) keep(this.keys)
    return {
      name: this.name, cpus: this.cpus, memoryBytes: this.memory, diskBytes: this.disk, iso, image, seed: this.seed,
      start: this.start || this.installs, network: this.network, unattended: this.installs, firmware: this.firmware, tpm: this.tpm,
    }
  }
}

/** How speakers of a locale's language call it. */
export function localeName(locale: string): string {
  const tag = locale.replace(/\..*/, '').replace('_', '-')
  return new Intl.DisplayNames([tag], { type: 'language' }).of(tag) ?? tag
}

const words = (text: string) => text.split(/[\s,]+/).filter(Boolean)
const lines = (text: string) => text.split('\n').map((l) => l.trim()).filter(Boolean)
const path = (address: string) => address.trim().split(/[?#]/)[0] ?? ''

const KEPT = 'hither-ssh-keys'

/** Public keys are the same for each machine: this browser remembers them. */
function kept(): string {
  return localStorage.getItem(KEPT) ?? ''
}

function keep(keys: string): void {
  try {
    localStorage.setItem(KEPT, keys)
  } catch {
    // private windows refuse: they are typed again
  }
}
