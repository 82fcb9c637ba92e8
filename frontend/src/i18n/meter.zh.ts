import type { meterEn } from './meter.en'

/** meter.en in Chinese. */
export const meterZh: Record<keyof typeof meterEn, string> = {
  'stats.cpu': 'CPU',
  'stats.memory': '内存',
  'stats.disk': '磁盘',
  'stats.net': '网络',
  'stats.read': '读取',
  'stats.write': '写入',
  'stats.in': '接收',
  'stats.out': '发送',
  'stats.plot': '最近 {span}的{name}：{now}',
  'meters.span': '显示的时间',
  'meters.span.m5': '5 分钟',
  'meters.span.h1': '1 小时',
  'meters.span.d1': '24 小时',
  'meters.loading': '正在加载统计',
  'meters.offline': '{host} 在线时显示。',
  'meters.emptyOff': '这段时间没有测量。虚拟机运行时才会测量。',
  'meters.always': '始终测量 {host} 上的机器',
  'meters.alwaysHint': '否则只在有人查看时测量。每台机器一天占用 2.6 MiB 磁盘。',
  'meters.table': '最近 {span}的{name}，分为十段',
  'meters.time': '开始时间',
  'meters.none': '未测量',
  'meters.range': '{avg}（最高 {max}）',
  'task.measureAlways': '始终测量 {host} 上的机器',
  'task.measureLooked': '只在有人查看时测量 {host} 上的机器',
}
