import { createClient, type Transport } from '@connectrpc/connect'
import { DeviceService } from './gen/hither/v1/device_pb'

/** A USB or PCI device of a computer that its machines can be given. */
export interface Device {
  /** "usb:0951:1666" or "pci:0000:01:00.0". */
  id: string
  kind: 'usb' | 'pci'
  name: string
  /** The computer's own that use it. */
  drivers: string[]
  /** Its IOMMU group, -1 without one. */
  group: number
  machines: string[]
  /** Why it cannot be given, '' when it can, and what a person can do. */
  note: string
  hint: string
  /** The same of machines of other computers. */
  farNote: string
  farHint: string
}

/** The part of Api for devices of a computer. */
export interface DeviceApi {
  devices(host: string): Promise<Device[]>
}

/** DeviceApi over Connect. */
export function deviceApi(transport: Transport): DeviceApi {
  const devices = createClient(DeviceService, transport)
  return {
    devices: async (host) =>
      (await devices.list({ host })).devices.map(({ id, kind, name, drivers, group, machines, note, hint, farNote, farHint }) => ({
        id, name, drivers, group, machines, note, hint, farNote, farHint, kind: kind === 'pci' ? 'pci' : 'usb',
      })),
  }
}
