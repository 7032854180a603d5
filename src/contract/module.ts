// The plug-in contract: an engine or auth method is data plus small functions; all else is derived from it.
import type { Clock, Random } from '../base/ports.ts'
import type { Shape, Values } from '../base/fields.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { JsonObject } from '../base/json.ts'
import type { Secret } from '../base/secret.ts'
import type { Store } from '../store/store.ts'
import type { Received, Verb } from './call.ts'
import type { LeaseKind } from './lease.ts'
import type { Mount } from './mount.ts'
import type { Reply } from './reply.ts'
import type { Token, TokenLimits } from './token.ts'

/** What an op may use. `store` is the mount's own slice behind the barrier. */
export interface Ctx {
  readonly store: Store
  readonly mount: Mount
  readonly clock: Clock
  readonly random: Random
  /** How long what is given here may live, by the mount's settings and the server's. */
  readonly bounds: TtlBounds
  readonly request: Pick<Received, 'id' | 'verb' | 'path' | 'peer' | 'wrapTtl' | 'stream'>
  /** The parameters as sent, for ops that take `arbitrary` ones (KV v1); without what the path captured. */
  readonly data: JsonObject
  /** A body of any size, on the paths that take one; given to system modules only. */
  readonly upload?: AsyncIterable<Uint8Array>
  /** The token that asks; undefined only in `open` and `share` ops. */
  readonly caller: Token | undefined
  /** The id it came with; given to system modules only, never to an engine or auth method. */
  readonly token?: Secret
  /** Adds a warning to the answer. */
  warn(text: string): void
}

/**
 * Who may call: `token` needs a policy that allows the path, `sudo` needs the capability sudo besides,
 * `open` needs no token (logins). `share` is called with or without a token, and is told the caller only where a policy allows the
 * path: otherwise it must ask for a key share before it changes anything.
 */
export type Access = 'token' | 'sudo' | 'open' | 'share'

export interface Op {
  readonly doc: string
  readonly input: Shape
  readonly output: Shape
  readonly access: Access
  /** Served while sealed or uninitialised, without audit (Vault's seal-status, health, init, unseal, leader). */
  readonly always: boolean
  /** Takes any parameters, by `ctx.data`: unknown ones raise no warning. */
  readonly arbitrary: boolean
  /** The input is the raw body under this name, never parsed: for key shares. */
  readonly bytes: boolean
  /**
   * It is about a wrapping token, from the body or the caller's own: the line refuses what is none before it asks who calls.
   * What `takes` it also counts its use.
   */
  readonly wrapping?: 'looks' | 'takes'
  /** Tells `create` from `update`; without it a write is always an `update`. */
  readonly exists?: (ctx: Ctx, input: never) => boolean
  readonly run: (ctx: Ctx, input: never, body: Buffer) => Reply | Promise<Reply>
}

export type OpVerb = Exclude<Verb, 'help'>
export type Ops = Partial<Record<OpVerb, Op>>

export interface Path {
  /** Segments, `:name` for one captured segment, `*name` at the end for the rest (which may be empty). */
  readonly template: string
  readonly doc: string
  readonly params: Shape
  readonly ops: Ops
}

export interface OpSpec<P extends Shape, I extends Shape> {
  readonly doc: string
  readonly input?: I
  readonly output?: Shape
  readonly access?: Access
  readonly always?: true
  readonly arbitrary?: true
  readonly bytes?: true
  readonly wrapping?: 'looks' | 'takes'
  readonly exists?: (ctx: Ctx, input: Values<P & I>) => boolean
  readonly run: (ctx: Ctx, input: Values<P & I>, body: Buffer) => Reply | Promise<Reply>
}

type MakeOp<P extends Shape> = <I extends Shape = Record<never, never>>(spec: OpSpec<P, I>) => Op

/**
 * Declares a path and what can be done there.
 * @example path('keys/:name', 'A key.', { name: text('Its name.') }, (op) => ({ read: op({ doc: 'Read it.', run: show }) }))
 */
export function path<P extends Shape>(template: string, doc: string, params: P, ops: (op: MakeOp<P>) => Ops): Path {
  const make: MakeOp<P> = (spec) => {
    const { exists, run } = spec
    const shared = {
      doc: spec.doc,
      input: spec.input ?? {},
      output: spec.output ?? {},
      access: spec.access ?? 'token',
      always: spec.always ?? false,
      arbitrary: spec.arbitrary ?? false,
      bytes: spec.bytes ?? false,
      ...(spec.wrapping ? { wrapping: spec.wrapping } : {}),
    }
    return exists ? { ...shared, exists, run } : { ...shared, run }
  }
  return { template, doc, params, ops: ops(make) }
}

export interface Module {
  readonly kind: 'engine' | 'auth' | 'system'
  readonly type: string
  readonly doc: string
  readonly paths: readonly Path[]
  /** An auth method's word on a renewal of a token it gave: new limits, or a Fault to refuse. */
  readonly renew?: (ctx: Ctx, token: Token) => TokenLimits & { readonly policies: readonly string[] }
  /** The names of a mount that wrong guesses have locked, sorted, and the end of a lock; only where names can be guessed at. */
  readonly lockout?: {
    locked(ctx: Pick<Ctx, 'store' | 'mount'>, now: number): string[]
    unlock(ctx: Pick<Ctx, 'store' | 'random'>, name: string): Promise<void>
  }
  /** The role that a login is for, which quotas may name; only for auth methods that have roles. */
  readonly roleOf?: (ctx: Pick<Ctx, 'store' | 'random'>, data: JsonObject) => string | undefined | Promise<string | undefined>
  /** By the `kind` of its leases: how it prolongs and takes back what it lends. */
  readonly leases?: Readonly<Record<string, LeaseKind>>
  /** Due work on a mount's own slice, in bounded steps that a crash may cut short; done by one process at a time. */
  readonly sweep?: (store: Store, now: number, mount: Mount) => Promise<unknown>
  /** Asked before a mount is made or its options change, maybe several times; throws to refuse. */
  readonly configure?: (before: Mount | undefined, after: Mount) => void
}
