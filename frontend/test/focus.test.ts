import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { firstField, focusFirst, focusIfLost, keepFocus, trail } from '../src/ui/focus'

const put = (html: string) => (document.body.innerHTML = html)
const at = (id: string) => document.getElementById(id)!
const now = () => document.activeElement?.id

beforeEach(() => void put('<main id="main"><section id="part"><ul><li id="row"><button id="go">x</button></li><li id="other"></li></ul></section></main>'))
afterEach(() => void put(''))

describe('the keyboard’s place', () => {
  it('is known from near to far, and is nowhere on a page that has none', () => {
    expect(trail(at('go')).map((e) => e.id)).toEqual(['go', 'row', 'part', 'main'])
    expect(trail(document.body)).toEqual([])
    expect(trail(null)).toEqual([])
  })

  it('goes back to what had it, else to what is around it and can be left again', () => {
    const way = trail(at('go'))
    focusFirst(way)
    expect(now()).toBe('go')
    at('row').remove()
    focusFirst(way)
    expect(now()).toBe('part')
    expect(at('part').tabIndex).toBe(-1)
    at('part').blur()
    expect(at('part').hasAttribute('tabindex')).toBe(false)
  })

  it('is not taken from what has it, nor by what cannot have it', () => {
    const way = trail(at('go'))
    at('other').innerHTML = '<button id="mine">y</button>'
    at('mine').focus()
    focusIfLost(way)
    expect(now()).toBe('mine')
    at('mine').blur()
    at('go').setAttribute('disabled', '')
    focusIfLost(way)
    expect(now()).toBe('row')
  })

  it('is kept when what had it goes away, but not after a click beside everything', async () => {
    const end = keepFocus()
    at('go').focus()
    at('row').remove()
    await vi.waitFor(() => expect(now()).toBe('part'))
    put('<main id="main"><button id="go">x</button></main>')
    at('go').focus()
    document.body.dispatchEvent(new Event('pointerdown', { bubbles: true }))
    at('go').remove()
    await new Promise((resolve) => setTimeout(resolve))
    expect(document.activeElement).toBe(document.body)
    end()
  })

  it('is given back to what was disabled for a while', async () => {
    const end = keepFocus()
    at('go').focus()
    at('go').setAttribute('disabled', '')
    await new Promise((resolve) => setTimeout(resolve))
    at('go').blur() // as browsers do
    at('go').removeAttribute('disabled')
    await vi.waitFor(() => expect(now()).toBe('go'))
    end()
  })

  it('begins at a field, and of a choice at what is chosen', () => {
    put('<div id="box"><button>a</button><input type="file"><input type="radio" name="n" id="one"><input type="radio" name="n" id="two" checked></div>')
    expect(firstField(at('box'))?.id).toBe('two')
    put('<div id="box"><button>a</button></div>')
    expect(firstField(at('box'))).toBe(null)
  })
})
