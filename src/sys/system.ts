// The system API as one ordinary module, put together from its parts.
import type { Random } from '../base/ports.ts'
import type { Module, Path } from '../contract/module.ts'
import { auditPaths } from './audit.ts'
import { auditChainPaths, type ChainDeps } from './audit-chain.ts'
import { type AuditViewDeps, auditViewPaths } from './audit-view.ts'
import { auditedHeaderPaths } from './audited-headers.ts'
import { type CapabilityDeps, capabilityPaths } from './capabilities.ts'
import { type EventDeps, eventPaths } from './events.ts'
import { type KeyDeps, keyPaths } from './keys.ts'
import { type ExplainDeps, explainPaths } from './explain.ts'
import { type LockedUsersDeps, lockedUserPaths } from './locked-users.ts'
import { leaseOverviewPaths, type OverviewDeps } from './lease-overview.ts'
import { leasePrefixPaths } from './lease-prefixes.ts'
import { type LeaseQuotaDeps, leaseQuotaPaths } from './lease-quotas.ts'
import { leasePaths } from './leases.ts'
import { type MountDeps, mountPaths } from './mounts.ts'
import { type NamespaceSealDeps, namespaceSealPaths } from './namespace-seals.ts'
import { type NamespaceDeps, namespacePaths } from './namespaces.ts'
import { policyPaths } from './policies.ts'
import { type QuotaDeps, quotaPaths } from './quotas.ts'
import { rekeyPaths } from './rekey.ts'
import { type RemountDeps, remountPaths } from './remount.ts'
import { type ServerPort, serverPaths } from './server.ts'
import { type StateDeps, statePaths } from './state.ts'
import { toolPaths } from './tools.ts'
import { type UiDeps, uiPaths } from './ui.ts'
import { type WhoamiDeps, whoamiPaths } from './whoami.ts'
import type { AuditedHeaders } from '../audit/headers.ts'
import type { Wrapping } from '../token/wrapping.ts'
import { wrappingPaths } from './wrapping.ts'
import type { TenantOf } from './tenant.ts'

export interface SystemDeps {
  readonly state: StateDeps
  readonly keys: KeyDeps
  readonly mounts: MountDeps
  readonly tenant: TenantOf
  readonly namespaces: NamespaceDeps & NamespaceSealDeps
  readonly capabilities: CapabilityDeps
  readonly audit: ChainDeps & { readonly headers: AuditedHeaders }
  readonly auditView: AuditViewDeps
  readonly ui: UiDeps
  readonly quotas: QuotaDeps
  readonly lockedUsers: LockedUsersDeps
  readonly explain: ExplainDeps
  readonly whoami: WhoamiDeps
  readonly wrapping: Wrapping
  readonly server: ServerPort
  readonly events: EventDeps
  readonly random: Random
  readonly leases: OverviewDeps & LeaseQuotaDeps
  readonly remount: RemountDeps
  /** Paths that need rooms above this one: what can be mounted, and the OpenAPI document. */
  readonly more: readonly Path[]
}

export function systemModule(deps: SystemDeps): Module {
  return {
    kind: 'system',
    type: 'system',
    doc: 'System endpoints: state, namespaces, mounts, policies, audit.',
    paths: [
      ...statePaths(deps.state),
      ...keyPaths(deps.keys),
      ...rekeyPaths(deps.keys.holderOf, deps.keys.backups),
      ...mountPaths(deps.mounts),
      ...remountPaths(deps.remount),
      ...policyPaths(deps.tenant),
      ...namespacePaths(deps.namespaces),
      ...namespaceSealPaths(deps.namespaces),
      ...capabilityPaths(deps.capabilities),
      ...auditPaths(deps.audit.devices),
      ...auditChainPaths(deps.audit),
      ...auditViewPaths(deps.auditView),
      ...auditedHeaderPaths(deps.audit.headers),
      ...uiPaths(deps.ui),
      ...quotaPaths(deps.quotas),
      ...lockedUserPaths(deps.lockedUsers),
      ...explainPaths(deps.explain),
      ...whoamiPaths(deps.whoami),
      ...wrappingPaths(deps.wrapping),
      ...serverPaths(deps.server),
      ...eventPaths(deps.events),
      ...toolPaths(deps.random),
      ...leasePaths(deps.leases),
      ...leasePrefixPaths(deps.leases),
      ...leaseOverviewPaths(deps.leases),
      ...leaseQuotaPaths(deps.leases),
      ...deps.more,
    ],
  }
}
