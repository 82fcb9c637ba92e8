/** What a node says about devices of its computer, in Chinese. */
export const deviceNodeZh: Record<string, string> = {
  'a device called {0}': '名为 {0} 的设备',
  'hither host devices shows the devices there are': 'hither host devices 可列出现有设备',
  'its computer has no device "{0}"': '其电脑没有设备 {0}',
  'it has no device "{0}"': '它没有设备 {0}',
  'it has that device': '它已有此设备',
  'the machine {0} has that device and runs': '虚拟机 {0} 正在运行并占用此设备',
  'take it away there first: hither machine device rm': '请先在那里取走：hither machine device rm',
  'several devices are called that': '有多个设备叫这个名字',
  'say which: {0}': '请指明：{0}',
  'a PCI device comes when the machine starts': 'PCI 设备在虚拟机启动时可用',
  'its computer has no IOMMU that is on': '其电脑没有启用 IOMMU',
  'switch on VT-d or AMD-Vi in the computer\'s firmware, and start its Linux with intel_iommu=on or amd_iommu=on':
    '请在电脑固件中启用 VT-d 或 AMD-Vi，并以 intel_iommu=on 或 amd_iommu=on 启动其 Linux',
  'libvirt runs as an ordinary user here, who may not take PCI devices': '这里的 libvirt 以普通用户运行，不能占用 PCI 设备',
  'PCI devices need the computer\'s own libvirt: start the node with hither up --libvirt qemu:///system':
    'PCI 设备需要电脑自己的 libvirt：请用 hither up --libvirt qemu:///system 启动节点',
  'libvirt runs as an ordinary user here, who may not open this device': '这里的 libvirt 以普通用户运行，不能打开此设备',
  'start the node with hither up --libvirt qemu:///system, or give its user the device by a udev rule (MODE or TAG+="uaccess")':
    '请用 hither up --libvirt qemu:///system 启动节点，或用 udev 规则（MODE 或 TAG+="uaccess"）把设备交给其用户',
  'it has no VNC display: it is shown by screenshots and takes keys only; give it a VNC display for its next start':
    '它没有 VNC 显示器：用屏幕截图显示，只接受键盘；可为下次启动添加一个 VNC 显示器',
  '{0} keys at once': '同时 {0} 个键',
  'strike 1 to {0}': '请按 1 到 {0} 个键',
  'apps are installed by a cloud image': '应用由云镜像安装',
  'name one, as in --image debian-13 --apps firefox': '请指定一个，例如 --image debian-13 --apps firefox',
  'too many apps': '应用太多',
  'give at most 32 apps; the others can be installed in it': '最多 32 个应用；其余的可以在虚拟机里安装',
  'its apps are installed when it starts: {0}': '启动时安装应用：{0}',
  'its apps are being installed: {0}': '正在安装应用：{0}',
  'these did not install: {0}; /var/log/cloud-init-output.log in it says why': '这些没有装上：{0}；原因见其中的 /var/log/cloud-init-output.log',
  'its apps are being installed': '正在安装应用',
  'that takes some minutes after its first start; its screen and its console show how far it is': '首次启动后需要几分钟；其屏幕和控制台会显示进度',
  'take the devices of its computer away first: hither machine device rm': '请先取走其电脑的设备：hither machine device rm',
  'giving a machine a device of its computer needs admin there': '把电脑的设备交给虚拟机需要那台电脑的管理权限',
  'ask its owner for it: hither host grant HOST admin': '请向其所有者申请：hither host grant HOST admin',
}
