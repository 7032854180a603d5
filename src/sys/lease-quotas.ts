// sys/quotas/lease-count: how many leases may be out at once, in any namespace; managed in the root.
import { bool, int, maybe, or, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import { type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import { BUILT_IN, type Quota, type Quotas } from '../lease/quotas.ts'
import type { Leases } from '../lease/leases.ts'
import type { Tenant } from './tenant.ts'

export interface LeaseQuotaDeps {
  readonly quotas: Quotas
  readonly leases: Pick<Leases, 'count'>
  /** Where a path from the root leads. */
  readonly below: (path: CanonPath) => { readonly tenant: Tenant; readonly path: CanonPath }
}

const input = {
  type: or(text('"lease-count".'), 'lease-count'),
  path: or(text('Path of a namespace or mount whose leases are counted, from the root; empty for the root namespace.'), ''),
  role: or(text('Count only leases of this role of the mount.'), ''),
  max_leases: maybe(int('How many there may be.')),
  inheritable: maybe(bool('Whether it holds in namespaces below that have none of their own; for a quota of a namespace only.')),
}

export function leaseQuotaPaths(deps: LeaseQuotaDeps): Path[] {
  const { quotas } = deps
  return [
    path('quotas/lease-count', 'Lease-count quotas.', {}, (op) => ({
      list: op({
        doc: 'List their names.',
        run: () =>
          keys(
            quotas
              .list()
              .map(({ name }) => name)
              .sort(),
          ),
      }),
    })),
    path('quotas/lease-count/:name', 'A lease-count quota.', { name: text('Name of the quota.') }, (op) => ({
      read: op({
        doc: 'Read a quota, and how much of it is used.',
        run(_, { name }) {
          const quota = quotas.get(name)
          return quota ? data(describe(deps, quota)) : missing()
        },
      }),
      write: op({ doc: 'Make or change a quota.', input, run: (_, given) => write(deps, given) }),
      delete: op({
        doc: 'Remove a quota; "default" goes back to the figure it had.',
        async run(_, { name }) {
          await quotas.delete(name)
          return empty()
        },
      }),
    })),
  ]
}

function describe({ leases }: LeaseQuotaDeps, { name, path: at, namespace, mount, role, maxLeases, inheritable }: Quota): JsonObject {
  const scope = { namespace, ...(mount === '' ? {} : { mount }), ...(role === '' ? {} : { role }) }
  return { name, type: 'lease-count', path: at, role, max_leases: maxLeases, counter: leases.count(scope), inheritable }
}

async function write(deps: LeaseQuotaDeps, given: Values<typeof input> & { name: string }): Promise<Reply> {
  const { name, role, max_leases: maxLeases = 0 } = given
  const { tenant, mount, rest } = placeOf(deps, given.path)
  refuse({ ...given, maxLeases, mount, rest })
  const { id, path: home } = tenant.namespace
  const inheritable = given.inheritable ?? (home === '' && !mount)
  const place = { namespace: id, mount: mount?.uuid ?? '', role, path: home + (mount?.path ?? '') }
  const other = await deps.quotas.put({ ...place, name, maxLeases, inheritable })
  if (other !== undefined) throw new Fault('invalid', `quota rule with similar properties exists under the name "${other}"`)
  return empty()
}

/** `rest` is what leads to no mount. */
function placeOf({ below }: LeaseQuotaDeps, given: string): { tenant: Tenant; mount: Mount | undefined; rest: string } {
  const at = given.replace(/^\/+|\/+$/g, '')
  const { tenant, path: rest } = below((at === '' ? '' : `${parsePath(at)}/`) as CanonPath)
  return { tenant, mount: tenant.mounts.at(rest), rest }
}

interface Asked extends Pick<Values<typeof input>, 'path' | 'type' | 'role' | 'inheritable'> {
  readonly name: string
  readonly maxLeases: number
  readonly mount: Mount | undefined
  readonly rest: string
}

function refuse({ name, path: given, rest, mount, role, maxLeases, type, inheritable }: Asked): void {
  const rules: readonly (readonly [boolean, string])[] = [
    [type !== 'lease-count', `invalid quota type "${type}"`],
    [maxLeases < 1, "'max_leases' is invalid"],
    [rest !== '' && !mount, `invalid mount path "${given}"`],
    [mount?.class === 'auth', `Mount path "${given}" is that of an auth method: tokens are not counted as leases`],
    [role !== '' && !mount, 'role requires the path of a mount'],
    [inheritable === true && mount !== undefined, 'inheritable can only be set on quotas of a namespace'],
    [name === BUILT_IN.name && (given !== '' || role !== ''), `the quota "${name}" is that of the root namespace, without a path or a role`],
  ]
  for (const [broken, message] of rules) if (broken) throw new Fault('invalid', message)
}
