import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import { createClient, type Transport } from '@connectrpc/connect'
import type { Api } from './api'
import { date } from './convert'
import type { UiError } from './error'
import { MeterService, type MeterPoint as PbPoint, type MeterRange } from './gen/hither/v1/meter_pb'
import type { MeterPoint, Range } from './model'

/** The part of the Api about measurements. */
export function meterApi(transport: Transport, fail: (thrown: unknown) => UiError): Pick<Api, 'history' | 'measured' | 'measureAlways'> {
  const meters = createClient(MeterService, transport)
  return {
    history: async (host, machine, from, to, points) => {
      const h = await meters.history({ host, machine, from: timestampFromMs(from), to: timestampFromMs(to), points })
      return { stepSeconds: h.stepSeconds, always: h.always, points: h.points.map(point) }
    },
    async *measured(host, machine, signal) {
      try {
        for await (const p of meters.watch({ host, machine }, { signal })) yield point(p)
      } catch (thrown) {
        throw fail(thrown)
      }
    },
    measureAlways: async (host, always) => void (await meters.keep({ host, always })),
  }
}

const range = (r: MeterRange | undefined): Range | null => (r ? { min: r.min, avg: r.avg, max: r.max } : null)

function point(p: PbPoint): MeterPoint {
  return {
    at: Math.floor((date(p.at)?.getTime() ?? 0) / 1000),
    samples: p.samples,
    cpu: range(p.cpu), memory: range(p.memory), diskRead: range(p.diskRead), diskWrite: range(p.diskWrite),
    netIn: range(p.netIn), netOut: range(p.netOut),
  }
}
