import { fireEvent, render, screen as page } from '@testing-library/svelte'
import axe from 'axe-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { i18n } from '../src/i18n/i18n.svelte'
import { CaptureError, cannotSpeak, reasonOf, type Listener } from '../src/mirror/capture'
import { Gate } from '../src/mirror/gate'
import MicButton from '../src/mirror/MicButton.svelte'
import MicMark from '../src/mirror/MicMark.svelte'
import { Microphone } from '../src/mirror/microphone.svelte'

const speaking = (state: 'off' | 'on' | 'failed', text = '') => ({ type: 'speaking', state, text }) as const
const hex = (m: Uint8Array) => Buffer.from(m).toString('hex')

describe('what of a microphone is sent', () => {
  it('is no silence', () => {
    const gate = new Gate()
    const frame = (v: number) => gate.take(new Float32Array(480).fill(v))
    expect(frame(0)).toBeNull()
    expect(frame(1 / 32768)).toBeNull() // noise of the last bit
    expect(frame(0.5)).toEqual({ ends: false })
    for (let n = 1; n < 20; n++) expect(frame(0)).toEqual({ ends: false })
    expect(frame(0)).toEqual({ ends: true })
    expect(frame(0)).toBeNull()
    expect(frame(-0.5)).toEqual({ ends: false })
  })
})

describe('the microphone of a view', () => {
  let said: string[]
  let mic: Microphone
  let listener: Listener
  let closed: number
  let open: (to: Listener) => Promise<{ close(): void }>
  beforeEach(() => {
    said = []
    closed = 0
    open = async (to) => {
      listener = to
      return { close: () => closed++ }
    }
    mic = new Microphone((to) => open(to))
    mic.of({ send: (m) => said.push(hex(m)), keepsUp: true })
    mic.begin()
    mic.take(speaking('off')) // the host lets it speak
  })
  const turnOn = async () => {
    mic.toggle()
    await vi.waitFor(() => expect(said).toContain('a201'))
    mic.take(speaking('on'))
    said = []
  }

  it('is allowed by the host, and off at first', () => {
    expect([mic.allowed, mic.state, said]).toEqual([true, 'off', []])
    expect(new Microphone().allowed).toBe(false)
  })
  it('sends what it hears once the host says that it is on', async () => {
    mic.toggle()
    await vi.waitFor(() => expect(said).toEqual(['a201']))
    listener.packet(Uint8Array.of(7), false)
    expect([mic.state, said]).toEqual(['asking', ['a201']])
    mic.take(speaking('on'))
    listener.packet(Uint8Array.of(8), false)
    listener.packet(Uint8Array.of(9), true)
    expect([mic.state, said.slice(1)]).toEqual(['on', ['a000000008', 'a000010109']])
    mic.toggle()
    listener.packet(Uint8Array.of(9), true)
    expect([mic.state, closed, said.slice(3)]).toEqual(['off', 1, ['a200']])
  })
  it('gives nothing to a host that turns it on unasked', () => {
    mic.take(speaking('on'))
    expect([mic.state, said]).toEqual(['off', ['a200']])
  })
  it('drops what the connection does not carry', async () => {
    mic.of({ send: (m) => said.push(hex(m)), keepsUp: false })
    await turnOn()
    listener.packet(Uint8Array.of(8), false)
    expect(said).toEqual([])
  })
  it('goes on when the view is opened anew', async () => {
    await turnOn()
    mic.lost()
    listener.packet(Uint8Array.of(8), false)
    expect([mic.state, said]).toEqual(['asking', []])
    mic.begin()
    mic.take(speaking('off'))
    mic.take(speaking('on'))
    listener.packet(Uint8Array.of(8), false)
    expect([mic.state, closed, said]).toEqual(['on', 0, ['a201', 'a000000008']])
  })
  it('is off when the view ends', async () => {
    await turnOn()
    mic.of(null)
    expect([mic.state, mic.allowed, closed, said]).toEqual(['off', false, 1, ['a200']])
  })
  it('is off when the host turns it off, or refuses', async () => {
    await turnOn()
    mic.take(speaking('off'))
    expect([mic.state, closed]).toEqual(['off', 1])
    await turnOn()
    mic.take(speaking('failed', 'why\nwhat to do'))
    expect([mic.state, mic.why, closed]).toEqual(['failed', { text: 'why\nwhat to do' }, 2])
  })
  it('says why this computer’s is not heard', async () => {
    open = async () => {
      throw new CaptureError('mic.denied')
    }
    mic.toggle()
    await vi.waitFor(() => expect(mic.state).toBe('failed'))
    expect([mic.why, said]).toEqual([{ key: 'mic.denied' }, []])
    open = async (to) => {
      listener = to
      return { close: () => closed++ }
    }
    await turnOn()
    listener.ended('mic.gone')
    expect([mic.state, mic.why, said]).toEqual(['failed', { key: 'mic.gone' }, ['a200']])
  })
  it('closes one that comes when it is not wanted any more', async () => {
    let give = () => {}
    open = () => new Promise((done) => (give = () => done({ close: () => closed++ })))
    mic.toggle()
    mic.toggle()
    give()
    await vi.waitFor(() => expect(closed).toBe(1))
    expect(mic.state).toBe('off')
  })
  it('takes apart what a browser says', () => {
    const why = (name: string) => reasonOf(new DOMException('', name))
    expect(['NotAllowedError', 'NotFoundError', 'NotReadableError', 'DataError'].map(why)).toEqual(['mic.denied', 'mic.none', 'mic.busy', 'mic.failed'])
  })
})

