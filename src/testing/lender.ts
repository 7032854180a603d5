// An engine that lends accounts of some outside system, for tests of leases: the product has none like it, and no one else uses it.
import { bool, or, seconds, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { base62 } from '../base/ids.ts'
import type { LeaseKind, Term } from '../contract/lease.ts'
import { type Ctx, type Module, path } from '../contract/module.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { MountKind, ModuleOf } from '../modules.ts'
import { records } from '../store/records.ts'
import { transact } from '../store/transact.ts'

/** Where the accounts live. Each call may fail, take long, or never come back; removing what is not there succeeds. */
export interface Outside {
  add(name: string, password: string, term: Term): Promise<void>
  prolong(name: string, term: Term): Promise<void>
  remove(name: string, signal: AbortSignal): Promise<void>
}

interface Role {
  readonly ttl: number
  readonly maxTtl: number
  readonly renewable: boolean
  /** '' for the mount's only one. */
  readonly target: string
}

const roles = records<Role>('role/')
const roleInput = {
  ttl: or(seconds('How long an account lives.'), 0),
  max_ttl: or(seconds('How long at most.'), 0),
  renewable: or(bool('Whether it can live longer than at first.'), true),
  target: or(text('Which outside system; for its circuit.'), ''),
}

/** `outside` is asked for by the name of the target. */
export function lender(outside: (target: string) => Outside): Module {
  const account: LeaseKind = {
    renew(ctx, { internal }) {
      const role = roles.get(ctx.store, internal['role'] as string)
      if (!role) throw new Fault('invalid', 'the role is gone')
      const name = internal['name'] as string
      return { ...role, act: (term) => outside(role.target).prolong(name, term) }
    },
    revoke: (_, { internal }, signal) => outside(internal['target'] as string).remove(internal['name'] as string, signal),
  }
  return {
    kind: 'engine',
    type: 'lender',
    doc: 'Lends accounts.',
    leases: { account },
    paths: [
      path('role/:name', 'A role.', { name: text('Its name.') }, (op) => ({ write: op({ doc: 'Make it.', input: roleInput, run: writeRole }) })),
      path('creds/:name', 'Accounts of a role.', { name: text('Its name.') }, (op) => ({
        read: op({ doc: 'Borrow one.', run: (ctx, { name }) => lend(ctx, name, outside) }),
      })),
    ],
  }
}

async function writeRole(
  ctx: Ctx,
  { name, ...given }: { name: string; ttl: number; max_ttl: number; renewable: boolean; target: string },
): Promise<Reply> {
  const { ttl, max_ttl: maxTtl, renewable, target } = given
  await transact(ctx.store, (tx) => roles.put(tx, name, { ttl, maxTtl, renewable, target }))
  return empty()
}

function lend(ctx: Ctx, role: string, outside: (target: string) => Outside): Reply {
  const found = roles.get(ctx.store, role)
  if (!found) throw new Fault('invalid', `unknown role: ${role}`)
  const { ttl, maxTtl, renewable, target } = found
  const name = `v-${role}-${base62(ctx.random, 20)}`
  const password = base62(ctx.random, 20)
  const act = (term: Term) => outside(target).add(name, password, term)
  return data({ name, password }, { lease: { kind: 'account', ttl, maxTtl, renewable, role, target, internal: { role, name, target }, act } })
}

/** For a world: serves mounts of the type `lender`. */
export function lending(outside: Outside | ((target: string) => Outside)): ModuleOf {
  const module = lender(typeof outside === 'function' ? outside : () => outside)
  return (mount: MountKind) => (mount.class === 'secret' && mount.type === 'lender' ? module : undefined)
}
