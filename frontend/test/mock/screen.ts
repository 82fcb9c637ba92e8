import type { Server } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'
import { paint } from './desktop'

const [W, H] = [800, 500]
/** Messages of viewers, for a test to look at. */
export const heard: number[][] = []

/** The WebSocket /screen of docs/wire.md with a still picture and an echo of input. */
export function serveScreen(server: Server): void {
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (!request.url?.startsWith('/screen')) return
    sockets.handleUpgrade(request, socket, head, (ws) => ws.once('message', (m) => view(ws, JSON.parse(String(m)))))
  })
}

function view(ws: WebSocket, first: { bearer: string; screen: string }): void {
  if (first.bearer !== 'bearer') return ws.close(1008, 'unknown bearer')
  let seq = 0
  const send = (...bytes: number[]) => ws.send(Uint8Array.from(bytes))
  const u16 = (n: number) => [n >> 8, n & 255]
  const frame = (content: Uint8Array) => {
    seq++
    const size = 16384 - 9
    const parts = Math.ceil(content.length / size)
    for (let part = 0; part < parts; part++) {
      const body = content.subarray(part * size, (part + 1) * size)
      ws.send(Buffer.concat([Buffer.from([2, 0, 0, ...u16(seq), ...u16(part), ...u16(parts)]), body]))
    }
  }
  send(1, 1, 0, ...u16(W), ...u16(H), ...Buffer.from(first.screen))
  frame(Buffer.concat([Buffer.from([1, ...u16(W), ...u16(H), 3, 0, 0, 0, 0, ...u16(W), ...u16(H)]), paint(W, H, first.screen)]))
  ws.on('message', (data: Buffer) => {
    const b = [...data]
    if (b[0] !== 0x85 && b[0] !== 0x8a) heard.push(b)
    if (b[0] === 0x8a) send(6, ...b.slice(1))
    // A key paints a block, so that a test sees it arrive.
    if (b[0] === 0x81 && b[3] === 1) {
      frame(Uint8Array.from([0, ...u16(W), ...u16(H), 2, ...u16(40 + (seq % 30) * 20), ...u16(H - 60), ...u16(14), ...u16(20), 240, 240, 240]))
    }
  })
}
