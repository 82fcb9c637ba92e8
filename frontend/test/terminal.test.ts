import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { UiError } from '../src/api/error'
import type { GuestInfo } from '../src/api/model'
import { i18n } from '../src/i18n/i18n.svelte'
import type { Carrier, Listener } from '../src/mirror/carrier'
import Shell from '../src/Shell.svelte'
import { TerminalSession, type Paper, type TerminalTarget } from '../src/terminal/session.svelte'
import { input, parseHost, size, TerminalWireError } from '../src/terminal/wire'
import { clean } from './clean'
import { fakeApp, fill, machine } from './fake'

const bytes = (text: string) => new TextEncoder().encode(text)
const message = (kind: number, ...rest: Array<number | string>) =>
  Uint8Array.from([kind, ...rest.flatMap((r) => (typeof r === 'string' ? [...bytes(r)] : [r]))])
const HELLO = message(1, 1, 0)

/** A host that a test plays. */
class Line {
  to!: Listener
  sent: Uint8Array[] = []
  target!: TerminalTarget
  closed = false
  readonly carrier: Carrier
  constructor(unsent = 0) {
    this.carrier = {
      transport: 'websocket', unsent,
      send: (m) => void this.sent.push(m),
      close: () => (this.closed = true),
    }
  }
}

/** Gives a new line to each that opens one. */
function exchange() {
  const lines: Line[] = []
  const open = vi.fn(async (target: TerminalTarget, to: Listener) => {
    const line = new Line()
    Object.assign(line, { to, target })
    lines.push(line)
    return line.carrier
  })
  return { lines, open }
}

describe('messages', () => {
  it('are read', () => {
    expect(parseHost(HELLO)).toEqual({ kind: 'hello', viewOnly: false })
    expect(parseHost(message(1, 1, 1, 99))).toEqual({ kind: 'hello', viewOnly: true })
    expect(parseHost(message(2, 'ab'))).toEqual({ kind: 'data', bytes: message(97, 'b') })
    expect(parseHost(message(3, 0, 0, 0, 0, 0, 1, 0, 2))).toEqual({ kind: 'skipped', bytes: 65538 })
    expect(parseHost(message(5, 0, 'it is off\nstart it'))).toEqual({ kind: 'closed', reason: 'ended', text: 'it is off', hint: 'start it' })
    expect(parseHost(message(5, 1, 'x'))).toMatchObject({ reason: 'revoked', hint: '' })
    expect(parseHost(message(0x7f, 'later'))).toEqual({ kind: 'unknown' })
    for (const bad of [[], [1], [1, 9, 0], [3, 1], [5]]) expect(() => parseHost(Uint8Array.from(bad))).toThrow(TerminalWireError)
  })

  it('are written, long input in several', () => {
    expect([...size(300, 24)]).toEqual([0x82, 1, 44, 0, 24])
    const parts = input(new Uint8Array(20_000).fill(120))
    expect(parts.map((p) => [p[0], p.length])).toEqual([[0x81, 8193], [0x81, 8193], [0x81, 3617]])
    expect(input(new Uint8Array())).toEqual([])
  })
})

