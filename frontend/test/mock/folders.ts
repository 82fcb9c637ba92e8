// Folders that are added, in memory.
import { create } from '@bufbuild/protobuf'
import type { ConnectRouter } from '@connectrpc/connect'
import { FolderSchema, FolderService } from '../../src/api/gen/hither/v1/folder_pb'
import * as world from './world'

export function folderRoutes(router: ConnectRouter, tell: (c: object) => void): void {
  router.service(FolderService, {
    add: ({ name, path }) => {
      const folder = create(FolderSchema, { host: 'laptop', name, path, state: 'scanning' })
      world.folders.push(folder)
      tell({ kind: 'folder', folder })
      return folder
    },
    share: () => ({}),
    remove: () => ({}),
  })
}
