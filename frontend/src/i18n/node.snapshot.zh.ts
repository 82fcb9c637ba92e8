/** What a node says about snapshots, in Chinese. */
export const snapshotNodeZh: Record<string, string> = {
  'it has only digits': '名称只有数字',
  'a snapshot name has a letter, as in s{0}': '快照名称须含字母，例如 s{0}',
  'a note is text of at most 1000 bytes': '备注是不超过 1000 字节的文字',
  'choose another name, or remove that snapshot first': '请另选名称，或先删除该快照',
  'no such snapshot': '没有此快照',
  'hither machine snapshot ls shows the snapshots there are': 'hither machine snapshot ls 可列出现有快照',
  '{0} is full: {1} free, up to {2} needed': '{0} 已满：剩余 {1}，最多需要 {2}',
  'virtual machines have snapshots; for a computer, use those of its file system': '虚拟机才有快照；电脑请使用其文件系统的快照',
  'only qcow2 disks keep snapshots, and none beside UEFI firmware; convert a disk with: qemu-img convert -O qcow2 OLD NEW':
    '只有 qcow2 磁盘能保存快照，且不能与 UEFI 固件同用；转换磁盘：qemu-img convert -O qcow2 OLD NEW',
  'it is saved, and its memory belongs to its disks as they are': '它已保存，其内存与磁盘现状对应',
  'its disk {0} is {1}, which keeps no snapshots': '其磁盘 {0} 为 {1} 格式，无法保存快照',
  'convert the disk: qemu-img convert -O qcow2 OLD NEW, or make a machine of it with hither machine create --image':
    '转换磁盘：qemu-img convert -O qcow2 OLD NEW，或用 hither machine create --image 以它创建虚拟机',
  'it has no disk of its own to keep one in': '它没有可保存快照的磁盘',
  'give it a qcow2 disk, as in hither machine create --disk 1GiB': '请给它一块 qcow2 磁盘，例如 hither machine create --disk 1GiB',
  'the disks of a running machine are kept with its memory only': '运行中的虚拟机只能连同内存一起保存',
  'its disk {0} keeps a snapshot of that name, which libvirt does not know': '其磁盘 {0} 中有一个同名快照，而 libvirt 并不知道它',
  'stop the machine first, or keep the memory': '请先关机，或保留内存',
}
