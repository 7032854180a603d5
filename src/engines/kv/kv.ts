// The KV engine of a mount: versioned or not, by its options.
import type { Module } from '../../contract/module.ts'
import type { Mount } from '../../contract/mount.ts'
import { versionOf } from './upgrade.ts'
import { kv1 } from './v1.ts'
import { kv2 } from './v2.ts'

export function kvFor(mount: Pick<Mount, 'options'>): Module {
  return versionOf(mount) === '2' ? kv2 : kv1
}
