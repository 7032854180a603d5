// A KV mount's `version` option: which are allowed, and that a versioned mount never goes back.
import { Fault } from '../../base/fault.ts'
import type { Mount } from '../../contract/mount.ts'

/** '1' or '2', as mounted or tuned. */
export function versionOf(mount: Pick<Mount, 'options'>): '1' | '2' {
  const version = mount.options?.['version'] ?? ''
  if (version === '' || version === '1') return '1'
  if (version === '2') return '2'
  throw new Fault('invalid', `invalid version provided: ${version}`)
}

/**
 * Going from 1 to 2 takes no work: both keep a secret under the same key, and version 2 reads what version 1 wrote
 * as a secret with one version.
 */
export function configure(before: Mount | undefined, after: Mount): void {
  const version = versionOf(after)
  if (before && versionOf(before) > version) throw new Fault('invalid', `cannot downgrade mount from version ${versionOf(before)}`)
}