describe('its button', () => {
  const can = () => {
    Object.defineProperty(navigator, 'mediaDevices', { value: { getUserMedia: vi.fn() }, configurable: true })
    vi.stubGlobal('AudioEncoder', class {})
    vi.stubGlobal('AudioWorkletNode', class {})
  }
  afterEach(() => {
    vi.unstubAllGlobals()
    Reflect.deleteProperty(navigator, 'mediaDevices')
    i18n.set('en')
  })
  const allowed = () => {
    const mic = new Microphone(async () => ({ close() {} }))
    mic.of({ send() {}, keepsUp: true })
    mic.take(speaking('off'))
    return mic
  }

  it('is only there where the host allows it', () => {
    can()
    render(MicButton, { mic: new Microphone() })
    expect(page.queryByRole('button')).toBeNull()
  })
  it('turns it on and off, and the view shows that it is on', async () => {
    can()
    const mic = allowed()
    render(MicButton, { mic })
    render(MicMark, { mic, host: 'cloud' })
    const button = page.getByRole('button', { name: 'Microphone' })
    expect(button.getAttribute('aria-pressed')).toBe('false')
    await fireEvent.click(button)
    mic.take(speaking('on'))
    await page.findByText('cloud hears your microphone')
    expect(button.getAttribute('aria-pressed')).toBe('true')
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } })
    expect(violations.map((v) => v.id)).toEqual([])
    await fireEvent.click(page.getByRole('button', { name: 'Turn the microphone off' }))
    expect([mic.state, page.queryByTestId('microphone')]).toEqual(['off', null])
  })
  it.each([
    ['en', 'A browser gives its microphone only to pages of this computer, or over HTTPS.'],
    ['zh', '浏览器只向本机页面或 HTTPS 页面提供麦克风。'],
  ] as const)('says why it cannot be used (%s)', async (language, why) => {
    i18n.set(language)
    expect(cannotSpeak()).toBe('mic.insecure')
    const mic = allowed()
    render(MicButton, { mic })
    const button = page.getByRole('button')
    expect([button.getAttribute('aria-disabled'), button.title]).toEqual(['true', why])
    await fireEvent.click(button)
    expect(mic.state).toBe('off')
  })
  it('says it where sound cannot be encoded', () => {
    can()
    vi.stubGlobal('AudioEncoder', undefined)
    expect(cannotSpeak()).toBe('mic.noEncoder')
  })
  it('shows why it failed', async () => {
    const mic = allowed()
    render(MicMark, { mic, host: 'cloud' })
    mic.toggle()
    mic.take(speaking('failed', 'there is none'))
    await page.findByText(/The microphone is off\.\s+there is none/)
  })
})
