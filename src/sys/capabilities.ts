// sys/capabilities: what a token may do at the paths asked about.
import { list, or, secret, text } from '../base/fields.ts'
import { coreFault, Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Tokens } from '../token/tokens.ts'

export interface CapabilityDeps {
  readonly tokens: Tokens
  /** Sorted as Vault sorts them; ['root'] and ['deny'] stand alone. */
  readonly capabilities: (token: Token, path: string) => readonly string[]
}

const pathsInput = { paths: or(list('The paths asked about.'), []), path: or(list('Old name of paths.'), []) }

export function capabilityPaths({ tokens, capabilities }: CapabilityDeps): Path[] {
  const answer = (token: Token | undefined, input: { paths: string[]; path: string[] }, otherwise: string): Reply => {
    if (!token) throw coreFault('invalid', otherwise)
    const asked = input.paths.length > 0 ? input.paths : input.path
    if (asked.length === 0) throw new Fault('invalid', 'paths must be supplied')
    return data(
      describe(asked, (one) => capabilities(token, one)),
      { spread: true },
    )
  }
  return [
    path('capabilities-self', 'What the calling token may do.', {}, (op) => ({
      write: op({ doc: 'Ask for the calling token.', input: pathsInput, run: (ctx, input) => answer(ctx.caller, input, 'invalid token') }),
    })),
    path('capabilities', 'What a token may do.', {}, (op) => ({
      write: op({
        doc: 'Ask for a token by its id.',
        input: { ...pathsInput, token: secret(or(text('Id of the token.'), '')) },
        run: (_, input) => answer(tokens.find(input.token), input, input.token === '' ? 'no token found' : 'invalid token'),
      }),
    })),
    path('capabilities-accessor', 'What the token with an accessor may do.', {}, (op) => ({
      write: op({
        doc: 'Ask for a token by its accessor.',
        input: { ...pathsInput, accessor: or(text('Accessor of the token.'), '') },
        run: (_, input) => {
          if (input.accessor === '') throw new Fault('invalid', 'missing accessor')
          return answer(tokens.byAccessor(input.accessor), input, 'invalid accessor')
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
