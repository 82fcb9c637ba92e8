// The devices of the computers "cloud" and "laptop"; "nas" has none.
import { create } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import { DeviceSchema, DeviceService } from '../../src/api/gen/hither/v1/device_pb'

const devices = [
  create(DeviceSchema, { id: 'usb:046d:c52b', kind: 'usb', name: 'Logitech, Inc. Unifying Receiver', drivers: ['usbhid'], group: -1 }),
  create(DeviceSchema, { id: 'usb:0951:1666', kind: 'usb', name: 'Kingston Technology DataTraveler 100 G3/G4/SE9 G2', drivers: ['usb-storage'], group: -1, machines: ['build-01'] }),
  create(DeviceSchema, { id: 'usb:1050:0407', kind: 'usb', name: 'Yubico.com Yubikey 4/5 OTP+U2F+CCID', drivers: ['usbfs', 'usbhid'], group: -1 }),
  ...[['01:00.0', 'NVIDIA Corporation GP104 [GeForce GTX 1080]', 'nvidia'], ['03:00.0', 'Samsung Electronics Co Ltd NVMe SSD Controller SM981/PM981/PM983', 'nvme']].map(
    ([at, name, driver]) =>
      create(DeviceSchema, {
        id: 'pci:0000:' + at, kind: 'pci', name: name!, drivers: [driver!], group: -1, note: 'its computer has no IOMMU that is on',
        hint: "switch on VT-d or AMD-Vi in the computer's firmware, and start its Linux with intel_iommu=on or amd_iommu=on",
      }),
  ),
]

/** Those of this computer: one cannot come over the network. */
const here = [
  create(DeviceSchema, { id: 'usb:04b8:0202', kind: 'usb', name: 'Seiko Epson Corp. Interface Card UB-U05 for Thermal Receipt Printers', drivers: ['usblp'], group: -1 }),
  create(DeviceSchema, { id: 'usb:058f:9540', kind: 'usb', name: 'Alcor Micro Corp. AU9540 Smartcard Reader', drivers: ['usbfs'], group: -1 }),
  create(DeviceSchema, {
    id: 'usb:8087:0029', kind: 'usb', name: 'Intel Corp. AX200 Bluetooth', drivers: ['btusb'], group: -1,
    farNote: "its computer's node may not open this device",
    farHint: "give the node's user the device by a udev rule there (MODE=\"0660\" with its group, or TAG+=\"uaccess\"), or run the node as root",
  }),
]

export function deviceRoutes(router: ConnectRouter): void {
  router.service(DeviceService, {
    list: ({ host }) => ({ devices: host === 'cloud' || host === '12D3KooWBBB' ? devices : host === '' || host === 'laptop' || host === '12D3KooWAAA' ? here : [] }),
  })
}
