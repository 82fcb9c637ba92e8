/** What a node says about the power of computers, about waking them, and about where machines go, in Chinese. */
export const computerNodeZh: Record<string, string> = {
  'this computer was not granted admin there': '那台电脑未授予这台电脑 admin 权限',
  'one of: asleep, off, restarting': '须为 asleep、off、restarting 之一',
  'there is no such role': '没有这种用途',
  'it is to be put in and taken out': '同时要求添加和移除',
  'say either --add {0} or --remove {1}': '请只用 --add {0} 或 --remove {1}',
  'a computer itself can sleep, restart and shut down only': '电脑本身只能睡眠、重启和关机',
  'logind does not answer on the system bus here, so that this computer cannot be switched from afar':
    '系统总线上没有 logind 应答，因此无法远程控制这台电脑的电源',
  'its hardware or its system cannot do that': '其硬件或系统不支持',
  'its system does not allow that to the account that Hither runs as; a polkit rule can':
    '其系统不允许运行 Hither 的账户这样做；可用 polkit 规则放行',
  'its system wants a password for that, which nobody can type from afar; a polkit rule can allow it':
    '其系统为此要求输入密码，而远程无法输入；可用 polkit 规则放行',
  'a program there keeps it from that; systemd-inhibit --list names it': '那里有程序阻止此操作；systemd-inhibit --list 可查看是哪个',
  'it is awake': '它没有睡眠',
  'nothing is to be done': '无需任何操作',
  'no wired network card of it is known': '不知道它的有线网卡',
  'it tells its cards while it is online, to computers that may control it': '它在线时会将网卡告知可控制它的电脑',
  'nobody who is awake is on its network': '其网络中没有开着的电脑',
  'switch on another paired computer there, or this one by hand': '请在那里打开另一台已配对的电脑，或手动打开这台',
  'its network card did not listen for that when it was last online; there, as root: ethtool -s {0} wol g':
    '它上次在线时网卡未启用网络唤醒；请在那台电脑上以 root 身份运行：ethtool -s {0} wol g',
  'the magic packet could not be sent': '无法发送唤醒数据包',
  '{0} has a machine of this name': '{0} 上已有同名虚拟机',
  'choose another name, or name the host: HOST/{0}': '请另选名称，或指明电脑：HOST/{0}',
  'its idempotency key placed {0}': '此幂等键已用于放置 {0}',
  'make room on the disk; nothing was made': '请腾出磁盘空间；未创建任何内容',
  'make room on the disk; nothing was changed': '请腾出磁盘空间；未作任何更改',
  'remove the file; it holds where machines were placed in the last day': '请删除此文件；它只记录最近一天虚拟机的放置位置',
  'mend or remove the file; it holds the roles of this computer only': '请修复或删除此文件；它只保存这台电脑的用途',
  'no host can take it': '没有电脑能容纳它',
  'give it less, or free something': '请减少其资源，或释放一些资源',
  'only a paired computer says that it goes': '只有已配对的电脑才能告知自己将离线',
  'logind refuses': 'logind 拒绝了',
}
