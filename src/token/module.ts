// auth/token: the tokens' own endpoints (Vault API, "Token auth method").
import { Fault } from '../base/fault.ts'
import type { TtlBounds, TtlWish } from '../base/ttl.ts'
import { type Ctx, type Module, type Path, path } from '../contract/module.ts'
import { data, keys, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { accessorInput, callerOf, idOf, named, tokenInput } from './ask.ts'
import { createInput, planToken } from './create.ts'
import { describeToken } from './describe.ts'
import { renewPaths } from './renew-paths.ts'
import { revokePaths } from './revoke-paths.ts'
import type { TokenRole } from './role.ts'
import { roleName, roleNamed, roleParam, rolePaths } from './role-paths.ts'
import { tidyPath } from './tidy-path.ts'
import type { Tokens } from './tokens.ts'

export interface TokenModuleDeps {
  readonly tokens: Tokens
  /** Whether the caller has sudo on this full path of a namespace. */
  readonly isSudo: (caller: Token, namespace: string, path: string) => boolean
  /** Of tokens made in a namespace. */
  readonly bounds: (namespace: string) => TtlBounds
  readonly policyExists: (namespace: string, name: string) => boolean
  /** What the auth mount that gave the token says to its renewal; undefined for tokens made here. */
  readonly renewal: (token: Token) => { wish: Omit<TtlWish, 'issuedAt' | 'increment'>; bounds: TtlBounds } | undefined
  /** Starts to look for what is left of dead tokens of a namespace; false where that is under way already. */
  readonly tidy: (namespace: string) => boolean
}

export function tokenModule(deps: TokenModuleDeps): Module {
  const paths = [...createPaths(deps), ...lookupPaths(deps), ...renewPaths(deps), ...revokePaths(deps), ...rolePaths(), tidyPath(deps)]
  return { kind: 'system', type: 'token', doc: 'Tokens: create, look up, renew and revoke.', paths }
}

function createPaths(deps: TokenModuleDeps): Path[] {
  return [
    path('create', 'Make a token.', {}, (op) => ({
      write: op({ doc: 'Make a child of the calling token.', input: createInput, run: (ctx, input) => create(deps, ctx, input) }),
    })),
    path('create/:role_name', 'Make a token by a role.', roleParam, (op) => ({
      write: op({
        doc: 'Make a token that may be what the role says.',
        input: createInput,
        run: (ctx, input) => create(deps, ctx, input, { role: needRole(ctx, input.role_name) }),
      }),
    })),
    path('create-orphan', 'Make a token without a parent.', {}, (op) => ({
      write: op({
        doc: 'Make a token that outlives the caller.',
        input: createInput,
        run: (ctx, input) => create(deps, ctx, input, { orphan: true }),
      }),
    })),
  ]
}

type Input = Parameters<typeof planToken>[0]['input']

interface Manner {
  readonly orphan?: boolean
  readonly role?: TokenRole
}

async function create(deps: TokenModuleDeps, ctx: Ctx, input: Input, { orphan = false, role }: Manner = {}): Promise<Reply> {
  const parent = callerOf(ctx)
  const { namespace } = ctx.mount
  const sudo = deps.isSudo(parent, namespace, ctx.request.path)
  const call = { input, parent, namespace, path: ctx.request.path, role, orphan, sudo, bounds: deps.bounds(namespace), now: ctx.clock.now() }
  const { spec, warnings } = planToken(call)
  const { id, token } = await deps.tokens.mint(spec, input.id === '' ? {} : { id: input.id })
  const absent = spec.policies.filter((name) => !deps.policyExists(namespace, name)).map((name) => `Policy "${name}" does not exist`)
  for (const warning of [...warnings, ...absent]) ctx.warn(warning)
  return { kind: 'auth', auth: { clientToken: id, token, identityPolicies: [] }, made: true }
}

function needRole(ctx: Ctx, raw: string): TokenRole {
  const name = roleName(raw)
  const role = roleNamed(ctx.store, name)
  if (!role) throw new Fault('invalid', `unknown role ${name}`)
  return role
}

function lookupPaths({ tokens }: TokenModuleDeps): Path[] {
  /** The caller may see itself with its last use, which has been counted by now. */
  const byId = (ctx: Ctx, id: string): Reply => {
    const token = id === idOf(ctx) ? callerOf(ctx) : tokens.find(id, ctx.mount.namespace)
    if (!token) throw new Fault('denied', 'bad token')
    return data(describeToken(token, id, ctx.clock.now()))
  }
  return [
    path('lookup', 'Look a token up by its id.', {}, (op) => {
      const run = (ctx: Ctx, input: { token: string }) => byId(ctx, input.token || idOf(ctx))
      return { read: op({ doc: 'Look a token up.', input: tokenInput, run }), write: op({ doc: 'Look a token up.', input: tokenInput, run }) }
    }),
    path('lookup-self', 'Look the calling token up.', {}, (op) => {
      const run = (ctx: Ctx) => data(describeToken(callerOf(ctx), idOf(ctx), ctx.clock.now()))
      return { read: op({ doc: 'Look the calling token up.', run }), write: op({ doc: 'Look the calling token up.', input: tokenInput, run }) }
    }),
    path('lookup-accessor', 'Look a token up by its accessor.', {}, (op) => ({
      write: op({
        doc: 'Look a token up, without its id.',
        input: accessorInput,
        run: (ctx, input) => data(describeToken(named(tokens, ctx, input.accessor), '', ctx.clock.now())),
      }),
    })),
    path('accessors', 'The accessors of all tokens.', {}, (op) => ({
      list: op({ doc: 'List accessors.', access: 'sudo', run: (ctx) => keys(tokens.accessors(ctx.mount.namespace)) }),
    })),
  ]
}
