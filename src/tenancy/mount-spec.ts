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

export function newMount(spec: MountSpec, made: { uuid: string; accessor: string }): Mount {
  return {
    ...made,
    namespace: '',
    class: spec.class,
    type: spec.type,
    path: spec.path,
    description: spec.description ?? '',
    config: { ...PLAIN_CONFIG, ...spec.config },
    options: spec.options ?? undefined,
    local: spec.local ?? false,
  }
}
