// What sys/quotas and sys/locked-users need of the rooms of all namespaces.
import type { CanonPath } from '../base/path.ts'
import type { Ports } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import type { ModuleOf } from '../modules.ts'
import type { Place, Quotas, RateRule } from '../quota/quotas.ts'
import type { SystemDeps } from '../sys/system.ts'
import type { TenantOf } from '../sys/tenant.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Tenants } from './tenants.ts'

interface Where {
  readonly namespaces: Namespaces
  readonly tenants: Tenants
}

export interface LimitingDeps extends Where {
  readonly quotas: Quotas
  readonly ports: Pick<Ports, 'clock' | 'random'>
  readonly moduleOf: ModuleOf
  readonly tenant: TenantOf
}

export function limiting(deps: LimitingDeps): Pick<SystemDeps, 'quotas' | 'lockedUsers'> {
  const { quotas, namespaces, tenants, ports, moduleOf, tenant } = deps
  const { clock, random } = ports
  return {
    quotas: { quotas, random, moduleOf, locate: (path) => locate(deps, '', path), mountOf: (rule) => mountOf(deps, rule) },
    lockedUsers: {
      tenant,
      moduleOf,
      clock,
      random,
      below: (of) => namespaces.list(of, 'all').flatMap((one) => (one.doomed ? [] : [tenants.of(one)])),
    },
  }
}

/** Where a request leads, by its namespace header and its path; one for a namespace that is not there is the root's. */
export function locate({ namespaces, tenants }: Where, header: string, path: CanonPath): Place {
  const resolved = namespaces.resolve(header, path)
  if (!resolved) return { namespace: '', path, mount: undefined }
  return { namespace: resolved.tenant.path, path: resolved.path, mount: tenants.of(resolved.tenant).mounts.match(resolved.path) }
}

function mountOf({ namespaces, tenants }: Where, { namespace: path, mount }: RateRule): Mount | undefined {
  const namespace = namespaces.at(path)
  return namespace && tenants.of(namespace).mounts.byAccessor(mount)
}

/** Whether what a rule is for is still there. */
export function isInForce(where: Where, rule: RateRule): boolean {
  return rule.mount === '' ? where.namespaces.at(rule.namespace) !== undefined : mountOf(where, rule) !== undefined
}
