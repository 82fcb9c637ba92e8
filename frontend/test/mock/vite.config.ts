import type { Server } from 'node:http'
import { connectNodeAdapter } from '@connectrpc/connect-node'
import { defineConfig, type Plugin } from 'vite'
import { many } from './many'
import { serveScreen } from './screen'
import { routes } from './server'
import { serveTerminal } from './terminal'
import { wide } from './trust'

if (process.env.MANY) many()
if (process.env.WIDE) wide()

/** Serves the built page with a node in memory: open /#token=test. */
function mock(): Plugin {
  return {
    name: 'hither-mock-node',
    configurePreviewServer(server) {
      const api = connectNodeAdapter({ routes })
      serveScreen(server.httpServer as Server)
      serveTerminal(server.httpServer as Server)
      server.middlewares.use((request, response, next) => {
        if (request.url?.startsWith('/hither.v1.')) {
          if (request.url.endsWith('/Session') || request.headers.authorization === 'Bearer bearer') return api(request, response)
          response.statusCode = 401
          return response.end()
        }
        if (request.method === 'PUT' && request.url?.startsWith('/images/')) {
          request.resume().on('end', () => response.end())
          return
        }
        next()
      })
    },
  }
}

export default defineConfig({
  plugins: [mock()],
  build: { outDir: 'dist' },
  preview: { host: '127.0.0.1', port: Number(process.env.PORT ?? 4711), strictPort: false },
})
