// Logging in with a name and a password: who doesn't exist and whose password is wrong can't be told apart.
import { cidrContains } from '../../base/cidr.ts'
import { Fault } from '../../base/fault.ts'
import { policyNames } from '../../base/policy-names.ts'
import type { Ctx } from '../../contract/module.ts'
import { login, type Reply } from '../../contract/reply.ts'
import type { Token, TokenLimits } from '../../contract/token.ts'
import type { Passwords } from '../../crypto/password.ts'
import type { Lockout } from '../lockout.ts'
import { tryNormalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { notRenewed, renewedGrant, tokenGrant } from '../token-fields.ts'
import { type User, users } from './users.ts'

export interface LoginDeps {
  readonly passwords: Passwords
  readonly lockout: Lockout
}

/** Logins answer bare texts, where requests with a token wrap them. */
export async function logIn(ctx: Ctx, input: { username: string; password: string }, { passwords, lockout }: LoginDeps): Promise<Reply> {
  const name = tryNormalise('username', input.username)
  if (name === undefined) throw new Fault('missing', 'unsupported path')
  if (input.password === '') throw new Fault('invalid', 'missing password')
  const digest = await openDigest(ctx)
  const found = users.get(ctx.store, name)
  const claim = { digest, name, exists: found !== undefined, now: ctx.clock.now() }
  lockout.check(ctx, claim)
  const right = await passwords.verify(found?.passwordHash, input.password)
  const user = await lockout.attempt(ctx, claim, (tx) => {
    const user = users.get(tx, name)
    return right && user && user.passwordHash === found?.passwordHash ? admit(ctx, user) : undefined
  })
  if (!user) throw new Fault('invalid', 'invalid username or password')
  return login({ ...tokenGrant(user.token, ctx.request.peer), alias: name, displayName: name, metadata: { username: name } })
}

function admit(ctx: Ctx, user: User): User {
  const { boundCidrs } = user.token
  if (boundCidrs.length > 0 && !cidrContains(boundCidrs, ctx.request.peer.address)) throw new Fault('denied', 'permission denied')
  return user
}

export function renew(ctx: Ctx, token: Token): TokenLimits & { policies: readonly string[] } {
  const user = users.get(ctx.store, token.metadata?.['username'] ?? '')
  if (!user) throw notRenewed('user no longer exists, not renewing')
  if (!sameButDefault(user.token.policies, token.policies)) throw notRenewed('policies have changed, not renewing')
  return renewedGrant(user.token, token)
}

/** The token room adds `default`, which the user's own list needn't name. */
function sameButDefault(a: readonly string[], b: readonly string[]): boolean {
  const bare = (names: readonly string[]) => policyNames(names).filter((name) => name !== 'default')
  return bare(a).join() === bare(b).join()
}
