import { fromJson } from '@bufbuild/protobuf'
import { createClient, type Transport } from '@connectrpc/connect'
import { machine } from './convert'
import type { UiError } from './error'
import { CopyService } from './gen/hither/v1/copy_pb'
import { MachineSchema } from './gen/hither/v1/machine_pb'
import type { Machine, MachineSpec } from './model'
import type { Session } from './session'
import { send } from './upload'

export interface CloneSpec {
  name: string
  mode: 'full' | 'linked'
  start: boolean
}

export interface ImportSpec {
  name: string
  /** A file without any mark of a format is a raw disk. */
  raw: boolean
  start: boolean
}

export interface DeploySpec {
  /** IDs of computers that the machine's own is paired with. */
  to: string[]
  /** Machines on each. */
  count: number
  /** Names are PREFIX-1, PREFIX-2, … over all of them. */
  prefix: string
  start: boolean
}

/** What each machine of an image is to be. */
export type Shape = Omit<MachineSpec, 'name' | 'image' | 'iso' | 'start'>

/** A machine's file that waits to be downloaded. */
export interface ReadyFile {
  url: string
  name: string
}

/** The part of the Api about copies of machines; host is as in Api. */
export interface CopiesApi {
  cloneMachine(host: string, name: string, spec: CloneSpec): Promise<Machine>
  setTemplate(host: string, name: string, on: boolean): Promise<Machine>
  exportMachine(host: string, name: string, format: 'qcow2' | 'ova'): Promise<ReadyFile>
  /** Makes copies on several computers; of several calls with one key, one does. Its error has those of each. */
  deployMachine(host: string, name: string, spec: DeploySpec, key: string): Promise<Machine[]>
  /** Makes machines of an image of the host's pool on several computers, as deployMachine does; they keep the image. */
  deployImage(host: string, image: string, of: Shape, spec: DeploySpec, key: string): Promise<Machine[]>
  /** Sends a file of which the host makes a machine; progress is 0 to 1. */
  importMachine(host: string, spec: ImportSpec, file: File, progress: (part: number) => void, signal: AbortSignal): Promise<Machine>
}

export function copiesApi(session: Session, transport: Transport, fail: (thrown: unknown) => UiError): CopiesApi {
  const copies = createClient(CopyService, transport)
  return {
    cloneMachine: async (host, name, spec) => machine(await copies.clone({ host, machine: name, ...toClone(spec) })),
    setTemplate: async (host, name, on) => machine(await copies.setTemplate({ host, machine: name, on })),
    exportMachine: async (host, name, format) => {
      const ready = await copies.export({ host, machine: name, format })
      return { url: new URL('/copies/' + encodeURIComponent(ready.ticket), session.base).href, name: ready.name }
    },
    deployMachine: async (host, name, { to, count, prefix, start }, key) => {
      const made = await copies.deploy({ host, machine: name, to, count, prefix, start }, { headers: { 'Idempotency-Key': key } })
      return made.machines.map(machine)
    },
    deployImage: async (host, name, of, { to, count, prefix, start }, key) => {
      const made = await copies.deployImage(
        { host, name, to, count, prefix, start, of: { ...of, memoryBytes: BigInt(of.memoryBytes), diskBytes: BigInt(of.diskBytes), seed: of.seed ?? undefined } },
        { headers: { 'Idempotency-Key': key } },
      )
      return made.machines.map(machine)
    },
    importMachine: async (host, spec, file, progress, signal) => {
      const url = new URL('/copies/', session.base)
      url.search = new URLSearchParams({ host, name: spec.name, raw: String(spec.raw), start: String(spec.start) }).toString()
      try {
        const text = await send(session, 'POST', url, 'machine.import', spec.name, file, progress, signal)
        return machine(fromJson(MachineSchema, JSON.parse(text)))
      } catch (thrown) {
        throw fail(thrown)
      }
    },
  }
}

const toClone = ({ name, mode, start }: CloneSpec) => ({ name, mode, start })
