import type { moveEn } from './move.en'

/** move.en in Chinese. */
export const moveZh: Record<keyof typeof moveEn, string> = {
  'verb.move': '迁移到…',
  'room.free': '剩余内存 {memory}，磁盘 {disk}',
  'bring.title': '将 {name} 放到 {host}',
  'bring.what': '方式',
  'bring.move': '迁移',
  'bring.move.text': '连同磁盘离开 {from}；运行中的虚拟机会继续运行。',
  'bring.copy': '复制',
  'bring.copy.text': '原机留在 {from}，副本有自己的名称和网络地址。',
  'bring.running': '关机后才能复制。',
  'bring.drop': '拖放到此处即可迁移或复制',
  'bring.doMove': '迁移',
  'bring.doCopy': '复制…',
  'verb.moveHere': '迁移到此',
  'verb.moveOff': '关机后迁移',
  'move.asking': '正在检查能否迁移…',
  'move.fits': '可以迁移，约需复制 {size}。',
  'move.off': '可在关机状态下迁移：先关机，再迁移，然后在那里启动。',
  'task.move': '将 {name} 迁移到 {host}',
  'job.machine.migrate': '将 {name} 迁移到另一台电脑',
  'move.title': '将 {name} 迁移到',
  'move.text': '磁盘和端口转发一同迁移，运行中的虚拟机会继续运行；正在显示它的窗口保持打开。',
  'move.none': '没有可与 {host} 配对的其他在线电脑。',
  'move.pair': '两台电脑须已相互配对，并允许彼此管理。',
}
