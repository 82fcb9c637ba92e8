import type { jobEn } from './job.en'

/** job.en in Chinese. */
export const jobZh: Record<keyof typeof jobEn, string> = {
  'job.machine.create': '新建 {name}',
  'job.machine.snapshot.take': '为 {name} 创建快照',
  'job.machine.snapshot.revert': '将 {name} 恢复到快照',
  'job.machine.snapshot.remove': '删除 {name} 的快照',
  'job.host.add': '添加 {name}',
  'job.host.leave': '从 {name} 移除 Hither',
  'task.list': '任务',
  'job.other': '正在处理 {name}',
  'job.on': '在 {host} 上',
  'job.image.fetch': '获取 {name}',
  'job.rate': '{rate}/秒',
  'job.seconds': '{n} 秒',
  'job.left': '剩余 {time}',
  'job.part': '{done} / {total}',
}
