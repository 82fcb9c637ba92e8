// Where the page runs: in a browser, served by its node, or in the desktop
// window (Wails), whose bindings give only the node's address and a token.

interface Bridge {
  Endpoint(): Promise<{ url: string; token: string }>
}

declare global {
  interface Window {
    go?: { shell?: { Bridge?: Bridge } }
  }
}

export interface Endpoint {
  base: string
  /** A one-time token, "" in a browser. */
  token: string
}

export const isDesktop = (): boolean => window.go?.shell?.Bridge !== undefined

export async function endpoint(): Promise<Endpoint> {
  const bridge = window.go?.shell?.Bridge
  if (!bridge) return { base: location.origin, token: '' }
  const { url, token } = await bridge.Endpoint()
  return { base: new URL(url).origin, token }
}

export const isMac = (): boolean => /mac/i.test(navigator.platform)
