import type { Component } from 'svelte'
import type { Backup, KeptMachine } from '../api/backups'
import type { Folder, Host, Image, Machine, Screen, Snapshot } from '../api/model'
import type { Network, Volume } from '../api/networks'
import type { Key } from '../i18n/i18n.svelte'
import type { App } from '../state/app.svelte'

/** What a command is done to. */
export interface Targets {
  page: null
  machine: { machine: Machine; host: Host }
  host: Host
  folder: { folder: Folder; host: Host }
  snapshot: { snapshot: Snapshot; machine: Machine; host: Host }
  backup: { backup: Backup; machine: Machine; host: Host }
  /** What host keeps for another computer. */
  kept: { backup: Backup; kept: KeptMachine; host: Host }
  screen: { screen: Screen; host: Host }
  image: { image: Image; host: Host }
  network: { network: Network; host: Host }
  volume: { volume: Volume; host: Host }
}

/** One row of the command table: it feeds buttons, menus and the palette. */
export interface Command<K extends keyof Targets> {
  name: string
  label: Key
  icon: Component
  /** A single key, or "mod+k". */
  key?: string
  danger?: boolean
  /** May be done to several at once. */
  bulk?: boolean
  when(app: App, target: Targets[K]): boolean
  do(app: App, target: Targets[K]): void
}
