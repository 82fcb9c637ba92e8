// Where the page runs: in a browser, served by its node, or in the desktop
// window (Wails), whose bindings do what only a desktop can.

interface Bridge {
  Endpoint(): Promise<{ url: string; token: string }>
  OpenWindow(address: string): Promise<void>
  ChooseDirectory(title: string): Promise<string>
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

/** Opens HOST/MACHINE or HOST/MACHINE/INSTANCE in a window of its own. */
export async function openWindow(address: string): Promise<void> {
  const bridge = window.go?.shell?.Bridge
  if (bridge) return bridge.OpenWindow(address)
  const opened = window.open('/screen/' + address.split('/').map(encodeURIComponent).join('/'), '_blank')
  if (!opened) throw new Error('window.open')
}

/** Lets the person choose a directory of this computer; "" when they change their mind. */
export async function chooseDirectory(title: string): Promise<string> {
  return (await window.go?.shell?.Bridge?.ChooseDirectory(title)) ?? ''
}

export const isMac = (): boolean => /mac/i.test(navigator.platform)
