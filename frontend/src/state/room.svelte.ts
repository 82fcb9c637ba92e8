import type { Resources } from '../api/model'
import { bytes } from '../i18n/format'
import { t } from '../i18n/i18n.svelte'
import type { App } from './app.svelte'

/** What each computer has free, asked once; without an answer nothing is said. */
export class Room {
  private known = $state.raw(new Map<string, Resources>())

  constructor(app: App, memoryBytes: number) {
    // Without a name it is only looked.
    const question = { name: '', iso: '', image: '', seed: null, network: '', start: false, unattended: false, memoryBytes, cpus: 1, diskBytes: 0, firmware: 'bios' as const, tpm: false }
    void app.ask(() => app.computers.place(question)).then((got) => {
      if ('value' in got) this.known = new Map(got.value.candidates.flatMap(({ id, resources }) => (resources ? [[id, resources] as const] : [])))
    })
  }

  /** Of a computer's ID, in words. */
  note(id: string): string {
    const r = this.known.get(id)
    return r ? t('room.free', { memory: bytes(r.freeBytes), disk: bytes(r.poolBytes) }) : ''
  }

  /** What it has, where it said that. */
  of(id: string): Resources | undefined {
    return this.known.get(id)
  }

  /** What some computer has, where one is chosen. */
  get some(): Resources[] {
    return [...this.known.values()]
  }

  /** Bytes of disk, or undefined where nobody knows. */
  disk(id: string): number | undefined {
    return this.known.get(id)?.poolBytes
  }

  /** Bytes of memory; where nobody knows, enough. */
  memory(id: string): number {
    return this.known.get(id)?.freeBytes ?? Infinity
  }
}
