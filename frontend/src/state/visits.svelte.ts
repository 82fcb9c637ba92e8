import type { Api } from '../api/api'
import type { Host } from '../api/model'
import type { AccessRequest, Session } from '../api/trust'
import type { Hosts } from './hosts.svelte'
import { Table } from './table.svelte'
import type { Tasks } from './tasks.svelte'

export const aboutVisit = {
  session: (id: string) => `session:${id}`,
  request: (id: string) => `request:${id}`,
}

/** What a session is, for people. */
export type Visit = 'view' | 'control' | 'console' | 'tunnel' | 'stream'

export function visitOf(s: Session): Visit {
  if (s.what === '/screen' || s.what.startsWith('ScreenService/')) return s.viewOnly ? 'view' : 'control'
  if (s.what === '/terminal' || s.what.startsWith('TerminalService/')) return 'console'
  return s.what.startsWith('/hither/tunnel') ? 'tunnel' : 'stream'
}

/** What other computers have open on this one, and what they ask for. */
export class Visits {
  readonly sessions = new Table<Session>((s) => s.id)
  readonly requests = new Table<AccessRequest>((r) => r.id)

  constructor(
    private readonly api: Pick<Api, 'endSession' | 'answerRequest'>,
    private readonly tasks: Tasks,
    private readonly hosts: Hosts,
  ) {}

  /** Those that somebody looks or types through, oldest first. */
  watched = $derived(this.sorted().filter((s) => ['view', 'control', 'console'].includes(visitOf(s))))
  asked = $derived(this.requests.all.sort((a, b) => a.id.localeCompare(b.id)))

  private sorted(): Session[] {
    return this.sessions.all.sort((a, b) => (a.since?.getTime() ?? 0) - (b.since?.getTime() ?? 0))
  }

  of(host: Host): Session[] {
    return this.sorted().filter((s) => s.host === host.id)
  }

  /** A computer that was forgotten meanwhile is known by its name then. */
  hostOf(x: { host: string; name: string }): { name: string; host: Host | undefined } {
    const host = this.hosts.find(x.host)
    return { name: host?.name ?? x.name, host }
  }

  end(s: Session): Promise<void> {
    return this.tasks.run({ key: 'task.endVisit', params: { name: this.hostOf(s).name } }, aboutVisit.session(s.id), () => this.api.endSession(s.id))
  }

  answer(r: AccessRequest, grant: boolean, until: Date | null = null): Promise<void> {
    const key = grant ? 'task.grant' : 'task.refuse'
    return this.tasks.run({ key, params: { name: this.hostOf(r).name } }, aboutVisit.request(r.id), () => this.api.answerRequest(r.id, grant, until))
  }
}
