// The rooms of the namespace that a system path is asked in.
import type { Ctx } from '../contract/module.ts'
import type { Namespace } from '../contract/namespace.ts'
import type { Policies } from '../policy/policies.ts'
import type { Mounts } from '../tenancy/mounts.ts'

export interface Tenant {
  readonly namespace: Pick<Namespace, 'id' | 'path' | 'seal'>
  readonly mounts: Mounts
  readonly policies: Policies
}

/** Of the namespace whose system or token mount serves the request. */
export type TenantOf = (ctx: Pick<Ctx, 'mount'>) => Tenant
