// What a new mount is made from, and what it becomes where nothing is said.
import type { Mount, MountClass, MountConfig } from '../contract/mount.ts'

export interface MountSpec {
  readonly path: string
  readonly class: MountClass
  readonly type: string
  readonly description?: string
  readonly config?: Partial<MountConfig>
  readonly options?: Readonly<Record<string, string>>
  readonly local?: boolean
}

const PLAIN_CONFIG: MountConfig = {
  defaultLeaseTtl: 0,
  maxLeaseTtl: 0,
  listingVisibility: '',
  auditNonHmacRequestKeys: [],
  auditNonHmacResponseKeys: [],
  tokenType: 'default-service',
}

/** What the table adds when it takes a mount in. */
export type MountIdentity = Pick<Mount, 'uuid' | 'accessor' | 'slice' | 'namespace' | 'namespaceId'>

export function newMount(spec: MountSpec, made: MountIdentity): Mount {
  return {
    ...made,
    class: spec.class,
    type: spec.type,
    path: spec.path,
    description: spec.description ?? '',
    config: { ...PLAIN_CONFIG, ...spec.config },
    options: spec.options ?? undefined,
    local: spec.local ?? false,
  }
}
