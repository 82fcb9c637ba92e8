/** What a node says about machines that move, in Chinese. */
export const moveNodeZh: Record<string, string> = {
  'name the host that it is to move to': '请指定要迁移到的主机',
  'no such migration': '没有此迁移',
  'copies files': '正在复制文件',
  'what is in its CD drive is not in Hither\'s pool: {0}': '其光驱中的文件不在 Hither 的存储池中：{0}',
  'eject it first': '请先弹出',
  'a machine moves while it runs or is off': '虚拟机在运行或关机时可以迁移',
  'copies disks and memory': '正在复制磁盘和内存',
  'the two hosts are not paired': '这两台主机尚未配对',
  'pair the machine\'s host with the one it is to move to, with admin both ways': '请将虚拟机所在主机与目标主机配对，并互相授予 admin',
  'rename one of the two, or remove the other host\'s': '请重命名其中一台，或删除另一主机上的那台',
  'it stopped in the middle: {0}': '迁移中途停止：{0}',
  'that computer was not granted admin': '该电脑未获授 admin',
  'it goes on here or there as soon as the two hosts see each other again': '两台主机重新连通后，它会在其中一边继续运行',
  'there is no such host': '没有此主机',
  'the machine is there already': '虚拟机已在该主机上',
  'virtual machines can move to another host': '虚拟机可以迁移到其他主机',
}
