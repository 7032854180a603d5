// sys/policies/explain: why a token, or a set of policies, may or may not do something; and why a request was refused.
import { choice, list, object, or, seconds, secret, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { asFolder, type CanonPath, parsePath } from '../base/path.ts'
import type { Verb } from '../contract/call.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Acl } from '../policy/acl.ts'
import { OUTSIDE } from '../policy/denial.ts'
import { OPERATIONS } from '../policy/capability.ts'
import { explanationJson } from '../policy/explanation-json.ts'
import type { Tokens } from '../token/tokens.ts'

/** Some policies as they are together now. */
export interface Held {
  readonly names: readonly string[]
  readonly acl: Acl
  /** Those of the names that there is no policy of. */
  readonly absent: readonly string[]
}

/** A request that was answered 403. */
export interface Refused {
  /** Hash of the token that asked; '' where nobody did. */
  readonly owner: string
  /** Path of the namespace that was asked. */
  readonly namespace: string
  readonly told: JsonObject
  /** For whoever was refused. */
  readonly toldToAsker: JsonObject
}

export interface ExplainDeps {
  readonly tokens: Pick<Tokens, 'find' | 'byAccessor'>
  readonly policiesOf: (token: Token) => Held
  readonly policiesNamed: (namespace: string, names: readonly string[]) => Held
  /** A path within a namespace as a token's own namespace sees it; undefined where that is neither it nor one above. */
  readonly seen: (token: Token, namespace: string, path: string) => string | undefined
  /** Whether what serves the path asks for sudo besides. */
  readonly asksSudo: (namespace: string, verb: Verb, path: CanonPath) => boolean
  /** From whichever process refused it. */
  readonly refused: (id: string) => Promise<Refused | undefined>
}

const question = {
  id: or(text('Explain id of a request that was answered 403, in place of all else.'), ''),
  operation: or(choice('What is asked of the path.', ['', ...(Object.keys(OPERATIONS) as (keyof typeof OPERATIONS)[])]), ''),
  path: or(text('The path.'), ''),
  parameters: secret(or(object('What is sent along, where rules look at it.'), {})),
  wrap_ttl: or(seconds('How long the answer shall be wrapped.'), 0),
}

const whose = {
  token: secret(or(text('Id of the token that asks.'), '')),
  accessor: or(text('Accessor of the token that asks.'), ''),
  policies: or(list('Policies that somebody might have who asks.'), []),
}

type Question = Values<typeof question>

export function explainPaths(deps: ExplainDeps): Path[] {
  return [
    path('policies/explain', 'Why something is allowed or not.', {}, (op) => ({
      write: op({
        doc: 'Explain what a token or some policies may do, or a request that was refused.',
        access: 'sudo',
        input: { ...question, ...whose },
        run: (ctx, input) => (input.id === '' ? data(explain(deps, ctx, whoseOf(deps, ctx, input), input)) : recall(deps, ctx, input.id)),
      }),
    })),
    path('policies/explain-self', 'Why something is allowed or not, for the calling token.', {}, (op) => ({
      write: op({
        doc: 'Explain what the calling token may do, or a request of its own that was refused.',
        input: question,
        run(ctx, input) {
          const caller = callerOf(ctx)
          return input.id === '' ? data(explain(deps, ctx, caller, input)) : recall(deps, ctx, input.id, caller)
        },
      }),
    })),
  ]
}

function callerOf({ caller }: Ctx): Token {
  if (!caller) throw new Fault('denied', 'permission denied')
  return caller
}

/** A token, or names of policies. */
function whoseOf({ tokens }: ExplainDeps, { mount }: Ctx, { token, accessor, policies }: Values<typeof whose>): Token | readonly string[] {
  const given = [token !== '', accessor !== '', policies.length > 0].filter(Boolean)
  if (given.length !== 1) throw new Fault('invalid', 'one of token, accessor and policies must be given, or an id')
  if (policies.length > 0) return policies
  const found = token === '' ? tokens.byAccessor(accessor, mount.namespace) : tokens.find(token, mount.namespace)
  if (!found) throw new Fault('invalid', token === '' ? 'invalid accessor' : 'invalid token')
  return found
}

function explain(deps: ExplainDeps, { mount }: Ctx, whoever: Token | readonly string[], input: Question): JsonObject {
  if (input.operation === '') throw new Fault('invalid', 'missing operation')
  const { verb, creates } = OPERATIONS[input.operation]
  const bare = parsePath(input.path.replace(/^\/+/, ''))
  if (bare === '') throw new Fault('invalid', 'missing path')
  const at = verb === 'list' || verb === 'scan' ? asFolder(bare) : bare
  const isToken = 'hash' in whoever
  const { names, acl, absent } = isToken ? deps.policiesOf(whoever) : deps.policiesNamed(mount.namespace, whoever)
  const seen = isToken ? deps.seen(whoever, mount.namespace, at) : at
  const held = { policies: [...names], absent_policies: [...absent] }
  if (seen === undefined) return { ...held, allowed: false, operation: input.operation, path: at, reason: OUTSIDE }
  const wrapTtl = input.wrap_ttl === 0 ? undefined : input.wrap_ttl
  const asked = { path: seen, verb, creates, sudo: deps.asksSudo(mount.namespace, verb, at), wrapTtl }
  return { ...held, ...explanationJson(asked, acl.explain({ ...asked, data: input.parameters })) }
}

/** For an asker, one that is not its own is one that is not there; for others, one of a namespace that they are not in or above. */
async function recall({ refused }: ExplainDeps, { mount }: Ctx, id: string, asker?: Token): Promise<Reply> {
  const found = await refused(id)
  if (found && !asker && found.namespace.startsWith(mount.namespace)) return data(found.told)
  if (found && asker && found.owner === asker.hash) return data(found.toldToAsker)
  throw new Fault('invalid', 'no refused request with this id is known; the audit trail keeps them longer, by request.id')
}
