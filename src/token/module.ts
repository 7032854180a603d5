// auth/token: the tokens' own endpoints (Vault API, "Token auth method").
import { Fault, permissionDenied } from '../base/fault.ts'
import { or, seconds, secret, text } from '../base/fields.ts'
import type { TtlBounds, TtlWish } from '../base/ttl.ts'
import { type Ctx, type Module, type Path, path } from '../contract/module.ts'
import { data, empty, keys, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { createInput, planToken } from './create.ts'
import { describeToken } from './describe.ts'
import type { Tokens } from './tokens.ts'

export interface TokenModuleDeps {
  readonly tokens: Tokens
  /** Whether the caller has sudo on this full path. */
  readonly isSudo: (caller: Token, path: string) => boolean
  readonly bounds: () => TtlBounds
  readonly policyExists: (name: string) => boolean
  /** What the auth mount that gave the token says to its renewal; undefined for tokens made here. */
  readonly renewal: (token: Token) => { wish: Omit<TtlWish, 'issuedAt' | 'increment'>; bounds: TtlBounds } | undefined
}

const tokenInput = { token: secret(or(text('Id of the token.'), '')) }
const accessorInput = { accessor: or(text('Accessor of the token.'), '') }
const incrementInput = { increment: or(seconds('How much longer the token shall live; a wish.'), 0) }

export function tokenModule(deps: TokenModuleDeps): Module {
  const endpoints = [...createPaths(deps), ...lookupPaths(deps), ...renewPaths(deps), ...revokePaths(deps)]
  return { kind: 'system', type: 'token', doc: 'Tokens: create, look up, renew and revoke.', paths: endpoints }
}

function createPaths(deps: TokenModuleDeps): Path[] {
  return [
    path('create', 'Make a token.', {}, (op) => ({
      write: op({ doc: 'Make a child of the calling token.', input: createInput, run: (ctx, input) => create(deps, ctx, input, false) }),
    })),
    path('create-orphan', 'Make a token without a parent.', {}, (op) => ({
      write: op({ doc: 'Make a token that outlives the caller.', input: createInput, run: (ctx, input) => create(deps, ctx, input, true) }),
    })),
  ]
}

async function create(deps: TokenModuleDeps, ctx: Ctx, input: Parameters<typeof planToken>[0]['input'], orphan: boolean): Promise<Reply> {
  const parent = callerOf(ctx)
  const sudo = deps.isSudo(parent, ctx.request.path)
  const { spec, warnings } = planToken({ input, parent, path: ctx.request.path, orphan, sudo, bounds: deps.bounds(), now: ctx.clock.now() })
  for (const name of spec.policies) if (!deps.policyExists(name)) ctx.warn(`Policy "${name}" does not exist`)
  const { id, token } = await deps.tokens.mint(spec, input.id || undefined)
  return { kind: 'auth', auth: { clientToken: id, token, identityPolicies: [] }, warnings }
}

function lookupPaths({ tokens }: TokenModuleDeps): Path[] {
  const byId = (id: string, now: number): Reply => {
    const token = tokens.find(id)
    if (!token) throw new Fault('denied', 'bad token')
    return data(describeToken(token, id, now))
  }
  return [
    path('lookup', 'Look a token up by its id.', {}, (op) => {
      const run = (ctx: Ctx, input: { token: string }) => byId(input.token || idOf(ctx), ctx.clock.now())
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
        run: (ctx, input) => data(describeToken(named(tokens, input.accessor), '', ctx.clock.now())),
      }),
    })),
    path('accessors', 'The accessors of all tokens.', {}, (op) => ({
      list: op({ doc: 'List accessors.', access: 'sudo', run: () => keys(tokens.accessors()) }),
    })),
  ]
}

function renewPaths(deps: TokenModuleDeps): Path[] {
  const renewed = async (token: Token, id: string, increment: number): Promise<Reply> => {
    const asked = deps.renewal(token)
    const wish = asked?.wish ?? { ttl: token.ttl, period: token.period, explicitMaxTtl: token.explicitMaxTtl }
    const { token: longer, warnings } = await deps.tokens.renew(token, { ...wish, increment }, asked?.bounds ?? deps.bounds())
    return { kind: 'auth', auth: { clientToken: id, token: longer, identityPolicies: [] }, warnings }
  }
  return [
    path('renew', 'Renew a token.', {}, (op) => ({
      write: op({
        doc: 'Renew a token by its id.',
        input: { ...tokenInput, ...incrementInput },
        run: (_, input) => renewed(found(deps.tokens, input.token, 'token not found'), input.token, input.increment),
      }),
    })),
    path('renew-self', 'Renew the calling token.', {}, (op) => ({
      write: op({
        doc: 'Renew the calling token.',
        input: { ...tokenInput, ...incrementInput },
        run: (ctx, input) => renewed(callerOf(ctx), idOf(ctx), input.increment),
      }),
    })),
    path('renew-accessor', 'Renew a token by its accessor.', {}, (op) => ({
      write: op({
        doc: 'Renew a token whose id is not known.',
        input: { ...accessorInput, ...incrementInput },
        run: (_, input) => renewed(named(deps.tokens, input.accessor), '', input.increment),
      }),
    })),
  ]
}

function revokePaths({ tokens, isSudo }: TokenModuleDeps): Path[] {
  const gone = async (work: Promise<void>): Promise<Reply> => {
    await work
    return empty()
  }
  return [
    path('revoke', 'Revoke a token and its children.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token by its id.',
        input: tokenInput,
        run: (_, input) => {
          if (input.token === '') throw new Fault('invalid', 'missing token ID')
          const token = tokens.find(input.token)
          return token ? gone(tokens.revoke(token)) : empty()
        },
      }),
    })),
    path('revoke-self', 'Revoke the calling token and its children.', {}, (op) => ({
      write: op({ doc: 'Revoke the calling token.', run: (ctx) => gone(tokens.revoke(callerOf(ctx))) }),
    })),
    path('revoke-accessor', 'Revoke a token by its accessor.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token whose id is not known.',
        input: accessorInput,
        run: (_, input) => {
          if (input.accessor === '') throw new Fault('invalid', 'missing accessor')
          const token = tokens.byAccessor(input.accessor)
          return token ? gone(tokens.revoke(token)) : empty('No token found with this accessor')
        },
      }),
    })),
    path('revoke-orphan', 'Revoke a token; its children become orphans.', {}, (op) => ({
      write: op({
        doc: 'Revoke a token, not its children.',
        input: tokenInput,
        run: (ctx, input) => {
          if (input.token === '') throw new Fault('invalid', 'missing token ID')
          if (!isSudo(callerOf(ctx), ctx.request.path)) throw new Fault('invalid', 'root or sudo privileges required to revoke and orphan')
          return gone(tokens.revokeOrphan(found(tokens, input.token, 'token to revoke not found')))
        },
      }),
    })),
  ]
}

function callerOf(ctx: Ctx): Token {
  if (!ctx.caller) throw permissionDenied()
  return ctx.caller
}

function idOf(ctx: Ctx): string {
  return ctx.token?.reveal() ?? ''
}

function found(tokens: Tokens, id: string, otherwise: string): Token {
  if (id === '') throw new Fault('invalid', 'missing token ID')
  const token = tokens.find(id)
  if (!token) throw new Fault('invalid', otherwise)
  return token
}

function named(tokens: Tokens, accessor: string): Token {
  if (accessor === '') throw new Fault('invalid', 'missing accessor')
  const token = tokens.byAccessor(accessor)
  if (!token) throw new Fault('invalid', 'invalid accessor')
  return token
}
