// sys/quotas/lease-count: how many leases may be out at once.
import { bool, int, maybe, or, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import { BUILT_IN, type Quota, type Quotas } from '../lease/quotas.ts'
import type { Leases } from '../lease/leases.ts'

export interface LeaseQuotaDeps {
  readonly quotas: Quotas
  readonly leases: Pick<Leases, 'count'>
  readonly namespaceOf: (mount: Mount) => string
  /** The mount at a path, ending in a slash, of the namespace that `mount` is in. */
  readonly mountAt: (mount: Mount, path: string) => Mount | undefined
}

const input = {
  type: or(text('"lease-count".'), 'lease-count'),
  path: or(text('Path of the mount whose leases are counted; empty for all of the namespace.'), ''),
  role: or(text('Count only leases of this role of the mount.'), ''),
  max_leases: maybe(int('How many there may be.')),
  inheritable: maybe(bool('Whether it holds in namespaces below that have none of their own; for a quota of the namespace only.')),
}

export function leaseQuotaPaths(deps: LeaseQuotaDeps): Path[] {
  const { quotas, namespaceOf } = deps
  return [
    path('quotas/lease-count', 'Lease-count quotas.', {}, (op) => ({
      list: op({ doc: 'List their names.', run: ({ mount }) => keys(quotas.list(namespaceOf(mount)).map(({ name }) => name)) }),
    })),
    path('quotas/lease-count/:name', 'A lease-count quota.', { name: text('Name of the quota.') }, (op) => ({
      read: op({
        doc: 'Read a quota, and how much of it is used.',
        run({ mount }, { name }) {
          const quota = quotas.get(namespaceOf(mount), name)
          return quota ? data(describe(deps, mount, quota)) : missing()
        },
      }),
      write: op({ doc: 'Make or change a quota.', input, run: (ctx, given) => write(deps, ctx, given) }),
      delete: op({
        doc: 'Remove a quota; "default" goes back to the figure it had.',
        async run({ mount }, { name }) {
          await quotas.delete(namespaceOf(mount), name)
          return empty()
        },
      }),
    })),
  ]
}

function describe({ leases, namespaceOf, mountAt }: LeaseQuotaDeps, mount: Mount, quota: Quota): JsonObject {
  const namespace = namespaceOf(mount)
  const of = quota.path === '' ? undefined : mountAt(mount, quota.path)
  const scope = of ? { namespace, mount: of.uuid, ...(quota.role === '' ? {} : { role: quota.role }) } : { namespace }
  return {
    name: quota.name,
    type: 'lease-count',
    path: quota.path,
    role: quota.role,
    max_leases: quota.maxLeases,
    counter: leases.count(scope),
    inheritable: quota.inheritable,
  }
}

async function write(deps: LeaseQuotaDeps, { mount }: Ctx, given: Values<typeof input> & { name: string }): Promise<Reply> {
  const { name, role, max_leases: maxLeases = 0 } = given
  const at = given.path.replace(/^\/+|\/+$/g, '')
  const where = at === '' ? '' : `${at}/`
  refuse(deps, mount, { name, role, where, maxLeases, type: given.type, inheritable: given.inheritable })
  const inheritable = given.inheritable ?? (where === '' && mount.namespace === '')
  const other = await deps.quotas.put(deps.namespaceOf(mount), { name, path: where, role, maxLeases, inheritable })
  if (other !== undefined) throw new Fault('invalid', `quota rule with similar properties exists under the name "${other}"`)
  return empty()
}

interface Asked {
  readonly name: string
  readonly where: string
  readonly role: string
  readonly maxLeases: number
  readonly type: string
  readonly inheritable: boolean | undefined
}

function refuse({ mountAt }: LeaseQuotaDeps, mount: Mount, { name, where, role, maxLeases, type, inheritable }: Asked): void {
  const of = where === '' ? undefined : mountAt(mount, where)
  const rules: readonly (readonly [boolean, string])[] = [
    [type !== 'lease-count', `invalid quota type "${type}"`],
    [maxLeases < 1, "'max_leases' is invalid"],
    [where !== '' && !of, `invalid mount path "${where.slice(0, -1)}"`],
    [of?.class === 'auth', `Mount path "${where}" is that of an auth method: tokens are not counted as leases`],
    [role !== '' && where === '', 'role requires the path of a mount'],
    [inheritable === true && where !== '', 'inheritable can only be set on quotas of a namespace'],
    [name === BUILT_IN.name && (where !== '' || role !== ''), `the quota "${name}" is that of the namespace, without a path or a role`],
  ]
  for (const [broken, message] of rules) if (broken) throw new Fault('invalid', message)
}
