import { errorFromJson, UiError } from './error'
import type { Session } from './session'
import { newTrace } from './trace'

/** PUT /images/NAME?host=H. XMLHttpRequest, because fetch tells no upload progress. */
export function upload(
  session: Session,
  host: string,
  name: string,
  file: File,
  progress: (part: number) => void,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    const url = new URL('/images/' + encodeURIComponent(name), session.base)
    if (host) url.searchParams.set('host', host)
    request.open('PUT', url)
    request.setRequestHeader('Authorization', 'Bearer ' + session.bearer)
    request.setRequestHeader('Hither-Trace', newTrace())
    request.setRequestHeader('Content-Type', 'application/octet-stream')
    request.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total)
    request.onload = () => {
      if (request.status < 300) return resolve()
      if (request.status === 401) return reject(new UiError({ op: 'session' }, { signedOut: true }))
      reject(errorFromJson(request.responseText || request.statusText))
    }
    request.onerror = () => reject(new UiError({ op: 'image.upload', path: name, cause: 'offline' }))
    request.onabort = () => reject(new UiError({}, { cancelled: true }))
    signal.addEventListener('abort', () => request.abort(), { once: true })
    request.send(file)
  })
}
