export type Route =
  | { page: 'library' }
  | { page: 'machine'; host: string; name: string }
  | { page: 'screen'; host: string; screen: string; bare: boolean }
  | { page: 'apps'; host: string }
  | { page: 'folders' }
  | { page: 'network' }
  | { page: 'activity' }
  | { page: 'host'; host: string }
  | { page: 'settings' }
  | { page: 'lost' }

/** Reads a path of the page; every one works after a reload. */
export function parseRoute(path: string): Route {
  const [page = '', ...rest] = path.split('/').filter(Boolean).map(decode)
  switch (page) {
    case '':
    case 'library':
    case 'index.html':
      return { page: 'library' }
    case 'machine':
      return rest.length === 2 ? { page, host: rest[0]!, name: rest[1]! } : { page: 'lost' }
    case 'app':
    case 'screen':
      if (rest.length < 2 || rest.length > 3) return { page: 'lost' }
      return { page: 'screen', host: rest[0]!, screen: rest.slice(1).join('/'), bare: page === 'screen' }
    case 'apps':
      return { page, host: rest[0] ?? '' }
    case 'host':
      return rest.length === 1 ? { page, host: rest[0]! } : { page: 'lost' }
    case 'folders':
    case 'network':
    case 'activity':
    case 'settings':
      return { page }
  }
  return { page: 'lost' }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export const to = {
  library: () => '/library',
  machine: (host: string, name: string) => `/machine/${enc(host)}/${enc(name)}`,
  screen: (host: string, screen: string) => `/screen/${enc(host)}/${screen.split('/').map(enc).join('/')}`,
  app: (host: string, screen: string) => `/app/${enc(host)}/${screen.split('/').map(enc).join('/')}`,
  apps: (host = '') => (host ? `/apps/${enc(host)}` : '/apps'),
  folders: () => '/folders',
  network: () => '/network',
  activity: () => '/activity',
  host: (host: string) => `/host/${enc(host)}`,
  settings: () => '/settings',
}

const enc = encodeURIComponent

/** Where the page is. Links are plain <a href>; clicks on them do not reload. */
export class Router {
  path = $state(location.pathname)
  query = $state.raw(new URLSearchParams(location.search))
  route = $derived(parseRoute(this.path))
  /** Changes when the page shows something else; not when what it shows is at another path now. */
  place = $state(location.pathname)

  /** Listens to the browser's history and to links until the returned function is called. */
  start(): () => void {
    const stop = new AbortController()
    addEventListener('popstate', () => this.read(), { signal: stop.signal })
    document.addEventListener('click', (e) => this.click(e), { signal: stop.signal })
    return () => stop.abort()
  }

  go(path: string): void {
    if (path === this.path) return
    history.pushState(null, '', path)
    this.read()
  }

  /** What is shown is there now: without a new history entry. */
  replace(path: string): void {
    history.replaceState(null, '', path + location.search)
    const { place } = this
    this.read()
    this.place = place
  }

  /** Keeps a value in the URL without a new history entry; empty removes it. */
  setQuery(key: string, value: string): void {
    const query = new URLSearchParams(this.query)
    if (value) query.set(key, value)
    else query.delete(key)
    const text = query.toString()
    history.replaceState(history.state, '', location.pathname + (text ? '?' + text : ''))
    this.query = query
  }

  private read(): void {
    this.path = this.place = location.pathname
    this.query = new URLSearchParams(location.search)
  }

  private click(e: MouseEvent): void {
    if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
    const link = (e.target as Element).closest?.('a[href^="/"]:not([target]):not([download])')
    if (!link) return
    e.preventDefault()
    this.go(link.getAttribute('href')!)
  }
}
