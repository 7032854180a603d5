// sys/capabilities: what a token may do at the paths asked about.
import { list, or, secret, text } from '../base/fields.ts'
import { coreFault, Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Tokens } from '../token/tokens.ts'

export interface CapabilityDeps {
  readonly tokens: Tokens
  /** At a path within a namespace, by that one's path. Sorted as Vault sorts them; ['root'] and ['deny'] stand alone. */
  readonly capabilities: (token: Token, namespace: string, path: string) => readonly string[]
}

const pathsInput = { paths: or(list('The paths asked about.'), []), path: or(list('Old name of paths.'), []) }

export function capabilityPaths({ tokens, capabilities }: CapabilityDeps): Path[] {
  const answer = (ctx: Ctx, token: Token | undefined, input: { paths: string[]; path: string[] }, otherwise: string): Reply => {
    if (!token) throw coreFault('invalid', otherwise)
    const asked = input.paths.length > 0 ? input.paths : input.path
    if (asked.length === 0) throw new Fault('invalid', 'paths must be supplied')
    return data(
      describe(asked, (one) => capabilities(token, ctx.mount.namespace, one)),
      { spread: true },
    )
  }
  return [
    path('capabilities-self', 'What the calling token may do.', {}, (op) => ({
      write: op({ doc: 'Ask for the calling token.', input: pathsInput, run: (ctx, input) => answer(ctx, ctx.caller, input, 'invalid token') }),
    })),
    path('capabilities', 'What a token may do.', {}, (op) => ({
      write: op({
        doc: 'Ask for a token by its id.',
        input: { ...pathsInput, token: secret(or(text('Id of the token.'), '')) },
        run: (ctx, input) =>
          answer(ctx, tokens.find(input.token, ctx.mount.namespace), input, input.token === '' ? 'no token found' : 'invalid token'),
      }),
    })),
    path('capabilities-accessor', 'What the token with an accessor may do.', {}, (op) => ({
      write: op({
        doc: 'Ask for a token by its accessor.',
        input: { ...pathsInput, accessor: or(text('Accessor of the token.'), '') },
        run: (ctx, input) => {
          if (input.accessor === '') throw new Fault('invalid', 'missing accessor')
          return answer(ctx, tokens.byAccessor(input.accessor, ctx.mount.namespace), input, 'invalid accessor')
        },
      }),
    })),
  ]
}

function describe(paths: readonly string[], of: (path: string) => readonly string[]): JsonObject {
  const found: JsonObject = {}
  for (const one of paths) found[one] = [...of(one)]
  const [only, ...others] = paths
  return only !== undefined && others.length === 0 ? { ...found, capabilities: [...of(only)] } : found
}
