import { UiError } from '../api/error'
import type { Carrier, Listener } from './carrier'
import { Link } from './link'
import { WireError } from './wire'

/** Trades a complete offer for a complete answer (ScreenService.Connect). */
export type Exchange = (offerSdp: string) => Promise<string>

const GATHER_MS = 2000
const OPEN_MS = 6000

/**
 * Opens a view over WebRTC: the data channel "screen", neither ordered nor sent
 * again, and a Link over it; candidates are gathered before the offer is sent.
 */
export async function openWebRTC(exchange: Exchange, to: Listener, signal: AbortSignal): Promise<Carrier> {
  const pc = new RTCPeerConnection()
  const channel = pc.createDataChannel('screen', { ordered: false, maxRetransmits: 0 })
  channel.binaryType = 'arraybuffer'
  const close = () => pc.close()
  signal.addEventListener('abort', close, { once: true })
  let live = false
  let done = false
  const link = new Link({
    send: (datagram) => {
      if (channel.readyState === 'open') channel.send(datagram)
    },
    message: (bytes) => to.message(bytes),
    ended: () => ended(),
  })
  const ended = () => {
    if (done) return
    done = true
    link.stop()
    signal.removeEventListener('abort', close)
    pc.close()
    if (live) to.ended(null)
  }
  channel.onmessage = (event: MessageEvent<ArrayBuffer>) => {
    try {
      if (!done) link.receive(new Uint8Array(event.data))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      ended()
    }
  }
  try {
    await pc.setLocalDescription(await pc.createOffer())
    await gathered(pc)
    const answer = await exchange(pc.localDescription?.sdp ?? '')
    await pc.setRemoteDescription({ type: 'answer', sdp: answer })
    await opened(pc, channel, signal)
  } catch (error) {
    ended()
    throw error
  }
  live = true
  channel.onclose = ended
  pc.onconnectionstatechange = () => {
    if (['failed', 'disconnected', 'closed'].includes(pc.connectionState)) ended()
  }
  return {
    transport: 'webrtc',
    send: (message) => {
      if (!done) link.write(message)
    },
    get unsent() {
      return link.unsent + channel.bufferedAmount
    },
    close: () => {
      live = false
      if (!done) link.close(ended)
    },
  }
}

function gathered(pc: RTCPeerConnection): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (pc.iceGatheringState === 'complete') done()
    }
    const done = () => {
      clearTimeout(timer)
      pc.removeEventListener('icegatheringstatechange', check)
      resolve()
    }
    const timer = setTimeout(done, GATHER_MS)
    pc.addEventListener('icegatheringstatechange', check)
    check()
  })
}

function opened(pc: RTCPeerConnection, channel: RTCDataChannel, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = () => finish(new UiError({ op: 'screen.connect', cause: 'offline', detail: 'WebRTC did not connect' }))
    const finish = (error?: UiError) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', fail)
      if (error) reject(error)
      else resolve()
    }
    const timer = setTimeout(fail, OPEN_MS)
    signal.addEventListener('abort', fail)
    const check = () => {
      if (channel.readyState === 'open') finish()
    }
    channel.onopen = check
    channel.onclose = fail
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'failed') fail()
    }
    check()
  })
}
