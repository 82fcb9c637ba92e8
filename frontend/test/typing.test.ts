import { beforeEach, describe, expect, it } from 'vitest'
import { attachTyping } from '../src/mirror/typing'
import { MAX_TYPED, Typist } from '../src/mirror/typist'
import { MAX_TEXT, say } from '../src/mirror/wire'

describe('a field that is written into', () => {
  let field: HTMLTextAreaElement
  let log: string[]
  beforeEach(() => {
    document.body.innerHTML = '<textarea></textarea>'
    field = document.querySelector('textarea')!
    log = []
    attachTyping(field, {
      send: (m) => log.push(Buffer.from(m).toString('hex')),
      active: () => true,
      type: (text) => log.push(text),
      composing: (on) => log.push(on ? 'begin' : 'end'),
    })
  })
  const input = (inputType: string, data: string | null = null, isComposing = false) =>
    field.dispatchEvent(new InputEvent('beforeinput', { inputType, data, isComposing, cancelable: true }))

  it('sends what an input method made, once', () => {
    field.dispatchEvent(new CompositionEvent('compositionstart'))
    expect(field.value).toBe('')
    input('insertCompositionText', 'ni', true)
    input('insertCompositionText', '你', true)
    field.dispatchEvent(new CompositionEvent('compositionend', { data: '你好' }))
    expect(log).toEqual(['begin', 'end', '你好'])
    expect(field.value).not.toContain('你')
  })
  it('sends nothing of a composition that was given up', () => {
    field.dispatchEvent(new CompositionEvent('compositionstart'))
    field.dispatchEvent(new CompositionEvent('compositionend', { data: '' }))
    expect(log).toEqual(['begin', 'end'])
  })
  it('sends what an on-screen keyboard writes and takes back', () => {
    expect(input('insertText', 'é')).toBe(false)
    input('deleteContentBackward')
    input('insertLineBreak')
    expect(log).toEqual(['é', '81000e01', '81000e00', '81001c01', '81001c00'])
  })
})

describe('text to be typed', () => {
  let said: string[]
  let typist: Typist
  beforeEach(() => {
    said = []
    typist = new Typist((text) => BigInt(said.push(text)))
  })
  it('goes at once when it is short', () => {
    expect([typist.type('a'), typist.type('b\r\nc')]).toEqual([true, true])
    expect(said).toEqual(['a', 'b\nc'])
  })
  it('goes piece by piece, each when the one before is typed', () => {
    const long = '世😀'.repeat(70)
    typist.type(long)
    expect(said.length).toBe(1)
    typist.pong(0n)
    expect(said.length).toBe(1)
    typist.pong(1n)
    typist.type('!')
    typist.pong(2n)
    typist.pong(3n)
    expect(said.join('')).toBe(long + '!')
    for (const piece of said) expect(say.text(piece).length).toBeLessThanOrEqual(1 + MAX_TEXT)
  })
  it('is refused when it is too long, and forgotten with its connection', () => {
    expect(typist.type('x'.repeat(MAX_TYPED + 1))).toBe(false)
    typist.type('x'.repeat(200))
    typist.reset()
    typist.pong(1n)
    expect(said.length).toBe(1)
  })
})
