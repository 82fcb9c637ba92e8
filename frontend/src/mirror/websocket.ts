import { UiError, errorFromJson } from '../api/error'
import type { Carrier, Listener } from './carrier'

/**
 * Opens a view over the WebSocket /screen or /terminal. The first message is JSON
 * with the bearer token and target; then each message is one of docs/wire.md. A text message from
 * the host is an error as JSON, the last thing it says.
 */
export function openWebSocket(
  url: string,
  bearer: string,
  target: object,
  to: Listener,
  signal: AbortSignal,
): Promise<Carrier> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url)
    socket.binaryType = 'arraybuffer'
    let said: UiError | null = null
    let open = false
    const abort = () => socket.close()
    signal.addEventListener('abort', abort, { once: true })

    socket.onopen = () => {
      socket.send(JSON.stringify({ bearer, ...target }))
      open = true
      resolve({
        transport: 'websocket',
        send: (message) => {
          if (socket.readyState === WebSocket.OPEN) socket.send(message)
        },
        get unsent() {
          return socket.bufferedAmount
        },
        close: () => socket.close(1000),
      })
    }
    socket.onmessage = (event: MessageEvent<ArrayBuffer | string>) => {
      if (typeof event.data === 'string') said = errorFromJson(event.data)
      else to.message(new Uint8Array(event.data))
    }
    socket.onclose = (event) => {
      signal.removeEventListener('abort', abort)
      const error = said ?? closeError(event)
      if (open) to.ended(error)
      else reject(error ?? new UiError({ op: 'screen.open', cause: 'offline' }))
    }
  })
}

/** RFC 6455 codes that mean more than a lost connection. */
function closeError(event: CloseEvent): UiError | null {
  if (event.code === 1008) return new UiError({ op: 'screen.open', cause: 'permission', detail: event.reason })
  if (event.code >= 4000 && event.reason) return errorFromJson(event.reason)
  return null
}
