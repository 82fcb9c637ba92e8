import { fireEvent, render, screen as page, within } from '@testing-library/svelte'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Api } from '../src/api/api'
import { UiError } from '../src/api/error'
import type { Host } from '../src/api/model'
import type { Tunnel, TunnelSpec } from '../src/api/tunnels'
import { i18n, t } from '../src/i18n/i18n.svelte'
import { end, rtt } from '../src/pages/network/path'
import Shell from '../src/Shell.svelte'
import { near, plan, reachOf } from '../src/state/reach'
import { clean } from './clean'
import { fakeApp, fill, host } from './fake'

let stop = () => {}
afterEach(() => {
  stop()
  i18n.set('en')
})

const tunnel = (id: string, more: Partial<Tunnel> = {}): Tunnel => ({
  id, hostId: 'id-cloud', host: 'cloud', kind: 'forward', proto: 'tcp', listen: '127.0.0.1:5432', open: false, target: { machine: 'build', address: '', port: 5432 },
  once: false, limit: 0, user: '', password: '', state: 'open', note: '', hint: '', connections: 1, total: 1, bytesIn: 0, bytesOut: 0, rateIn: 2048, rateOut: 0, site: null, certificateUntil: null, ...more,
})

/** A stream of lists that a test feeds. */
function told() {
  let tell = (_: Tunnel[]) => {}
  const tunnels: Api['tunnels'] = async function* (signal) {
    const queue: Tunnel[][] = []
    let wake = () => {}
    tell = (list) => (queue.push(list), wake())
    signal.addEventListener('abort', () => wake())
    yield []
    while (!signal.aborted) {
      const next = queue.shift()
      if (next) yield next
      else await new Promise<void>((r) => (wake = r))
    }
  }
  return { tunnels, tell: (list: Tunnel[]) => tell(list) }
}

async function open(more: Partial<Api> = {}, hosts: Host[] = []) {
  history.replaceState(null, '', '/network')
  const { app, stream } = fakeApp(more)
  stop = app.start()
  render(Shell, { app })
  for (const h of hosts) stream.push({ kind: 'host', host: h })
  fill(stream)
  await vi.waitFor(() => expect(app.watch.loaded).toBe(true))
  return { app, stream }
}
const dialog = () => within(page.getByRole('dialog'))
const type = (label: string | RegExp, value: string) => fireEvent.input(dialog().getByLabelText(label), { target: { value } })
const submit = () => fireEvent.submit(page.getByRole('dialog').querySelector('form')!)

describe('the map', () => {
  const lan = host('tablet', { addr: '/ip4/192.168.1.5/tcp/1', path: 'direct' })
  const far = host('server', { addr: '/ip4/203.0.113.7/udp/1/quic-v1', path: 'direct' })
  const relayed = host('office', { path: 'relay', via: 'server' })
  const lost = host('attic', { path: 'relay', via: 'nobody' })
  const away = host('nas', { online: false, path: 'relay', via: 'server' })
  const self = host('laptop', { local: true })

  it('says how each computer is reached', () => {
    expect([self, lan, far, relayed, away].map(reachOf)).toEqual(['here', 'lan', 'direct', 'relay', 'offline'])
    const yes = ['/ip4/10.0.0.1/tcp/1', '/ip4/172.16.0.1/tcp/1', '/ip4/172.31.9.9/tcp/1', '/ip6/fd00::1/tcp/1', '/ip6/fe80::1/tcp/1', '/ip4/127.0.0.1/tcp/1']
    const no = ['/ip4/172.32.0.1/tcp/1', '/ip4/100.64.0.1/tcp/1', '/ip4/11.0.0.1/tcp/1', '/ip6/2001:db8::1/tcp/1', '/dns4/x/tcp/1', '']
    expect([yes.every(near), no.some(near)]).toEqual([true, false])
  })

  it('stands in columns, those behind a router behind it', () => {
    const { spots, columns, rows } = plan([self, lost, far, lan, away, relayed])
    expect([columns, rows]).toEqual([4, 2])
    expect(spots.map((s) => [s.host.name, s.column, s.via?.name ?? ''])).toEqual([
      ['tablet', 0, ''], ['nas', 0, ''], ['laptop', 1, ''], ['server', 2, ''], ['office', 3, 'server'], ['attic', 3, ''],
    ])
    expect(plan([self, far])).toMatchObject({ columns: 2, rows: 1 })
    expect(plan([self])).toMatchObject({ columns: 1, rows: 1 })
    expect(plan([])).toEqual({ spots: [], columns: 0, rows: 1 })
  })

  it('writes round trips and addresses', () => {
    expect([640, 9949, 23_400, 0].map((rttMicros) => rtt(host('x', { rttMicros })))).toEqual(['0.6 ms', '9.9 ms', '23 ms', ''])
    expect(end(host('x', { addr: '/ip6/fd00::1/udp/4001/quic-v1' }))).toBe('[fd00::1]:4001')
    expect(end(host('x', { addr: '' }))).toBe('')
  })

  it.each(['en', 'zh'] as const)('is a table too, with why a path is not direct, in %s', async (language) => {
    i18n.set(language)
    const why = 'the network of office gives each connection another port; forward the port of Hither to it in that network\'s router, or use IPv6'
    await open({}, [host('office', { path: 'relay', via: 'cloud', transport: 'quic', rttMicros: 48_700, whyNot: why })])
    const row = (await page.findByTestId('paths')).querySelector('[data-path=office]')!
    expect(row.textContent).toContain(t('network.reach.relay', { via: 'cloud' }))
    expect(row.textContent).toContain(language === 'en' ? '49 ms' : '49 毫秒')
    expect(row.textContent).toContain(language === 'en' ? 'gives each connection another port' : '每个连接')
    expect(row.querySelector('a')!.getAttribute('href')).toBe('/host/office')
    await clean()
  })
})

