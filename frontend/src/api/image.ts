import { date } from './convert'
import type { CatalogueImage as PbCatalogueImage, Image as PbImage } from './gen/hither/v1/image_pb'
import type { CatalogueImage, Image } from './model'

const format = (f: string): Image['format'] => (f === 'qcow2' || f === 'raw' || f === 'iso' ? f : '')

export function image(i: PbImage): Image {
  const { name, sum, source, user, usedBy } = i
  return {
    name, sum, source, user, usedBy,
    format: format(i.format),
    bytes: Number(i.bytes),
    diskBytes: Number(i.diskBytes),
    added: date(i.added),
  }
}

export function catalogue(i: PbCatalogueImage): CatalogueImage {
  const { name, title, arch, user } = i
  return {
    name, title, arch, user,
    format: format(i.format),
    checked: i.sum !== '' || i.sumsUrl !== '',
    memoryBytes: Number(i.memoryBytes),
    diskBytes: Number(i.diskBytes),
  }
}
