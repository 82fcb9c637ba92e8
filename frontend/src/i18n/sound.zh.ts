import type { soundEn } from './sound.en'

/** sound.en in Chinese. */
export const soundZh: Record<keyof typeof soundEn, string> = {
  'verb.microphone': '麦克风',
  'verb.microphoneOff': '关闭麦克风',
  'mic.on': '{host} 正在收听您的麦克风',
  'mic.asking': '正在开启麦克风…',
  'mic.not': '麦克风未开启。',
  'mic.denied': '浏览器不允许此页面使用麦克风。请在地址栏旁允许。',
  'mic.none': '未在此电脑上找到麦克风。',
  'mic.busy': '无法打开麦克风，可能正被其他程序占用。',
  'mic.gone': '麦克风已断开。',
  'mic.failed': '浏览器无法使用麦克风。',
  'mic.insecure': '浏览器只向本机页面或 HTTPS 页面提供麦克风。',
  'mic.noEncoder': '此浏览器无法编码声音。请使用 Chromium，或 hither view --microphone。',
  'verb.record': '录制屏幕',
  'verb.recordEnd': '结束录制并保存',
  'verb.sound': '声音',
  'screen.recording': '正在录制',
  'screen.recordFull': '录制文件过大，已保存现有内容。',
  'screen.recordFailed': '此浏览器无法录制屏幕。',
  'screen.sound': '声音',
  'sound.off': '已静音',
  'sound.waiting': '点击后开始',
  'sound.on': '开启',
  'sound.failed': '无',
}