describe('tunnels', () => {
  it.each(['en', 'zh'] as const)('are shown as they are, and go after a question, in %s', async (language) => {
    i18n.set(language)
    const removed: string[] = []
    const { tunnels, tell } = told()
    await open({ tunnels, removeTunnel: async (id) => void removed.push(id) })
    const part = within(await page.findByTestId('tunnels'))
    await part.findByText(t('tunnels.empty'))
    await clean()
    tell([
      tunnel('T1'),
      tunnel('T2', { kind: 'reverse', open: true, listen: '0.0.0.0:8443', target: { machine: '', address: '', port: 443 } }),
      tunnel('T3', { listen: '127.0.0.1:53', proto: 'udp', target: { machine: '', address: 'fd00::5', port: 53 }, state: 'failed', note: 'nobody listens there', hint: 'start the service, or look at its port' }),
      tunnel('T5', { kind: 'reverse', open: true, listen: '0.0.0.0:443', site: { name: 'www.example.org', tls: true, plain: 80, agreed: true, email: '' }, certificateUntil: new Date('2027-02-28T12:00:00Z') }),
      tunnel('T6', { kind: 'reverse', open: true, listen: '0.0.0.0:443', site: { name: 'b.example.org', tls: true, plain: 80, agreed: true, email: '' }, state: 'waiting', note: 'waits for a certificate: connection refused' }),
      tunnel('T4', { kind: 'proxy', listen: '127.0.0.1:1080', target: { machine: '', address: '', port: 0 }, state: 'waiting' }),
    ])
    await vi.waitFor(() => expect(part.getAllByRole('listitem')).toHaveLength(6))
    const text = (id: string) => document.querySelector(`[data-tunnel=${id}]`)!.textContent!.replace(/\s+/g, ' ')
    expect(text('T1')).toContain('build:5432')
    expect(text('T2')).toMatch(/cloud.*\*:8443.*laptop.*:443/)
    expect(text('T2')).toContain(t('tunnels.use.publish'))
    expect(text('T3')).toContain('[fd00::5]:53')
    expect(text('T3')).toContain(language === 'en' ? 'nobody listens there' : '那里没有程序在监听')
    expect(text('T5')).toContain('https://www.example.org/')
    expect(text('T5')).toContain(t('tunnels.certificate', { day: '2027-02-28' }))
    expect(text('T6')).toContain(language === 'en' ? 'waits for a certificate: connection refused' : '正在等待证书：connection refused')
    expect(text('T4')).toContain(t('tunnels.everywhere'))
    await clean()
    await fireEvent.click(part.getByRole('button', { name: t('verb.removeTunnel', { port: ':5432' }) }))
    expect(page.getByRole('alertdialog').textContent).toContain('build:5432')
    await fireEvent.click(within(page.getByRole('alertdialog')).getByRole('button', { name: t('confirm.removeTunnel.verb') }))
    await vi.waitFor(() => expect(removed).toEqual(['T1']))
    await vi.waitFor(() => expect(part.getAllByRole('listitem')).toHaveLength(5))
  })

  it('are added once what is typed can be', async () => {
    const made: TunnelSpec[] = []
    await open({ addTunnel: async (spec) => (made.push(spec), tunnel('T1')) })
    await fireEvent.click(page.getAllByRole('button', { name: 'Add tunnel' })[0]!)
    await clean()
    for (const bad of ['', '0', '65536', 'ssh', '-1', '1e3']) {
      await type('Port of cloud', bad)
      await submit()
      expect(dialog().getByLabelText('Port of cloud').getAttribute('aria-invalid')).toBe('true')
    }
    await type('Port of cloud', '22')
    await fireEvent.change(dialog().getByLabelText('Leads to'), { target: { value: 'address' } })
    for (const bad of ['', 'a b', 'http://x', '10.0.0.5:80', '-x']) {
      await type('Address or name', bad)
      await submit()
      expect(dialog().getByLabelText('Address or name').getAttribute('aria-invalid')).toBe('true')
    }
    expect(made).toEqual([])
    await type('Address or name', 'printer.local')
    await submit()
    await vi.waitFor(() => expect(page.queryByRole('dialog')).toBeNull())
    expect(made[0]).toMatchObject({ kind: 'forward', listen: '127.0.0.1:0', open: false, host: 'id-cloud', target: { machine: '', address: 'printer.local', port: 22 } })
  })

  it('are published to everybody, from a machine of this computer', async () => {
    const made: TunnelSpec[] = []
    await open({ addTunnel: async (spec) => (made.push(spec), tunnel('T1')) })
    await fireEvent.click(page.getAllByRole('button', { name: 'Add tunnel' })[0]!)
    await fireEvent.click(dialog().getByRole('radio', { name: /^Publish/ }))
    expect(page.getByText(/Everybody who reaches cloud/)).toBeTruthy()
    await fireEvent.change(dialog().getByLabelText('Leads to'), { target: { value: 'machine:ipxe' } })
    await type('Port of ipxe', '80')
    await submit()
    expect(dialog().getByLabelText('Port at cloud').getAttribute('aria-invalid')).toBe('true')
    await type('Port at cloud', '8080')
    await submit()
    await vi.waitFor(() => expect(made).toHaveLength(1))
    expect(made[0]).toMatchObject({ kind: 'reverse', listen: '0.0.0.0:8080', open: true, target: { machine: 'ipxe', address: '', port: 80 } })
  })

  it('are published by name, with a certificate once its terms are accepted', async () => {
    const made: TunnelSpec[] = []
    await open({ addTunnel: async (spec) => (made.push(spec), tunnel('T1')) })
    await fireEvent.click(page.getAllByRole('button', { name: 'Add tunnel' })[0]!)
    await fireEvent.click(dialog().getByRole('radio', { name: /^Publish/ }))
    await fireEvent.click(dialog().getByRole('radio', { name: t('addTunnel.byHttps') }))
    await type('Port of laptop', '3000')
    for (const bad of ['', '10.0.0.1', 'a b', 'https://www.example.org']) {
      await type(t('addTunnel.name'), bad)
      await submit()
      expect(dialog().getByLabelText(t('addTunnel.name')).getAttribute('aria-invalid')).toBe('true')
    }
    await type(t('addTunnel.name'), 'WWW.example.org')
    await type(t('addTunnel.sitePassword'), 'correct horse')
    await submit()
    expect(dialog().getByText(t('addTunnel.agreeNeeded'))).toBeTruthy()
    expect(made).toEqual([])
    await clean()
    await fireEvent.click(dialog().getByTestId('site-agreed'))
    await submit()
    await vi.waitFor(() => expect(made).toHaveLength(1))
    expect(made[0]).toMatchObject({ kind: 'reverse', listen: '0.0.0.0:443', open: true, password: 'correct horse', site: { name: 'www.example.org', tls: true, plain: 80, agreed: true, email: '' } })
  })

  it('ask for a user where others reach a proxy, and say at the port that it is taken', async () => {
    const made: TunnelSpec[] = []
    await open({
      addTunnel: async (spec) => {
        made.push(spec)
        throw new UiError({ op: 'tunnel.add', path: spec.listen, cause: 'busy', detail: 'another program has this port', hint: 'take another port' })
      },
    })
    await fireEvent.click(page.getAllByRole('button', { name: 'Add tunnel' })[0]!)
    await fireEvent.click(dialog().getByRole('radio', { name: /^Proxy/ }))
    await type('Port here', '1080')
    await fireEvent.click(dialog().getByRole('checkbox', { name: /Others on this network/ }))
    await submit()
    expect(dialog().getByLabelText('User').getAttribute('aria-invalid')).toBe('true')
    await type('User', 'ada')
    await type('Password', 'secret')
    await submit()
    await vi.waitFor(() => expect(dialog().getByLabelText('Port here').getAttribute('aria-invalid')).toBe('true'))
    expect(dialog().getByText('another program has this port')).toBeTruthy()
    expect(made[0]).toMatchObject({ kind: 'proxy', proto: 'tcp', listen: '0.0.0.0:1080', open: true, user: 'ada', password: 'secret', target: { machine: '', address: '', port: 0 } })
    await clean()
  })

  it('say that they cannot be read, and ask again', async () => {
    let broken = true
    await open({
      async *tunnels(signal) {
        if (broken) throw new UiError({ op: 'tunnel.watch', cause: 'unsupported', detail: 'no tunnels here' })
        yield [tunnel('T1')]
        await new Promise((r) => signal.addEventListener('abort', r))
      },
    })
    await page.findByText('no tunnels here')
    broken = false
    await fireEvent.click(page.getByRole('button', { name: 'Try again' }))
    await vi.waitFor(() => expect(document.querySelector('[data-tunnel=T1]')).toBeTruthy())
  })
})
