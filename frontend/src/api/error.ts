import { Code, ConnectError } from '@connectrpc/connect'
import { ErrorSchema } from './gen/hither/v1/node_pb'

/** The causes of package fusion, and "" for any other. */
export type Cause =
  | 'not_found' | 'exists' | 'permission' | 'invalid' | 'unsupported' | 'offline' | 'unpaired' | 'busy' | ''

const CAUSES: readonly string[] = [
  'not_found', 'exists', 'permission', 'invalid', 'unsupported', 'offline', 'unpaired', 'busy',
]

interface Parts {
  op?: string
  path?: string
  cause?: string
  detail?: string
  hint?: string
}

/** fusion.Error as the page shows it: what, why, and what a person can do next. */
export class UiError extends Error {
  override name = 'UiError'
  readonly op: string
  readonly path: string
  override readonly cause: Cause
  readonly detail: string
  readonly hint: string
  /** The session is over: the page must be opened anew. */
  readonly signedOut: boolean
  /** The person cancelled it. */
  readonly cancelled: boolean
  /** Of what was done on several computers: what each that failed said; path is its ID. */
  readonly each: UiError[]

  constructor(parts: Parts, how: { signedOut?: boolean; cancelled?: boolean; each?: UiError[] } = {}) {
    super([parts.op, parts.path, parts.cause, parts.detail].filter(Boolean).join(': '))
    this.op = parts.op ?? ''
    this.path = parts.path ?? ''
    this.cause = CAUSES.includes(parts.cause ?? '') ? (parts.cause as Cause) : ''
    this.detail = parts.detail ?? ''
    this.hint = parts.hint ?? ''
    this.signedOut = how.signedOut ?? false
    this.cancelled = how.cancelled ?? false
    this.each = how.each ?? []
  }

  /** Trying again by itself would not help. */
  get final(): boolean {
    return this.signedOut || !['', 'offline', 'busy'].includes(this.cause)
  }

  /** Makes a UiError of anything that was thrown. */
  static from(thrown: unknown): UiError {
    if (thrown instanceof UiError) return thrown
    // Connect wraps what an interceptor throws.
    if (thrown instanceof ConnectError) return thrown.cause instanceof UiError ? thrown.cause : fromConnect(thrown)
    if (thrown instanceof DOMException && thrown.name === 'AbortError') return new UiError({}, { cancelled: true })
    if (thrown instanceof Error) return new UiError({ detail: thrown.message })
    // The desktop window's bindings throw the parts themselves.
    return typeof thrown === 'object' && thrown !== null ? new UiError(strings(thrown)) : new UiError({ detail: String(thrown) })
  }
}

const BY_CODE: Partial<Record<Code, Cause>> = {
  [Code.NotFound]: 'not_found',
  [Code.AlreadyExists]: 'exists',
  [Code.PermissionDenied]: 'permission',
  [Code.InvalidArgument]: 'invalid',
  [Code.Unimplemented]: 'unsupported',
  [Code.Unavailable]: 'offline',
  [Code.ResourceExhausted]: 'busy',
}

function fromConnect(e: ConnectError): UiError {
  const how = { signedOut: e.code === Code.Unauthenticated, cancelled: e.code === Code.Canceled }
  const [detail, ...others] = e.findDetails(ErrorSchema)
  const each = others.map((other) => new UiError(other))
  if (detail) return new UiError(detail, how.signedOut && detail.cause === 'unpaired' ? {} : { ...how, each })
  // fetch could not reach the node at all
  const gone = e.code === Code.Unknown && e.cause instanceof TypeError
  return new UiError({ cause: gone ? 'offline' : BY_CODE[e.code], detail: gone ? '' : e.rawMessage }, how)
}

function strings(value: object): Parts {
  const parts: Parts = {}
  for (const key of ['op', 'path', 'cause', 'detail', 'hint'] as const) {
    const part = (value as Record<string, unknown>)[key]
    if (typeof part === 'string') parts[key] = part
  }
  return parts
}

/** Reads an error as the node writes it outside Connect (uploads, /screen). */
export function errorFromJson(text: string): UiError {
  try {
    const value: unknown = JSON.parse(text)
    if (value && typeof value === 'object') return new UiError(strings(value))
  } catch {
    // not JSON: the text itself is the detail
  }
  return new UiError({ detail: text.slice(0, 300) })
}
