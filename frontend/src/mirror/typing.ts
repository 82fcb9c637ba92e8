import { evdev } from './keymap'
import { say } from './wire'

/** What a hidden field needs of a view. */
export interface TypingSink {
  send(message: Uint8Array<ArrayBuffer>): void
  active(): boolean
  type(text: string): void
  /** An input method is at work: what it makes is shown. */
  composing(on: boolean): void
}

/** What the field holds, so that an on-screen keyboard has something to take back. */
const FILLING = '__'
/** What on-screen keyboards say instead of keys (Input Events Level 2). */
const KEYS: Record<string, string> = {
  deleteContentBackward: 'Backspace',
  deleteContentForward: 'Delete',
  insertLineBreak: 'Enter',
  insertParagraph: 'Enter',
}

/**
 * Sends what an input method, dead keys or an on-screen keyboard write into a
 * field. The field never keeps it. Returns the way to end it.
 */
export function attachTyping(field: HTMLTextAreaElement, sink: TypingSink): () => void {
  const fill = () => {
    field.value = FILLING
    field.setSelectionRange(FILLING.length, FILLING.length)
  }
  const tap = (code: string) => {
    sink.send(say.key(evdev(code)!, true))
    sink.send(say.key(evdev(code)!, false))
  }
  const before = (e: InputEvent) => {
    if (e.isComposing || e.inputType === 'insertCompositionText') return
    e.preventDefault()
    if (!sink.active()) return
    const key = KEYS[e.inputType]
    if (key) tap(key)
    else if (e.data && e.inputType.startsWith('insert')) sink.type(e.data)
  }
  const begin = () => {
    field.value = ''
    sink.composing(true)
  }
  const end = (e: CompositionEvent) => {
    sink.composing(false)
    fill()
    if (e.data && sink.active()) sink.type(e.data)
  }
  const stop = new AbortController()
  const options = { signal: stop.signal }
  field.addEventListener('beforeinput', before, options)
  field.addEventListener('compositionstart', begin, options)
  field.addEventListener('compositionend', end, options)
  field.addEventListener('input', (e) => (e as InputEvent).isComposing || fill(), options)
  fill()
  return () => stop.abort()
}
