import type { CloneSpec, ImportSpec } from '../api/copies'
import type { Host, Machine } from '../api/model'
import { download } from '../platform/download'
import { about, type App } from './app.svelte'

/** Machines out of machines, and out of files and into them. */
export class Copies {
  constructor(
    private readonly app: App,
    private readonly save: (url: string, name: string) => void = download,
  ) {}

  clone(m: Machine, spec: CloneSpec): Promise<Machine | undefined> {
    const host = this.app.idOf(m.host)
    return this.app.tasks.run(
      { key: 'task.clone', params: { name: m.name, clone: spec.name } },
      about.machine(m),
      () => this.app.api.cloneMachine(host, m.name, spec),
      { job: { host, op: 'machine.clone', name: m.name } },
    )
  }

  setTemplate(m: Machine, on: boolean): Promise<Machine | undefined> {
    const key = on ? 'task.template' : 'task.untemplate'
    return this.app.tasks.run({ key, params: { name: m.name } }, about.machine(m), () =>
      this.app.api.setTemplate(this.app.idOf(m.host), m.name, on),
    )
  }

  /** Lets the host make the file; then the browser downloads it. */
  async export(m: Machine, format: 'qcow2' | 'ova'): Promise<void> {
    const host = this.app.idOf(m.host)
    const file = await this.app.tasks.run(
      { key: 'task.export', params: { name: m.name } },
      about.machine(m),
      () => this.app.api.exportMachine(host, m.name, format),
      { job: { host, op: 'machine.export', name: m.name } },
    )
    if (file) this.save(file.url, file.name)
  }

  import(host: Host, spec: ImportSpec, file: File): Promise<Machine | undefined> {
    return this.app.tasks.run(
      { key: 'task.import', params: { name: spec.name } },
      about.host(host),
      async (task) => {
        const progress = (part: number) => (task.progress = part < 1 ? part : null)
        return this.app.api.importMachine(host.id, spec, file, progress, task.abort.signal)
      },
      { canCancel: true, job: { host: host.id, op: 'machine.import', name: spec.name } },
    )
  }
}
