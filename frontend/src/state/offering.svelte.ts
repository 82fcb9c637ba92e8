import type { Api } from '../api/api'
import { UiError } from '../api/error'
import type { Host, Offer } from '../api/model'

/**
 * One open pairing code, from its making until it is used, expired or closed.
 * close withdraws it; done is called once with the host that used it.
 */
export class Offering {
  code = $state('')
  addr = $state('')
  /** What a computer elsewhere enters, and the router that it finds this one by; empty without a router. */
  far = $state('')
  router = $state('')
  expires = $state.raw<Date | null>(null)
  /** Seconds that are left. */
  left = $state(0)
  /** It ended without a partner. */
  over = $state(false)
  error = $state.raw<UiError | null>(null)
  private readonly stop = new AbortController()
  private timer: ReturnType<typeof setInterval> | undefined

  constructor(api: Pick<Api, 'offer'>, grants: string[], done: (host: Host) => void) {
    void this.run(api, grants, done)
  }

  close(): void {
    clearInterval(this.timer)
    this.stop.abort()
  }

  private async run(api: Pick<Api, 'offer'>, grants: string[], done: (host: Host) => void): Promise<void> {
    try {
      for await (const step of api.offer(grants, this.stop.signal)) {
        if (step.host) return done(step.host)
        if (step.code) this.show(step)
      }
      this.over = true
    } catch (thrown) {
      const error = UiError.from(thrown)
      if (this.stop.signal.aborted || error.cancelled) return
      if (this.expires && this.expires.getTime() <= Date.now()) this.over = true
      else this.error = error
    } finally {
      clearInterval(this.timer)
    }
  }

  private show({ code, addr, through, router, expires }: Offer): void {
    this.code = code
    this.addr = addr
    this.far = through && `${code}@${through}`
    this.router = router
    this.expires = expires
    const tick = () => {
      this.left = Math.max(0, Math.round(((expires?.getTime() ?? 0) - Date.now()) / 1000))
    }
    tick()
    clearInterval(this.timer)
    this.timer = setInterval(tick, 1000)
  }
}
