import type { Server } from 'node:http'
import { WebSocketServer, type WebSocket } from 'ws'

const ESC = '\x1b['
const banner = [
  `${ESC}1;32m[    0.000000]${ESC}0m Linux version 6.1.0-28-amd64 (debian-kernel@lists.debian.org)`,
  `${ESC}1;32m[    0.412004]${ESC}0m virtio_blk virtio2: [vda] 41943040 512-byte logical blocks (21.5 GB/20.0 GiB)`,
  `[  ${ESC}32m  OK  ${ESC}0m] Started ${ESC}1mssh.service${ESC}0m - OpenBSD Secure Shell server.`,
  `[${ESC}31mFAILED${ESC}0m] Failed to start ${ESC}1mnfs-blkmap.service${ESC}0m - pNFS block layout mapping daemon.`,
  `[${ESC}33m WARN ${ESC}0m] clock skew: ${ESC}4m12 s${ESC}0m, 你好，世界`,
  '',
  'Debian GNU/Linux 12 build-01 ttyS0',
  '',
].join('\r\n')
const palette = Array.from({ length: 16 }, (_, n) => `${ESC}${n < 8 ? 30 + n : 82 + n}m colour${String(n).padStart(2, '0')} ${ESC}0m`)

/** The WebSocket /terminal of docs/wire.md: a console that echoes. */
export function serveTerminal(server: Server): void {
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    if (request.url !== '/terminal') return
    sockets.handleUpgrade(request, socket, head, (ws) => ws.once('message', (m) => view(ws, JSON.parse(String(m)))))
  })
}

function view(ws: WebSocket, first: { bearer: string; machine: string }): void {
  if (first.bearer !== 'bearer') return ws.close(1008, 'unknown bearer')
  if (first.machine === 'win11') {
    ws.send(JSON.stringify({ op: 'machine.console', path: 'win11', cause: 'unsupported', detail: 'it has no serial console' }))
    return ws.close(1008, 'refused')
  }
  const shell = first.machine === 'self'
  const say = (text: string) => ws.send(Buffer.concat([Buffer.from([2]), Buffer.from(text)]))
  const prompt = shell ? `${ESC}1;34mada@laptop${ESC}0m:~$ ` : 'build-01 login: '
  ws.send(Uint8Array.of(1, 1, 0))
  if (!shell) say(banner)
  else say(`${palette.slice(0, 8).join('')}\r\n${palette.slice(8).join('')}\r\n`)
  say('\r\n' + prompt)
  let line = ''
  ws.on('message', (data: Buffer) => {
    if (data[0] !== 0x81) return
    const text = data.subarray(1).toString()
    line += text
    say(text.replaceAll('\r', '\r\n'))
    if (!/[\r\n]/.test(text)) return
    if (shell && line.trim() === 'exit') {
      ws.send(Buffer.concat([Buffer.from([5, 0]), Buffer.from('the shell ended\n')]))
      return ws.close(1000)
    }
    line = ''
    say(prompt)
  })
}
