import { appZh } from './node.app.zh'
import { computerNodeZh } from './node.computer.zh'
import { hostZh } from './node.host.zh'
import { jobNodeZh } from './node.job.zh'
import { moveNodeZh } from './node.move.zh'
import { snapshotNodeZh } from './node.snapshot.zh'

/**
 * What a node says, in Chinese. A key is the English text as the Go sources have
 * it, with {0}, {1} … for the parts that vary; a test of the sources
 * (internal/house) fails when one is missing.
 */
export const nodeZh: Record<string, string> = { ...appZh, ...computerNodeZh, ...hostZh, ...jobNodeZh, ...moveNodeZh, ...snapshotNodeZh }
