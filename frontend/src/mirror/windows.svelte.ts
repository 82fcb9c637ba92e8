import { SvelteMap } from 'svelte/reactivity'
import { Memory } from './memory'
import { Pane } from './pane.svelte'
import type { Audience } from './player'
import { say, WireError, type HostMessage } from './wire'
import { ACTIVE, MAXIMIZED, MINIMIZED, MODAL, POPUP, sayWindow, type Told, type WindowMessage } from './wirewindows'

/** What bounds a host, as in a native view. */
const MAX_WINDOWS = 128
/** How long the host may take to tell of a window again, and the person's choice stands against its focus. */
const PATIENCE_MS = 3000

/** What the windows need of their view. */
export interface View {
  send(message: Uint8Array<ArrayBuffer>): void
  readonly viewOnly: boolean
  readonly keepsUp: boolean
}

/**
 * The windows of an app, as the host tells of them (docs/wire.md, Windows of an
 * app): those without a parent are tabs, of which one is chosen, and the others
 * stand over their parent. begin opens a view of them, lost says that it is
 * gone; windows stay for the next one.
 */
export class Windows {
  readonly panes = new SvelteMap<number, Pane>()
  /** The tab that is shown, 0 for none. */
  chosen = $state(0)
  /** Pixels that the host's desktop has, and of the bar that a dialog has here. */
  desk = $state.raw({ width: 0, height: 0, bar: 0 })
  /** Whether windows fill the desk. */
  filling = $state(true)
  private readonly memory = new Memory()
  private audience: Audience | null = null
  private video = false
  private over = 0
  private on: Pane | null = null
  /** The window that this person gave the focus just now. */
  private asked: { id: number; until: number } | null = null
  /** The person closed a window. */
  private shutting = false
  private timers = new Set<ReturnType<typeof setTimeout>>()

  constructor(private readonly view: View) {}

  /** The windows that are tabs, oldest first. */
  get tabs(): Pane[] {
    return [...this.panes.values()].filter((p) => !p.is(POPUP) && this.root(p) === p).sort((a, b) => a.id - b.id)
  }

  get shown(): Pane | undefined {
    return this.panes.get(this.chosen)
  }

  /** The window at whose tab another one is shown. A popup of no other belongs to the tab that is chosen. */
  root(p: Pane): Pane {
    const seen = new Set<Pane>()
    for (let at = p; ; ) {
      seen.add(at)
      const parent = this.panes.get(at.told.parent)
      if (!parent) return at.is(POPUP) ? (this.shown ?? at) : at
      if (seen.has(parent)) return [...seen].reduce((a, b) => (b.id < a.id ? b : a)) // the host speaks nonsense
      at = parent
    }
  }

  /** A tab's windows from below to above: itself, dialogs, the active one of them last, popups. */
  family(root: Pane): Pane[] {
    const rank = (p: Pane) => (p === root ? 0 : p.is(POPUP) ? 3 : p.is(ACTIVE) ? 2 : 1)
    return [...this.panes.values()]
      .filter((p) => this.root(p) === root && (p === root || !p.is(MINIMIZED)))
      .sort((a, b) => rank(a) - rank(b) || a.id - b.id)
  }

  /** The window that keys are for: the active one of the tab, else what is above in it. */
  get focus(): Pane | undefined {
    if (!this.shown) return undefined
    const all = this.family(this.shown).filter((p) => !p.is(POPUP))
    return all.find((p) => p.is(ACTIVE)) ?? all.findLast((p) => p.is(MODAL)) ?? all.at(-1)
  }

  /** A view was opened. Windows of the one before wait to be told of again. */
  begin(audience: Audience, video: boolean): void {
    this.audience = audience
    this.video = video
    this.over = 0
    this.on = null
    if (this.desk.width > 0) this.view.send(sayWindow.desk(this.desk.width, this.desk.height))
    if (this.panes.size > 0) this.later(() => this.sweep())
  }

  /** The view is gone, and popups with it. */
  lost(): void {
    for (const t of this.timers) clearTimeout(t)
    this.timers.clear()
    this.on = null
    for (const p of [...this.panes.values()]) {
      p.lost()
      if (p.is(POPUP)) this.remove(p)
    }
  }

  /** The person leaves: windows are no longer as large as this page. */
  leave(): void {
    for (const p of this.panes.values()) this.fill(p, false)
  }

  close(): void {
    this.lost()
    for (const p of this.panes.values()) p.close()
    this.panes.clear()
  }

  take(m: WindowMessage): void {
    switch (m.type) {
      case 'on':
        this.on = this.panes.get(m.id) ?? null
        break
      case 'window':
        this.tell(m.window)
        break
      case 'gone': {
        const p = this.panes.get(m.id)
        if (p) this.remove(p)
        break
      }
      case 'icon':
        this.panes.get(m.id)?.setIcon(m.png)
    }
  }

  /** Takes a part of a frame; one of a window that is gone is dropped. */
  part(m: HostMessage & { type: 'part' }): void {
    this.on?.part(m)
  }

  /** Sends what concerns a window; 0 is beside all of them. */
  about(id: number, ...messages: Uint8Array<ArrayBuffer>[]): void {
    if (this.over !== id) this.view.send(sayWindow.over(id))
    this.over = id
    for (const m of messages) this.view.send(m)
  }