describe('a session', () => {
  let shown = ''
  const paper: Paper = {
    columns: 100, rows: 30,
    write: (b) => (shown += new TextDecoder().decode(b)),
    note: (text) => (shown += `[${text}]`),
    reset: () => (shown = ''),
  }
  const start = (machine: string, open: ReturnType<typeof exchange>['open']) =>
    new TerminalSession({ host: 'h', machine }, open, paper, (n) => `${n} left out`)
  beforeEach(() => {
    shown = ''
    vi.useFakeTimers()
  })
  afterEach(() => vi.useRealTimers())

  it('shows a console, types into it and opens it again', async () => {
    const { lines, open } = exchange()
    const session = start('web', open)
    await vi.waitFor(() => expect(lines.length).toBe(1))
    await vi.advanceTimersByTimeAsync(0) // the carrier is there
    session.type(bytes('too early'))
    lines[0]!.to.message(HELLO)
    expect(session.state).toBe('live')
    lines[0]!.to.message(message(2, 'login: '))
    lines[0]!.to.message(message(3, 0, 0, 0, 0, 0, 0, 0, 9))
    session.type(bytes('ada\r'))
    expect(shown).toBe('login: [9 left out]')
    expect(lines[0]!.target).toEqual({ host: 'h', machine: 'web', columns: 100, rows: 30, term: 'xterm-256color' })
    expect(lines[0]!.sent.map((m) => [...m])).toEqual([[0x82, 0, 100, 0, 30], [0x81, ...bytes('ada\r')]])

    lines[0]!.to.ended(null)
    expect(session.state).toBe('offline')
    await vi.advanceTimersByTimeAsync(300)
    expect(lines.length).toBe(2)
    lines[0]!.to.message(message(2, 'an old line')) // nobody listens to it
    lines[1]!.to.message(HELLO)
    lines[1]!.to.message(message(2, 'backlog'))
    expect([session.state, shown]).toEqual(['live', 'backlog'])

    lines[1]!.to.message(message(5, 0, 'the machine is off\nstart it'))
    expect([session.state, session.reason, lines[1]!.closed]).toEqual(['ended', 'the machine is off', true])
    session.again()
    await vi.waitFor(() => expect(lines.length).toBe(3))
    session.close()
    lines[2]!.to.ended(null)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(lines.length).toBe(3)
  })

  it('goes along with a machine that moves, behind all that it wrote before', async () => {
    const { lines, open } = exchange()
    const session = start('web', open)
    await vi.waitFor(() => expect(lines.length).toBe(1))
    await vi.advanceTimersByTimeAsync(0)
    lines[0]!.to.message(HELLO)
    lines[0]!.to.message(message(2, 'one '))
    session.follow({ host: 'h', machine: 'web' }) // it is there
    session.follow({ host: 'k', machine: 'web' })
    lines[0]!.to.message(message(2, 'two '))
    expect([session.state, lines.length]).toEqual(['live', 1])
    lines[0]!.to.ended(null)
    await vi.waitFor(() => expect(lines.length).toBe(2))
    expect(lines[1]!.target.host).toBe('k')
    await vi.advanceTimersByTimeAsync(0)
    lines[1]!.to.message(HELLO)
    lines[1]!.to.message(message(2, 'three'))
    expect([session.state, shown]).toEqual(['live', 'one two three'])

    // Back, and the old line says nothing; and once more while there is none.
    session.follow({ host: 'h', machine: 'web' })
    await vi.advanceTimersByTimeAsync(6000)
    expect([lines.length, lines[1]!.closed, lines[2]!.target.host]).toEqual([3, true, 'h'])
    lines[2]!.to.message(HELLO)
    expect(shown).toBe('one two three')
    lines[2]!.to.ended(null)
    expect(session.state).toBe('offline')
    session.follow({ host: 'k', machine: 'web' })
    await vi.waitFor(() => expect(lines.length).toBe(4))
    expect(lines[3]!.target.host).toBe('k')

    // A path that breaks later begins anew.
    await vi.advanceTimersByTimeAsync(0)
    lines[3]!.to.message(HELLO)
    lines[3]!.to.ended(null)
    await vi.advanceTimersByTimeAsync(300)
    lines[4]!.to.message(HELLO)
    expect(shown).toBe('')
    session.close()
  })

  it('does not take another shell for the one that was lost', async () => {
    const { lines, open } = exchange()
    const session = start('self', open)
    await vi.waitFor(() => expect(lines.length).toBe(1))
    lines[0]!.to.message(HELLO)
    lines[0]!.to.ended(null)
    expect([session.state, session.error?.cause]).toEqual(['failed', 'offline'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(lines.length).toBe(1)
    session.close()
  })

  it('says what is wrong, and does not type where it may only look', async () => {
    const { lines, open } = exchange()
    const session = start('web', open)
    await vi.waitFor(() => expect(lines.length).toBe(1))
    lines[0]!.to.message(message(1, 1, 1))
    session.type(bytes('x'))
    expect([session.viewOnly, lines[0]!.sent.filter((m) => m[0] === 0x81)]).toEqual([true, []])
    lines[0]!.to.message(message(5, 1, 'permission was taken away'))
    expect([session.state, session.error?.cause]).toEqual(['failed', 'permission'])
    session.again()
    await vi.waitFor(() => expect(lines.length).toBe(2))
    lines[1]!.to.message(message(1, 7, 0))
    expect(session.state).toBe('failed')
    open.mockRejectedValueOnce(new UiError({ cause: 'unsupported', detail: 'it has no serial console' }))
    session.again()
    await vi.waitFor(() => expect(session.error?.cause).toBe('unsupported'))
    session.close()
  })
})

/** Stands for xterm.js, which needs a layout. */
const terms = vi.hoisted(() => [] as Array<{ text: string; options: Record<string, unknown>; say: (text: string) => void; pasted: string; selected: string }>)
vi.mock('@xterm/addon-fit', () => ({ FitAddon: class { fit() {} } }))
vi.mock('@xterm/xterm', () => ({
  Terminal: class {
    cols = 90
    rows = 20
    text = ''
    pasted = ''
    selected = ''
    say: (text: string) => void = () => {}
    textarea = document.createElement('textarea')
    constructor(readonly options: Record<string, unknown>) {
      terms.push(this)
    }
    loadAddon() {}
    open(box: HTMLElement) {
      box.append(this.textarea)
    }
    attachCustomKeyEventHandler() {}
    onData(f: (text: string) => void) {
      this.say = f
    }
    onBinary() {}
    onSelectionChange() {}
    onResize() {}
    hasSelection = () => this.selected !== ''
    getSelection = () => this.selected
    write(b: Uint8Array | string) {
      this.text += typeof b === 'string' ? b : new TextDecoder().decode(b)
    }
    paste(text: string) {
      this.pasted += text
    }
    reset() {
      this.text = ''
    }
    focus() {
      this.textarea.focus()
    }
    dispose() {
      this.textarea.remove()
    }
  },
}))

describe('on the page of a machine', () => {
  let stop = () => {}
  afterEach(() => {
    stop()
    terms.length = 0
    i18n.set('en')
  })
  async function open(path: string, more = {}) {
    history.replaceState(null, '', path)
    const { lines, open: openTerminal } = exchange()
    const { app, stream } = fakeApp({ openTerminal, ...more })
    app.settings.setInspector(false)
    stop = app.start()
    render(Shell, { app })
    fill(stream)
    await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
    return { app, stream, lines }
  }

  it.each([
    ['en', 'Console', 'Paste', 'Serial console', 'is off', 'Start', 'Read aloud by a screen reader'],
    ['zh', '控制台', '粘贴', '串口控制台', '已关机', '启动', '供屏幕阅读器朗读'],
  ] as const)('a console is shown, typed into and pasted into (%s)', async (language, tab, paste, live, off, start, reader) => {
    i18n.set(language)
    const { app, stream, lines } = await open('/machine/cloud/build')
    await fireEvent.click(await page.findByRole('tab', { name: tab }))
    expect(location.search).toBe('?tab=console')
    await vi.waitFor(() => expect(lines.length).toBe(1))
    lines[0]!.to.message(HELLO)
    lines[0]!.to.message(message(2, 'login: '))
    await page.findByText(new RegExp(live))
    expect(terms[0]!.text).toBe('login: ')
    terms[0]!.say('ada\r')
    expect([...lines[0]!.sent.at(-1)!]).toEqual([0x81, ...bytes('ada\r')])
    Object.assign(navigator, { clipboard: { readText: async () => 'pasted', writeText: vi.fn() } })
    await fireEvent.click(page.getByRole('button', { name: paste }))
    await vi.waitFor(() => expect(terms[0]!.pasted).toBe('pasted'))
    await fireEvent.click(page.getByRole('button', { name: reader }))
    expect(terms[0]!.options.screenReaderMode).toBe(true)
    app.settings.setReader(false)
    await clean()

    lines[0]!.to.message(message(5, 0, 'the machine is off\nx'))
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off') })
    await page.findByRole('heading', { name: new RegExp(off) })
    expect(page.getAllByRole('button', { name: start }).length).toBe(2) // in the toolbar too
    await clean()
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running') })
    await vi.waitFor(() => expect(lines.length).toBe(2))
  })

  it('a console stays when its machine moves', async () => {
    const { stream, lines } = await open('/machine/cloud/build?tab=console')
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running', { uuid: 'u1' }) })
    await vi.waitFor(() => expect(lines.length).toBe(2))
    lines[1]!.to.message(HELLO)
    lines[1]!.to.message(message(2, 'one '))
    stream.push({ kind: 'machine', machine: machine('laptop', 'build', 'paused', { uuid: 'u1' }) })
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off', { uuid: 'u1' }) }, { removed: true })
    await page.findByText('on laptop')
    lines[1]!.to.message(message(2, 'two '))
    lines[1]!.to.ended(null)
    await vi.waitFor(() => expect(lines.length).toBe(3))
    expect(lines[2]!.target).toMatchObject({ host: '', machine: 'build' })
    await vi.waitFor(() => expect(page.queryByText('Connecting…')).toBeTruthy())
    lines[2]!.to.message(HELLO)
    lines[2]!.to.message(message(2, 'three'))
    expect(terms.at(-1)!.text).toBe('one two three')
    expect(location.pathname + location.search).toBe('/machine/laptop/build?tab=console')
    await clean()
  })

  it('a machine without a serial port says so', async () => {
    await open('/machine/cloud/build?tab=console', {
      openTerminal: async () => Promise.reject(new UiError({ cause: 'unsupported', detail: 'it has no serial console' })),
    })
    await page.findByRole('heading', { name: 'No serial console' })
    await clean()
  })

  it('a shell ends and another is opened', async () => {
    const { lines } = await open('/machine/laptop/self?tab=console')
    await vi.waitFor(() => expect(lines.length).toBe(1))
    expect(lines[0]!.target).toMatchObject({ host: '', machine: 'self', columns: 90, rows: 20 })
    lines[0]!.to.message(HELLO)
    lines[0]!.to.message(message(5, 0, 'the shell ended\n'))
    await fireEvent.click(await page.findByRole('button', { name: 'New shell' }))
    await vi.waitFor(() => expect(lines.length).toBe(2))
  })

  it('what the agent says is in the overview', async () => {
    const info: GuestInfo = {
      agent: '7.2', hostname: 'build-host', os: 'Debian', kernel: '6.1',
      interfaces: [{ name: 'eth0', mac: '52:54:00:00:00:01', addresses: ['10.0.2.15/24', 'fec0::1/64'] }, { name: 'eth1', mac: '', addresses: [] }],
      fileSystems: [{ mountPoint: '/srv', type: 'ext4', totalBytes: 4 << 20, usedBytes: 1 << 20 }, { mountPoint: '/proc', type: 'proc', totalBytes: 0, usedBytes: 0 }],
    }
    const guest = vi.fn().mockResolvedValue(info)
    const { app, stream } = await open('/machine/cloud/build', { guest })
    app.settings.setInspector(true)
    const part = within(await page.findByTestId('guest'))
    for (const text of ['build-host', '10.0.2.15', 'fec0::1', 'eth1']) expect(part.getByText(text)).toBeTruthy()
    expect(part.getAllByText('/srv').length).toBe(1)
    expect(part.queryByText('/proc')).toBeNull()
    await clean()
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'off') })
    await vi.waitFor(() => expect(page.queryByTestId('guest')).toBeNull())
    guest.mockRejectedValue(new UiError({ cause: 'unsupported', detail: 'no guest agent answers in it' }))
    stream.push({ kind: 'machine', machine: machine('cloud', 'build', 'running') })
    await page.findByText(/qemu-guest-agent/)
  })
})
