import { createClient } from '@connectrpc/connect'
import { createConnectTransport } from '@connectrpc/connect-web'
import { endpoint } from '../platform/platform'
import { UiError } from './error'
import { NodeService } from './gen/hither/v1/node_pb'

const KEY = 'hither-bearer'

/** Where the node is and the bearer token that opens it. */
export interface Session {
  base: string
  bearer: string
}

/**
 * Signs in: the one-time token of the URL's fragment (or of the desktop window)
 * is traded for a bearer, kept for this tab only; the fragment is removed.
 * Throws a UiError with signedOut when there is neither.
 */
export async function signIn(): Promise<Session> {
  const from = await endpoint()
  const oneTime = from.token || takeFragment()
  if (oneTime) {
    const bearer = await trade(from.base, oneTime)
    sessionStorage.setItem(KEY, bearer)
    return { base: from.base, bearer }
  }
  const bearer = sessionStorage.getItem(KEY)
  if (!bearer) throw new UiError({ op: 'session', cause: 'permission' }, { signedOut: true })
  return { base: from.base, bearer }
}

/** Forgets a bearer that the node no longer takes. */
export function signOut(): void {
  sessionStorage.removeItem(KEY)
}

async function trade(base: string, token: string): Promise<string> {
  const node = createClient(NodeService, createConnectTransport({ baseUrl: base }))
  try {
    return (await node.session({ token })).bearer
  } catch (thrown) {
    const error = UiError.from(thrown)
    // A reload of a link that was used: the tab may still have its session.
    const kept = sessionStorage.getItem(KEY)
    if (kept) return kept
    throw error.cause === 'offline' ? error : new UiError(error, { signedOut: true })
  }
}

function takeFragment(): string {
  const fragment = new URLSearchParams(location.hash.slice(1))
  const token = fragment.get('token') ?? ''
  if (!token) return ''
  fragment.delete('token')
  const rest = fragment.toString()
  history.replaceState(history.state, '', location.pathname + location.search + (rest ? '#' + rest : ''))
  return token
}
