import { errorFromJson, UiError } from './error'
import type { Session } from './session'
import { newTrace } from './trace'

/** What the node answers when somebody canceled the job. */
const CANCELED = 499

/** PUT /images/NAME?host=H. */
export async function upload(
  session: Session,
  host: string,
  name: string,
  file: File,
  progress: (part: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const url = new URL('/images/' + encodeURIComponent(name), session.base)
  if (host) url.searchParams.set('host', host)
  await send(session, 'PUT', url, 'image.upload', name, file, progress, signal)
}

/** Sends a file and gives the answer. XMLHttpRequest, because fetch tells no upload progress. */
export function send(
  session: Session,
  method: 'PUT' | 'POST',
  url: URL,
  op: string,
  name: string,
  file: File,
  progress: (part: number) => void,
  signal: AbortSignal,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open(method, url)
    request.setRequestHeader('Authorization', 'Bearer ' + session.bearer)
    request.setRequestHeader('Hither-Trace', newTrace())
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total)
    request.onload = () => {
      if (request.status < 300) return resolve(request.responseText)
      if (request.status === CANCELED) return reject(new UiError({}, { cancelled: true }))
      if (request.status === 401) return reject(new UiError({ op: 'session' }, { signedOut: true }))
      reject(errorFromJson(request.responseText || request.statusText))
    }
    request.onerror = () => reject(new UiError({ op, path: name, cause: 'offline' }))
    request.onabort = () => reject(new UiError({}, { cancelled: true }))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}
