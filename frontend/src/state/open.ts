import type { Api } from '../api/api'
import { connectApi } from '../api/connect'
import { UiError } from '../api/error'
import { signIn, signOut } from '../api/session'

/** Signs in and gives the Api; onSignedOut is called when the session is over. */
export async function openNode(onSignedOut: (error: UiError) => void): Promise<Api> {
  const session = await signIn()
  return connectApi(session, () => {
    signOut()
    onSignedOut(new UiError({ op: 'session' }, { signedOut: true }))
  })
}
