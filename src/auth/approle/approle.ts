// Auth method: a role ID that names what logs in, and a secret ID that proves it; for machines.
import { int, list, maybe, or, seconds, secret, text } from '../../base/fields.ts'
import { type Module, type Path, path } from '../../contract/module.ts'
import { type LockoutRuleOf, lockoutRules } from '../lockout-rule.ts'
import { openLockout, unlock } from '../lockout.ts'
import { normalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { facets } from './facets.ts'
import { logIn, renew, roleOfLogin } from './login.ts'
import { deleteRole, listRoles, readRole, roleExists, writeRole } from './role-ops.ts'
import { roleFields, roleInput } from './roles.ts'
import { destroy, destroyByAccessor, generate, listAccessors, lookUp, lookUpByAccessor, registerCustom } from './secret-id-ops.ts'
import { sweepSecretIds, tidy } from './tidy.ts'

export interface AppRoleDeps {
  readonly lockoutRule?: LockoutRuleOf
}

const roleName = { role_name: text('Name of the role; letter case makes no difference.') }
const page = { after: or(text('Name after which the list starts.'), ''), limit: or(int('Names at most; 0 for all.'), 0) }
const bySecretId = { secret_id: or(secret(text('A secret ID of the role.')), '') }
const byAccessor = { secret_id_accessor: or(text('Accessor of a secret ID of the role.'), '') }
const secretIdInput = {
  metadata: or(text('Shown with the tokens: JSON or `key=value` pairs, in one text.'), ''),
  cidr_list: or(list('Address blocks from which it may be used; within those of the role.'), []),
  token_bound_cidrs: or(list('Address blocks from which its tokens may be used; within those of the role.'), []),
  num_uses: maybe(int("Logins it is good for; not more than the role's.")),
  ttl: maybe(seconds("Its life; not longer than the role's.")),
}
const given = {
  secret_id: secret(text('Shown once.')),
  secret_id_accessor: text('Names it, and can not be used to log in.'),
  secret_id_ttl: seconds('Its life; 0 is without end.'),
  secret_id_num_uses: int('Logins it is good for; 0 is without limit.'),
}
const properties = {
  secret_id_accessor: given.secret_id_accessor,
  secret_id_num_uses: int('Logins left; 0 is without limit.'),
  secret_id_ttl: given.secret_id_ttl,
  creation_time: text('When it was given out, as RFC 3339.'),
  expiration_time: text('When it ends; year 1 for never.'),
  last_updated_time: text('When it was last used, where its uses are limited.'),
  cidr_list: secretIdInput.cidr_list,
  token_bound_cidrs: secretIdInput.token_bound_cidrs,
}

export function approle({ lockoutRule = lockoutRules() }: AppRoleDeps = {}): Module {
  const lockout = openLockout(lockoutRule)
  return {
    kind: 'auth',
    type: 'approle',
    doc: 'Log in with a role ID and a secret ID.',
    renew,
    lockout: { locked: lockout.locked, unlock: async (ctx, name) => unlock(ctx.store, await openDigest(ctx), normalise('role-id', name)) },
    sweep: sweepSecretIds,
    roleOf: roleOfLogin,
    paths: [
      path('login', 'Logging in.', {}, (op) => ({
        write: op({
          doc: 'Log in with a role ID and, where the role asks for it, a secret ID.',
          input: { role_id: or(text('The role ID.'), ''), ...bySecretId },
          access: 'open',
          run: (ctx, input) => logIn(ctx, input, lockout),
        }),
      })),
      path('role', 'The roles of this mount.', {}, (op) => ({ list: op({ doc: 'List the names of the roles.', input: page, run: listRoles }) })),
      path('role/:role_name', 'A role.', roleName, (op) => ({
        write: op({
          doc: 'Create a role, or change what is sent.',
          input: roleInput,
          exists: roleExists,
          run: (ctx, input) => writeRole(ctx, input, ctx.bounds.maxTtl),
        }),
        read: op({ doc: 'Read a role.', output: roleFields, run: readRole }),
        delete: op({ doc: 'Remove a role with its secret IDs.', run: deleteRole }),
      })),
      ...facets(roleName),
      ...secretIdPaths(),
      path('tidy/secret-id', 'Clearing away.', {}, (op) => ({ write: op({ doc: 'Remove secret IDs that have expired.', run: tidy }) })),
    ],
  }
}

function secretIdPaths(): Path[] {
  return [
    path('role/:role_name/secret-id', 'The secret IDs of a role.', roleName, (op) => ({
      write: op({ doc: 'Make a secret ID.', input: secretIdInput, output: given, run: (ctx, input) => generate(ctx, input, ctx.bounds.maxTtl) }),
      list: op({ doc: 'List the accessors of the secret IDs.', input: page, run: listAccessors }),
    })),
    path('role/:role_name/custom-secret-id', 'Secret IDs that the client chooses.', roleName, (op) => ({
      write: op({
        doc: 'Take a text as a secret ID.',
        input: { ...bySecretId, ...secretIdInput },
        output: given,
        run: (ctx, input) => registerCustom(ctx, input, ctx.bounds.maxTtl),
      }),
    })),
    path('role/:role_name/secret-id/lookup', 'What is known of a secret ID.', roleName, (op) => ({
      write: op({ doc: 'Look it up.', input: bySecretId, output: properties, run: lookUp }),
    })),
    path('role/:role_name/secret-id/destroy', 'The end of a secret ID.', roleName, (op) => {
      const end = op({ doc: 'Destroy it.', input: bySecretId, run: destroy })
      return { write: end, delete: end }
    }),
    path('role/:role_name/secret-id-accessor/lookup', 'What is known of a secret ID, by its accessor.', roleName, (op) => ({
      write: op({ doc: 'Look it up.', input: byAccessor, output: properties, run: lookUpByAccessor }),
    })),
    path('role/:role_name/secret-id-accessor/destroy', 'The end of a secret ID, by its accessor.', roleName, (op) => {
      const end = op({ doc: 'Destroy it.', input: byAccessor, run: destroyByAccessor })
      return { write: end, delete: end }
    }),
  ]
}
