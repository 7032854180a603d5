// auth/token/renew: giving tokens more time, as their auth method, their role, or they themselves say.
import { coreFault, Fault } from '../base/fault.ts'
import { or, seconds } from '../base/fields.ts'
import type { TtlWish } from '../base/ttl.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Reply } from '../contract/reply.ts'
import { grantedTtl, type Token } from '../contract/token.ts'
import type { Store } from '../store/store.ts'
import { accessorInput, callerOf, found, idOf, named, tokenInput } from './ask.ts'
import { lesser } from './choose-ttl.ts'
import type { TokenModuleDeps } from './module.ts'
import { roleNamed } from './role-paths.ts'

const incrementInput = { increment: or(seconds('How much longer the token shall live; a wish.'), 0) }

export function renewPaths(deps: TokenModuleDeps): Path[] {
  const renewed = async (ctx: Ctx, token: Token, id: string, increment: number): Promise<Reply> => {
    if (token.type === 'batch') throw new Fault('invalid', 'batch tokens cannot be renewed')
    const { wish, bounds } = deps.renewal(token) ?? { wish: ownWish(ctx.store, token), bounds: deps.bounds(token.namespace) }
    const { token: longer, warnings } = await deps.tokens.renew(token, { ...wish, increment }, bounds)
    return { kind: 'auth', auth: { clientToken: id, token: longer, identityPolicies: [] }, warnings }
  }
  return [
    path('renew', 'Renew a token.', {}, (op) => ({
      write: op({
        doc: 'Renew a token by its id.',
        input: { ...tokenInput, ...incrementInput },
        run: (ctx, input) => renewed(ctx, found(deps.tokens, ctx, input.token, 'token not found'), input.token, input.increment),
      }),
    })),
    path('renew-self', 'Renew the calling token.', {}, (op) => ({
      write: op({
        doc: 'Renew the calling token.',
        input: { ...tokenInput, ...incrementInput },
        run: (ctx, input) => renewed(ctx, callerOf(ctx), idOf(ctx), input.increment),
      }),
    })),
    path('renew-accessor', 'Renew a token by its accessor.', {}, (op) => ({
      write: op({
        doc: 'Renew a token whose id is not known.',
        input: { ...accessorInput, ...incrementInput },
        run: (ctx, input) => renewed(ctx, named(deps.tokens, ctx, input.accessor), '', input.increment),
      }),
    })),
  ]
}

type Wish = Omit<TtlWish, 'issuedAt' | 'increment'>

/** A token made here is given as long as last time; what its role says by now holds as well. */
function ownWish(store: Store, token: Token): Wish {
  const { period, explicitMaxTtl } = token
  const ttl = grantedTtl(token)
  if (token.role === '') return { ttl, period, explicitMaxTtl }
  const role = roleNamed(store, token.role)
  if (!role) throw coreFault('invalid', `failed to renew entry: original token role ${JSON.stringify(token.role)} could not be found, not renewing`)
  return {
    ttl,
    period: lesser('Period', period, role.period).value,
    explicitMaxTtl: lesser('Explicit max TTL', explicitMaxTtl, role.explicitMaxTtl).value,
  }
}
