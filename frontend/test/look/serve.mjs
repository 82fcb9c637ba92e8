// Serves the built page with the node in memory, until end is called.
import { spawn } from 'node:child_process'

export async function serve(env = {}) {
  const server = spawn('npx', ['vite', 'preview', '--config', 'test/mock/vite.config.ts'], {
    detached: true,
    env: { ...process.env, VITE_CONFIG_NATIVE_IGNORE_WARNING: 'true', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const base = await new Promise((resolve, reject) => {
    let text = ''
    server.stdout.on('data', (d) => {
      text += String(d).replace(new RegExp(String.fromCharCode(27) + '\\[[0-9;]*m', 'g'), '')
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(text)
      if (url) resolve(url[0])
    })
    server.on('exit', () => reject(new Error('the mock node ended')))
  })
  return { base, end: () => process.kill(-server.pid) }
}
