import { appZh } from './node.app.zh'
import { computerNodeZh } from './node.computer.zh'
import { consoleNodeZh } from './node.console.zh'
import { backupNodeZh } from './node.backup.zh'
import { copiesNodeZh } from './node.copies.zh'
import { deviceNodeZh } from './node.device.zh'
import { folderNodeZh } from './node.folder.zh'
import { hardwareNodeZh } from './node.hardware.zh'
import { hostZh } from './node.host.zh'
import { imageNodeZh } from './node.image.zh'
import { inviteNodeZh } from './node.invite.zh'
import { jobNodeZh } from './node.job.zh'
import { meterNodeZh } from './node.meter.zh'
import { moveNodeZh } from './node.move.zh'
import { netbootNodeZh } from './node.netboot.zh'
import { networkNodeZh } from './node.network.zh'
import { snapshotNodeZh } from './node.snapshot.zh'
import { trustNodeZh } from './node.trust.zh'
import { meshNodeZh } from './node.mesh.zh'
import { siteNodeZh } from './node.site.zh'
import { tunnelNodeZh } from './node.tunnel.zh'
import { ownerNodeZh } from './node.owner.zh'

/**
 * What a node says, in Chinese. A key is the English text as the Go sources have
 * it, with {0}, {1} … for the parts that vary; a test of the sources
 * (internal/house) fails when one is missing.
 */
export const nodeZh: Record<string, string> = {
  ...appZh,
  ...computerNodeZh,
  ...consoleNodeZh,
  ...backupNodeZh,
  ...copiesNodeZh,
  ...deviceNodeZh,
  ...folderNodeZh,
  ...hardwareNodeZh,
  ...hostZh,
  ...imageNodeZh,
  ...inviteNodeZh,
  ...jobNodeZh,
  ...meterNodeZh,
  ...moveNodeZh,
  ...netbootNodeZh,
  ...networkNodeZh,
  ...snapshotNodeZh,
  ...trustNodeZh,
  ...meshNodeZh,
  ...tunnelNodeZh,
  ...siteNodeZh,
  ...ownerNodeZh,
}
