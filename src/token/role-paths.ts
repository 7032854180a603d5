// auth/token/roles: making, changing, reading, listing and removing token roles.
import { coreFault } from '../base/fault.ts'
import { text } from '../base/fields.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { ignoredNames, mergeRole, newRole, roleInput, showRole, type TokenRole } from './role.ts'

const roles = records<TokenRole>('role/')

/** ASCII letters, digits and `_`, with `-` and `.` inside. */
const NAME = /^\w(?:[\w.-]*\w)?$/

export const roleParam = { role_name: text('Name of the role.') }

/** `store` is the token mount's own. */
export function roleNamed(store: Store, name: string): TokenRole | undefined {
  return roles.get(store, name)
}

/** A name in a path that no role may have is a path that nobody serves: it throws `missing`. */
export function roleName(raw: string): string {
  if (!NAME.test(raw)) throw coreFault('missing', 'unsupported path')
  return raw
}

export function rolePaths(): Path[] {
  return [
    path('roles', 'The token roles.', {}, (op) => ({ list: op({ doc: 'List roles.', run: (ctx) => keys(roles.ids(ctx.store)) }) })),
    path('roles/:role_name', 'A token role: what tokens made through it may be.', roleParam, (op) => ({
      read: op({ doc: 'Read a role.', run: (ctx, { role_name }) => show(ctx, roleName(role_name)) }),
      write: op({
        doc: 'Make or change a role; what is not given stays.',
        input: roleInput,
        exists: (ctx, { role_name }) => roles.get(ctx.store, roleName(role_name)) !== undefined,
        run: (ctx, input) => write(ctx, input),
      }),
      delete: op({
        doc: 'Remove a role. Its tokens live on, and can no longer be renewed.',
        run: (ctx, { role_name }) => remove(ctx, roleName(role_name)),
      }),
    })),
  ]
}

function show(ctx: Ctx, name: string): Reply {
  const role = roles.get(ctx.store, name)
  return role ? data(showRole(role)) : missing()
}

async function write(ctx: Ctx, input: Parameters<typeof mergeRole>[1] & { readonly role_name: string }): Promise<Reply> {
  const name = roleName(input.role_name)
  const role = await transact(ctx.store, (tx) => {
    const merged = mergeRole(roles.get(tx, name) ?? newRole(name), input)
    roles.put(tx, name, merged)
    return merged
  })
  const { maxTtl } = ctx.bounds
  const long = `Given explicit max TTL of ${role.explicitMaxTtl} is greater than system/mount allowed value of ${maxTtl} seconds; tokens made against this role will end by the latter`
  return empty(...ignoredNames(input), ...(role.explicitMaxTtl > maxTtl ? [long] : []))
}

async function remove(ctx: Ctx, name: string): Promise<Reply> {
  await transact(ctx.store, (tx) => roles.delete(tx, name))
  return empty()
}
