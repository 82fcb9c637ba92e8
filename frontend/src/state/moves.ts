import type { UiError } from '../api/error'
import type { MoveCheck, Obstacle } from '../api/move'

/** What is known of a move before it. */
export interface Verdict {
  /** off: it must be shut down first. */
  how: 'asking' | 'live' | 'off' | 'never'
  obstacles: Obstacle[]
  /** About how much is to be copied; null where nobody says. */
  bytes: number | null
  /** Why nothing could be found out. The move itself may still be tried. */
  error: UiError | null
}

/** Reads what a host answered, or did not yet. */
export function verdict({ value, error }: { value: MoveCheck | null; error: UiError | null }): Verdict {
  const obstacles = value?.obstacles ?? []
  const how = obstacles.length === 0 ? (value || error ? 'live' : 'asking') : obstacles.every((o) => o.live) ? 'off' : 'never'
  // A release that cannot tell says nothing; the move itself will.
  return { how, obstacles, bytes: value?.bytes ?? null, error: error && error.cause !== 'unsupported' ? error : null }
}
