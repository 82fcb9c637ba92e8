import { UiError } from '../api/error'
import type { Text } from '../i18n/i18n.svelte'

/** One thing a person asked for, from the click until it is done or dismissed. */
export class Task {
  state = $state<'running' | 'done' | 'failed'>('running')
  /** 0 to 1, null when nobody knows. */
  progress = $state<number | null>(null)
  error = $state.raw<UiError | null>(null)
  readonly abort = new AbortController()
  readonly id = crypto.randomUUID()
  /** The job of a host (its ID) that does it, once that is known. */
  job = $state.raw<{ host: string; op: string; name: string } | undefined>()

  constructor(
    readonly label: Text,
    /** What it is about: "machine:HOST/NAME". Its error is shown there. */
    readonly about: string,
    readonly canCancel: boolean,
    job?: Task['job'],
  ) {
    this.job = job
  }

  cancel(): void {
    this.abort.abort()
  }
}

/** What is under way, and what went wrong until it is dismissed. At most 50. */
export class Tasks {
  list = $state.raw<Task[]>([])
  running = $derived(this.list.filter((t) => t.state === 'running'))
  failed = $derived(this.list.filter((t) => t.state === 'failed'))
  /** Read aloud by a live region. */
  said = $state.raw<{ task: Task } | null>(null)

  /** Runs work as a task. Resolves to its result, or undefined when it failed: the task has the error. */
  async run<T>(
    label: Text,
    about: string,
    work: (task: Task) => Promise<T>,
    options: { canCancel?: boolean; job?: Task['job'] } = {},
  ): Promise<T | undefined> {
    const task = new Task(label, about, options.canCancel ?? false, options.job)
    const others = this.list.filter((t) => !(t.state === 'failed' && t.about === about && about !== ''))
    this.list = [...others.slice(-49), task]
    try {
      const result = await work(task)
      task.state = 'done'
      this.list = this.list.filter((t) => t !== task)
      this.said = { task }
      return result
    } catch (thrown) {
      this.fail(task, UiError.from(thrown))
      return undefined
    }
  }

  errorOf(about: string): Task | undefined {
    return this.failed.find((t) => t.about === about)
  }

  busy(about: string): boolean {
    return this.running.some((t) => t.about === about)
  }

  dismiss(task: Task): void {
    this.list = this.list.filter((t) => t !== task)
  }

  private fail(task: Task, error: UiError): void {
    if (error.cancelled) return this.dismiss(task)
    task.error = error
    task.state = 'failed'
    this.list = [...this.list]
    this.said = { task }
  }
}
