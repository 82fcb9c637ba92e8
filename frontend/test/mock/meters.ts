// Measurements of the machines of the mock node: of the running ones a day, with gaps.
import { timestampFromMs } from '@bufbuild/protobuf/wkt'
import type { ConnectRouter } from '@connectrpc/connect'
import { MeterService } from '../../src/api/gen/hither/v1/meter_pb'
import * as world from './world'

const flat = (avg: number, spread = 0.2) => ({ min: avg * (1 - spread), avg, max: avg * (1 + spread) })

function point(machine: string, at: number, step: number) {
  const m = world.machines.find((x) => x.name === machine)
  const wave = (period: number, phase = 0) => 0.5 + 0.5 * Math.sin(at / period + phase)
  const burst = Math.sin(at / 47) > 0.6 ? 1 : 0.08
  return {
    at: timestampFromMs(at * 1000),
    samples: step,
    cpu: flat(Math.min(0.85, 0.12 + 0.35 * wave(900) + 0.3 * burst), 0.15),
    memory: flat(Number(m?.memoryBytes ?? 0n) * (0.4 + 0.15 * wave(4000)), 0.05),
    diskRead: flat(3e6 * burst * wave(31)),
    diskWrite: flat(9e6 * burst * wave(53, 1)),
    netIn: flat(4e5 * wave(120) * wave(17)),
    netOut: flat(9e4 * wave(71) * wave(11)),
  }
}

/** Nobody looked for a while, twice. */
const gap = (share: number) => (share > 0.3 && share < 0.38) || (share > 0.7 && share < 0.72)

let always = false

export function meters(router: ConnectRouter): void {
  const runs = (name: string) => world.machines.some((m) => m.name === name && m.state === 'running')
  router.service(MeterService, {
    history: ({ machine, from, to, points }) => {
      const [first, last] = [Number(from!.seconds), Number(to!.seconds)]
      const step = Math.max(1, Math.ceil((last - first) / points))
      const list = []
      for (let at = Math.ceil(first / step) * step; runs(machine) && at < last; at += step) {
        if (!gap((at - first) / (last - first))) list.push(point(machine, at, step))
      }
      return { from, to, stepSeconds: step, points: list, always }
    },
    async *watch({ machine }, { signal }) {
      while (!signal.aborted) {
        if (runs(machine)) yield point(machine, Math.floor(Date.now() / 1000), 1)
        await new Promise((resolve) => setTimeout(resolve, 1000))
      }
    },
    keep: (request) => {
      always = request.always
      return {}
    },
  })
}
