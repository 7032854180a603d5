// auth/token/revoke: ending tokens, with or without those that descend from them.
import { Fault } from '../base/fault.ts'
import { type Path, path } from '../contract/module.ts'
import { empty, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { accessorInput, callerOf, found, needed, neededAccessor, tokenInput } from './ask.ts'
import type { TokenModuleDeps } from './module.ts'

export function revokePaths({ tokens, isSudo }: TokenModuleDeps): Path[] {
  const end = async (token: Token | undefined): Promise<Reply> => {
    if (token) await tokens.revoke(stored(token))
    return empty()
  }
  return [
    path('revoke', 'Revoke a token and its children.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token by its id.',
        input: tokenInput,
        run: (ctx, input) => end(tokens.find(needed(input.token), ctx.mount.namespace)),
      }),
    })),
    path('revoke-self', 'Revoke the calling token and its children.', {}, (op) => ({
      write: op({ doc: 'Revoke the calling token.', run: (ctx) => end(callerOf(ctx)) }),
    })),
    path('revoke-accessor', 'Revoke a token by its accessor.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token whose id is not known.',
        input: accessorInput,
        run: (ctx, input) => {
          const token = tokens.byAccessor(neededAccessor(input.accessor), ctx.mount.namespace)
          return token ? end(token) : empty('No token found with this accessor')
        },
      }),
    })),
    path('revoke-orphan', 'Revoke a token; its children become orphans.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token, not its children.',
        input: tokenInput,
        run: async (ctx, input) => {
          const id = needed(input.token)
          if (!isSudo(callerOf(ctx), ctx.mount.namespace, ctx.request.path))
            throw new Fault('invalid', 'root or sudo privileges required to revoke and orphan')
          await tokens.revokeOrphan(stored(found(tokens, ctx, id, 'token to revoke not found')))
          return empty()
        },
      }),
    })),
  ]
}

/** Nothing is kept of a batch token that could be taken away. */
function stored(token: Token): Token {
  if (token.type === 'batch') throw new Fault('invalid', 'batch tokens cannot be revoked')
  return token
}
