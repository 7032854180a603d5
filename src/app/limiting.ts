// What sys/quotas and sys/locked-users need of the rooms of all namespaces.
import type { CanonPath } from '../base/path.ts'
import type { Ports } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { moveQuotas } from '../lease/quotas.ts'
import type { ModuleOf } from '../modules.ts'
import { moveRules, type Place, type Quotas, type RateRule } from '../quota/quotas.ts'
import type { Tx } from '../store/transact.ts'
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
      below: (of) => namespaces.list(of, 'all').flatMap((one) => (one.doomed || namespaces.isSealed(one) ? [] : [tenants.of(one)])),
    },
  }
}

/** Where a request leads, by its namespace header and its path; one for a namespace that is not there is the root's. */
export function locate({ namespaces, tenants }: Where, header: string, path: CanonPath): Place {
  const resolved = namespaces.resolve(header, path)
  if (!resolved) return { namespace: '', path, mount: undefined }
  const { tenant, path: rest } = resolved
  const mount = namespaces.isSealed(tenant) ? undefined : tenants.of(tenant).mounts.match(rest)
  return { namespace: tenant.path, path: rest, mount }
}

function mountOf({ namespaces, tenants }: Where, { namespace: path, mount }: RateRule): Mount | undefined {
  const namespace = namespaces.at(path)
  return namespace && !namespaces.isSealed(namespace) ? tenants.of(namespace).mounts.byAccessor(mount) : undefined
}

/** What is kept of a mount beside its table goes with it when it moves. */
export function moveWith(tx: Tx, mount: Mount): void {
  moveRules(tx, mount)
  moveQuotas(tx, mount)
}

/** Whether what a rule is for is still there, as far as can be seen. */
export function isInForce(where: Where, rule: RateRule): boolean {
  const namespace = where.namespaces.at(rule.namespace)
  if (!namespace) return false
  return rule.mount === '' || where.namespaces.isSealed(namespace) || mountOf(where, rule) !== undefined
}
