// Auth method: a user name and a password, kept as an argon2id hash.
import { int, list, maybe, or, seconds, secret, text } from '../../base/fields.ts'
import { type Module, path } from '../../contract/module.ts'
import type { Passwords } from '../../crypto/password.ts'
import { type LockoutRuleOf, lockoutRules } from '../lockout-rule.ts'
import { openLockout, unlock } from '../lockout.ts'
import { tryNormalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { tokenFields } from '../token-fields.ts'
import { logIn, renew } from './login.ts'
import { deleteUser, listUsers, readUser, userExists, writePassword, writePolicies, writeUser } from './users.ts'

export interface UserpassDeps {
  readonly passwords: Passwords
  readonly lockoutRule?: LockoutRuleOf
}

const username = { username: text('Name of the user; letter case makes no difference.') }
const page = { after: or(text('Name after which the list starts.'), ''), limit: or(int('Names at most; 0 for all.'), 0) }
const password = {
  password: or(secret(text('Password of the user.')), ''),
  password_hash: or(secret(text('A password hashed elsewhere. Refused: hashes of other kinds are not taken over.')), ''),
}
const aliases = {
  policies: maybe(list('Older name of `token_policies`.')),
  ttl: maybe(seconds('Older name of `token_ttl`.')),
  max_ttl: maybe(seconds('Older name of `token_max_ttl`.')),
  bound_cidrs: maybe(list('Older name of `token_bound_cidrs`.')),
}
const shown = { ...tokenFields, ...aliases }

export function userpass({ passwords, lockoutRule = lockoutRules() }: UserpassDeps): Module {
  const lockout = openLockout(lockoutRule)
  return {
    kind: 'auth',
    type: 'userpass',
    doc: 'Log in with a user name and a password.',
    renew,
    lockout: {
      locked: lockout.locked,
      unlock: async (ctx, name) => unlock(ctx.store, await openDigest(ctx), tryNormalise('username', name) ?? name),
    },
    paths: [
      path('users', 'The users of this mount.', {}, (op) => ({
        list: op({ doc: 'List the names of the users.', input: page, run: listUsers }),
      })),
      path('users/:username', 'A user.', username, (op) => ({
        write: op({
          doc: 'Create a user, or change what is sent.',
          input: { ...password, ...shown },
          exists: userExists,
          run: (ctx, input) => writeUser(ctx, input, passwords),
        }),
        read: op({ doc: 'Read a user, without the password.', output: shown, run: readUser }),
        delete: op({ doc: 'Remove a user. Tokens given before live on until they must be renewed.', run: deleteUser }),
      })),
      path('users/:username/password', 'The password of a user.', username, (op) => ({
        write: op({ doc: 'Replace the password.', input: password, run: (ctx, input) => writePassword(ctx, input, passwords) }),
      })),
      path('users/:username/policies', 'The policies of a user.', username, (op) => ({
        write: op({
          doc: 'Replace the policies.',
          input: { token_policies: tokenFields.token_policies, policies: aliases.policies },
          run: writePolicies,
        }),
      })),
      path('login/:username', 'Logging in.', username, (op) => ({
        write: op({
          doc: 'Log in with a password.',
          input: { password: password.password },
          access: 'open',
          run: (ctx, input) => logIn(ctx, input, { passwords, lockout }),
        }),
      })),
    ],
  }
}
