import { UiError } from '../api/error'
import type { Carrier, Listener } from './carrier'

/** Trades a complete offer for a complete answer (ScreenService.Connect). */
export type Exchange = (offerSdp: string) => Promise<string>

const GATHER_MS = 2000
const OPEN_MS = 6000

/**
 * Opens a view over WebRTC: data channels "frames" and "input", both ordered
 * and reliable, candidates gathered before the offer is sent.
 */
export async function openWebRTC(exchange: Exchange, to: Listener, signal: AbortSignal): Promise<Carrier> {
  const pc = new RTCPeerConnection()
  const frames = pc.createDataChannel('frames')
  const input = pc.createDataChannel('input')
  const close = () => pc.close()
  signal.addEventListener('abort', close, { once: true })
  let live = false
  let done = false
  const ended = () => {
    if (done) return
    done = true
    signal.removeEventListener('abort', close)
    pc.close()
    if (live) to.ended(null)
  }
  for (const channel of [frames, input]) {
    channel.binaryType = 'arraybuffer'
    channel.onmessage = (event: MessageEvent<ArrayBuffer>) => to.message(new Uint8Array(event.data))
  }
  try {
    await pc.setLocalDescription(await pc.createOffer())
    await gathered(pc)
    const answer = await exchange(pc.localDescription?.sdp ?? '')
    await pc.setRemoteDescription({ type: 'answer', sdp: answer })
    await opened(pc, [frames, input], signal)
  } catch (error) {
    ended()
    throw error
  }
  live = true
  frames.onclose = input.onclose = ended
  pc.onconnectionstatechange = () => {
    if (['failed', 'disconnected', 'closed'].includes(pc.connectionState)) ended()
  }
  return {
    transport: 'webrtc',
    send: (message) => {
      if (input.readyState === 'open') input.send(message)
    },
    get unsent() {
      return input.bufferedAmount
    },
    close: () => {
      live = false
      ended()
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

function opened(pc: RTCPeerConnection, channels: RTCDataChannel[], signal: AbortSignal): Promise<void> {
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
      if (channels.every((c) => c.readyState === 'open')) finish()
    }
    for (const channel of channels) {
      channel.onopen = check
      channel.onclose = fail
    }
    pc.onconnectionstatechange = () => {
      if (pc.connectionState === 'failed') fail()
    }
    check()
  })
}
