import type { UiError } from '../api/error'

export type Transport = 'webrtc' | 'websocket'

/** What carries the messages of docs/wire.md for one view. */
export interface Carrier {
  readonly transport: Transport
  /** Sends one message; after close it does nothing. */
  send(message: Uint8Array<ArrayBuffer>): void
  /** Bytes given to send that have not left yet. */
  readonly unsent: number
  close(): void
}

/** What a carrier tells its owner; nothing after ended. */
export interface Listener {
  message(bytes: Uint8Array): void
  /** The connection is gone; error says why when the host said so. */
  ended(error: UiError | null): void
}

export interface Target {
  host: string
  /** MACHINE or MACHINE/INSTANCE */
  screen: string
  viewOnly: boolean
  /** The windows of an app one by one, if the host can. */
  windows: boolean
}

/** Opens a carrier, or throws. Passed in, so that the mirror never imports the API. */
export type Open = (target: Target, transport: Transport, to: Listener, signal: AbortSignal) => Promise<Carrier>