  /** Sends keys or text to the window that has the focus. */
  keys(message: Uint8Array<ArrayBuffer>): void {
    this.about(this.focus?.id ?? this.over, message)
  }

  /** Sends a place of the pointer in a window; dropped when the connection does not keep up. */
  point(p: Pane, x: number, y: number): void {
    if (this.view.keepsUp) this.about(p.id, say.pointer(x, y))
  }

  /** The person chose a tab. */
  choose(p: Pane): void {
    this.chosen = p.id
    const target = this.family(p).findLast((q) => q.is(MODAL)) ?? p
    if (this.view.viewOnly || (target.is(ACTIVE) && !p.is(MINIMIZED) && !this.asked)) return
    this.asked = { id: target.id, until: Date.now() + PATIENCE_MS }
    if (p.is(MINIMIZED)) this.view.send(sayWindow.state(p.id, MINIMIZED, 0))
    this.view.send(sayWindow.state(target.id, ACTIVE, ACTIVE))
  }

  /** The person closes a window; its app may ask something first. */
  shut(p: Pane): void {
    if (this.view.viewOnly) return
    this.shutting = p.closing = true
    if (!p.stale) this.view.send(sayWindow.shut(p.id)) // else when the host tells of it: before, it would not know it
  }

  /** The person moved a window to a place of the desk. */
  move(p: Pane, x: number, y: number): void {
    p.move(x, y)
    this.view.send(sayWindow.place(p.id, x, y, p.told.width, p.told.height))
  }

  /** The area has another size, in pixels of the host. */
  setDesk(width: number, height: number, bar: number): void {
    if (width === this.desk.width && height === this.desk.height) return
    this.desk = { width, height, bar }
    this.view.send(sayWindow.desk(width, height))
  }

  setFilling(on: boolean): void {
    this.filling = on
    for (const p of this.tabs) this.fill(p, on)
  }

  private tell(told: Told): void {
    const known = this.panes.get(told.id)
    if (!known && this.panes.size >= MAX_WINDOWS) throw new WireError('the app has too many windows')
    const p = known ?? new Pane(told, this.memory)
    const wasActive = known !== undefined && !known.stale && known.is(ACTIVE)
    const begins = !known || known.stale
    p.tell(told)
    if (!known) this.panes.set(told.id, p)
    if (begins) p.begin(this.audienceOf(p), this.video)
    if (begins && !p.is(POPUP)) this.settle(p)
    if (begins && p.closing) this.view.send(sayWindow.shut(p.id))
    if (p.is(ACTIVE) && !wasActive) this.activated(p, !known)
    if (!this.shown) this.chosen = this.root(p).id
  }

  /** Where a window stands: all over the desk, in its middle, or as large as there is room over its parent. */
  private settle(p: Pane): void {
    const { x, y, width, height } = p.told
    const { desk } = this
    if (this.view.viewOnly || p.filled) return
    if (this.root(p) !== p) {
      const fits = { width: Math.min(width, desk.width), height: Math.min(height, desk.height - desk.bar) }
      if (fits.width < width || fits.height < height) this.view.send(sayWindow.place(p.id, Math.max(x, 0), Math.max(y, desk.bar), fits.width, fits.height))
    } else if (this.filling && p.fills) {
      this.fill(p, true)
    } else {
      const [left, top] = [Math.max(0, (desk.width - width) >> 1), Math.max(0, (desk.height - height) >> 1)]
      if (left !== x || top !== y) this.view.send(sayWindow.place(p.id, left, top, width, height))
    }
  }

  private fill(p: Pane, on: boolean): void {
    if (this.view.viewOnly || on === p.is(MAXIMIZED) || (on ? !p.fills : !p.filled)) return
    p.filled = on
    this.view.send(sayWindow.state(p.id, MAXIMIZED, on ? MAXIMIZED : 0))
  }

  /** The host gave a window the focus: its tab is shown, unless the person chose another one just now. */
  private activated(p: Pane, fresh: boolean): void {
    if (p.id === this.asked?.id) this.asked = null
    else if (this.asked && !fresh && Date.now() < this.asked.until) return
    if (!p.is(POPUP)) this.chosen = this.root(p).id
  }

  private audienceOf(p: Pane): Audience {
    const audience = this.audience!
    return {
      shown: (seq, update) => {
        this.about(p.id, say.ack(seq))
        audience.shown(seq, update)
      },
      failed: (error) => audience.failed(error),
    }
  }

  private remove(p: Pane): void {
    const tabs = this.tabs
    const at = tabs.indexOf(p)
    this.panes.delete(p.id)
    p.close()
    if (this.on === p) this.on = null
    if (this.chosen === p.id) {
      const active = [...this.panes.values()].find((q) => q.is(ACTIVE) && !q.is(POPUP))
      const next = active ? this.root(active) : (tabs[at + 1] ?? tabs[at - 1])
      this.chosen = 0
      if (next && this.panes.has(next.id)) this.choose(next)
    }
    if (this.shutting && this.tabs.length === 0) this.later(() => this.tabs.length === 0 && this.view.send(say.bye()))
  }

  /** Removes the windows that the host did not tell of again. */
  private sweep(): void {
    for (const p of [...this.panes.values()]) if (p.stale) this.remove(p)
  }

  private later(what: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer)
      what()
    }, PATIENCE_MS)
    this.timers.add(timer)
  }
}
