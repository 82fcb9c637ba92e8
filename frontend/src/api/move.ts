import type { MigrateCheck as PbCheck } from './gen/hither/v1/machine_pb'

/** Why a machine cannot move to a computer as it is; live: only while it runs. */
export interface Obstacle {
  detail: string
  hint: string
  live: boolean
}

/** What is known of a move before it begins. */
export interface MoveCheck {
  /** What is to be copied. */
  bytes: number
  obstacles: Obstacle[]
}

export function moveCheck(c: PbCheck): MoveCheck {
  return { bytes: Number(c.bytes), obstacles: c.obstacles.map(({ detail, hint, live }) => ({ detail, hint, live })) }
}
