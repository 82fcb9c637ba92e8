import type { Backup, KeptMachine } from '../api/backups'
import type { Folder, Host, Image, Machine } from '../api/model'
import type { BareComputer } from '../api/netboot'
import type { Volume } from '../api/networks'
import type { Key, Params } from '../i18n/i18n.svelte'

/** A question before something that cannot be taken back. */
export interface Confirm {
  title: [Key, Params]
  text: [Key, Params]
  verb: Key
  do: () => void
}

/** What may stand over the page, one at a time, with what it is about. */
export type Dialog =
  | { kind: 'pair' }
  | { kind: 'create'; host: string }
  | { kind: 'fetch-image'; host: Host }
  | { kind: 'add-folder' }
  | { kind: 'share'; folder: Folder }
  | { kind: 'add-tunnel'; host: string }
  | { kind: 'grants'; host: Host }
  | { kind: 'take-snapshot'; machine: Machine }
  | { kind: 'restore'; machine: Machine; backup: Backup }
  | { kind: 'restore-kept'; kept: KeptMachine; backup: Backup; keeper: Host }
  | { kind: 'back-up'; machine: Machine }
  | { kind: 'schedule'; machine: Machine }
  | { kind: 'move'; machine: Machine }
  | { kind: 'hardware'; what: 'resources' | 'disk' | 'grow' | 'remove' | 'nic' | 'device' | 'cd' | 'boot'; machine: Machine; part?: string }
  | { kind: 'bring'; machine: Machine; to: Host }
  | { kind: 'rename'; machine: Machine }
  | { kind: 'tags'; machines: Machine[] }
  | { kind: 'add-network'; host: Host }
  | { kind: 'install-bare'; host: Host; computer: BareComputer }
  | { kind: 'add-forward'; machine: Machine; host: Host }
  | { kind: 'volume'; host: Host; pool: string; volume: Volume | null }
  | { kind: 'clone'; machine: Machine }
  | { kind: 'deploy'; machine: Machine; to?: Host }
  | { kind: 'deploy-image'; image: Image; host: Host }
  | { kind: 'export'; machine: Machine }
  | { kind: 'import'; host: string }
  | { kind: 'palette' }
  | { kind: 'confirm'; confirm: Confirm }
