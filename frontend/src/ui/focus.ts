/** What can hold the keyboard's place when a control in it is gone. */
const AROUND = 'li, tr, form, article, section, aside, nav, header, main, dialog, [role=toolbar], [role=tabpanel]'

/** A node and what is around it, from near to far; none for the page itself. */
export function trail(node: Element | null): HTMLElement[] {
  const all: HTMLElement[] = []
  for (let at = node; at && at !== document.body; at = at.parentElement) {
    if (at === node || at.matches(AROUND)) all.push(at as HTMLElement)
  }
  return all
}

const lost = () => document.activeElement === null || document.activeElement === document.body

/**
 * Gives the focus to the first of a trail that is still there and takes it. But for the
 * first one it is what is around, and no control: what is typed at that moment does
 * nothing, and Tab goes on from there.
 */
export function focusFirst(trail: HTMLElement[]): void {
  for (const [i, at] of trail.entries()) {
    if (!at.isConnected) continue
    const lent = i > 0 && !at.hasAttribute('tabindex')
    if (lent) at.tabIndex = -1
    at.focus({ preventScroll: true })
    if (document.activeElement === at) {
      if (lent) at.addEventListener('blur', () => at.removeAttribute('tabindex'), { once: true })
      return
    }
    if (lent) at.removeAttribute('tabindex')
  }
}

/** As focusFirst, if nothing has the focus. */
export function focusIfLost(trail: HTMLElement[]): void {
  if (lost()) focusFirst(trail)
}

/** The first thing to fill in or to choose; of a choice what is chosen. */
export function firstField(root: HTMLElement): HTMLElement | null {
  const first = root.querySelector<HTMLElement>('input:enabled:not([type=file]), select:enabled, textarea:enabled')
  if (!(first instanceof HTMLInputElement) || first.type !== 'radio') return first
  return root.querySelector<HTMLElement>('input[type=radio]:enabled:checked') ?? first
}

/**
 * Keeps the keyboard's place until the returned function is called: when what has the
 * focus goes away, what was around it takes it, and what is disabled for a while has it again
 * afterwards. Browsers would begin at the page's top.
 */
export function keepFocus(): () => void {
  let last: HTMLElement[] = []
  /** Had the focus until it was disabled. */
  let waiting: HTMLElement | null = null
  const came = (e: FocusEvent) => {
    last = trail(e.target as Element)
    waiting = null
  }
  // A click beside everything leaves the page without a focus, and is meant so.
  const pressed = () => {
    last = []
    waiting = null
  }
  const gone = new MutationObserver((changes) => {
    if (changes.some((c) => c.type === 'attributes' && c.target === last[0]) && last[0]!.matches(':disabled')) waiting = last[0]!
    if (waiting?.isConnected && waiting.matches(':enabled') && lost()) return waiting.focus({ preventScroll: true })
    if (last.length === 0 || last[0]!.isConnected || !lost()) return
    const was = last
    last = []
    focusFirst(was)
  })
  gone.observe(document.body, { childList: true, subtree: true, attributeFilter: ['disabled'] })
  document.addEventListener('focusin', came)
  document.addEventListener('pointerdown', pressed, { capture: true })
  return () => {
    gone.disconnect()
    document.removeEventListener('focusin', came)
    document.removeEventListener('pointerdown', pressed, { capture: true })
  }
}
