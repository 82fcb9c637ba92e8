import { timestampFromDate } from '@bufbuild/protobuf/wkt'
import { createClient, type Transport } from '@connectrpc/connect'
import { date } from './convert'
import type { UiError } from './error'
import { AuditService, type AuditRecord as PbRecord } from './gen/hither/v1/audit_pb'
import { HostService } from './gen/hither/v1/node_pb'

/** One record of a computer's audit log: what another computer, or its owner, did there. */
export interface Deed {
  seq: number
  time: Date | null
  /** The computer that did it, "" for the owner there, and its name then. */
  host: string
  name: string
  stranger: boolean
  what: string
  object: string
  detail: string
  result: string
  error: string
  /** How many there were, of records that stand for several; else 0. */
  times: number
  milliseconds: number
  bytesIn: number
  bytesOut: number
}

export interface Deeds {
  /** Oldest first. */
  records: Deed[]
  more: boolean
  /** The log is complete from there. */
  from: Date | null
}

/** What the chain of a log says; bad is the first record that does not fit. */
export interface Verdict {
  records: number
  from: Date | null
  last: Date | null
  hash: string
  bad: string
}

/** Something that another computer has open here. */
export interface Session {
  id: string
  host: string
  name: string
  what: string
  object: string
  viewOnly: boolean
  since: Date | null
}

/** What a computer tried here and was not granted; grant is CAP or CAP@OBJECT. */
export interface AccessRequest {
  id: string
  host: string
  name: string
  grant: string
  what: string
  last: Date | null
  times: number
}

/** The part of Api about who did what here, and who may. */
export interface TrustApi {
  /** The records before one, 0 for the newest; of is a computer's ID, "" for all. */
  deeds(of: string, before: number, limit: number): Promise<Deeds>
  /** Each record after one as it is written. */
  deedsAfter(of: string, after: number, signal: AbortSignal): AsyncIterable<Deed>
  verifyDeeds(): Promise<Verdict>
  /** Ends what another computer has open here. */
  endSession(id: string): Promise<void>
  /** Grants what a computer asked for, until a time or for good, or refuses it. */
  answerRequest(id: string, grant: boolean, until: Date | null): Promise<void>
}

const deed = (r: PbRecord): Deed => ({
  seq: Number(r.seq), time: date(r.time), host: r.host, name: r.name, stranger: r.stranger, what: r.what, object: r.object, detail: r.detail,
  result: r.result, error: r.error, times: Number(r.times), milliseconds: Number(r.milliseconds), bytesIn: Number(r.bytesIn), bytesOut: Number(r.bytesOut),
})

/** TrustApi over Connect. */
export function trustApi(transport: Transport, fail: (thrown: unknown) => UiError): TrustApi {
  const audits = createClient(AuditService, transport)
  const hosts = createClient(HostService, transport)
  return {
    deeds: async (of, before, limit) => {
      const answer = await audits.list({ of, before: BigInt(before), limit })
      return { records: answer.records.map(deed), more: answer.more, from: date(answer.fromTime) }
    },
    async *deedsAfter(of, after, signal) {
      try {
        for await (const r of audits.follow({ of, after: BigInt(after) }, { signal })) yield deed(r)
      } catch (thrown) {
        throw fail(thrown)
      }
    },
    verifyDeeds: async () => {
      const { records, fromTime, lastTime, hash, bad } = await audits.verify({})
      return { records: Number(records), from: date(fromTime), last: date(lastTime), hash, bad }
    },
    endSession: async (id) => void (await audits.end({ id })),
    answerRequest: async (id, grant, until) =>
      void (await hosts.answer({ id, grant, ...(until ? { until: timestampFromDate(until) } : {}) })),
  }
}
