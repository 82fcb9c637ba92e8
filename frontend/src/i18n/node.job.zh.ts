/** What a node says about jobs, in Chinese. */
export const jobNodeZh: Record<string, string> = {
  'its idempotency key is another call\'s': '此幂等键属于另一次调用',
  'its idempotency key made {0}': '此幂等键已创建 {0}',
  'use a new key for each thing that is to be made': '每创建一项请使用新的键',
  'use a new key for each machine': '每台虚拟机请使用新的键',
  'too much is in work': '进行中的任务太多',
  'wait for some of it to end; hither job ls lists it': '请等待部分任务结束；hither job ls 可列出它们',
  'it could not be canceled and may go on': '无法取消，可能仍在继续',
  'hither job ls lists what is in work': 'hither job ls 可列出进行中的任务',
  'if it is there once libvirt answers again, remove it; if not, its disks go by themselves':
    '待 libvirt 恢复响应后，若它还在，请将其删除；若不在，其磁盘会自动清除',
}
