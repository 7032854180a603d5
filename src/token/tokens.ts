// The token store: what makes a token live, and how one is made, counted, renewed and revoked.
import type { SecretKey } from '../crypto/secret-key.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import type { Clock, Random } from '../base/ports.ts'
import { base62 } from '../base/ids.ts'
import { lifetime, type Ttl, type TtlBounds, type TtlWish } from '../base/ttl.ts'
import { Fault } from '../base/fault.ts'
import type { Token } from '../contract/token.ts'
import type { Space } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { bury, type Cemetery } from './bury.ts'
import { accessors, children, due, ids, markDead } from './index-keys.ts'

export interface TokensDeps {
  readonly space: Space
  readonly clock: Clock
  readonly random: Random
  /** Keys the HMAC of token ids; held outside the token records. */
  readonly hashKey: SecretKey
  /** False once the mount that made a token is gone, which ends its tokens at once. */
  readonly mountAlive: (accessor: string) => boolean
  readonly cemetery: Cemetery
}

/** What the maker of a token settles; the store adds id, accessor and times. */
export type NewToken = Omit<Token, 'hash' | 'accessor' | 'createdAt' | 'lastRenewedAt' | 'expiresAt'>

export interface Tokens {
  /** The live token with this id. */
  find(id: string): Token | undefined
  byHash(hash: string): Token | undefined
  byAccessor(accessor: string): Token | undefined
  /** Accessors of all stored tokens, sorted. */
  accessors(): string[]
  /** Makes a token, durably. `id` is only for callers with sudo. Rejects where its parent is gone. */
  mint(spec: NewToken, id?: string): Promise<{ id: string; token: Token }>
  /** Counts one use of a token with limited uses; refuses when none is left. Returns the token as it now is. */
  use(token: Token): Promise<Token | undefined>
  /** Extends a token's life; throws `invalid` where it can't be. */
  renew(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds): Promise<{ token: Token; warnings: readonly string[] }>
  /** Ends a token and all that descend from it. Returns when none of them works any more. */
  revoke(token: Token): Promise<void>
  /** Ends a token; its children live on as orphans. */
  revokeOrphan(token: Token): Promise<void>
  /** Removes up to `limit` tokens that expired, with their descendants, and finishes burials that a crash cut short. */
  sweep(limit: number): Promise<number>
}

const ID_PREFIX = 'hvs.'
const ID_LENGTH = 24
const CACHE_SIZE = 20_000
const USED_UP = -1

export function openTokens(deps: TokensDeps): Tokens {
  return new TokenStore(deps)
}

class TokenStore implements Tokens {
  readonly #deps: TokensDeps
  readonly #store: Store
  readonly #cached: (hash: string) => Token | undefined

  constructor(deps: TokensDeps) {
    this.#deps = deps
    this.#store = deps.space.store
    this.#cached = deps.space.keyed(ids.key(''), (hash) => ids.get(this.#store, hash), CACHE_SIZE)
  }

  find(id: string): Token | undefined {
    return this.byHash(this.#hash(id))
  }

  byHash(hash: string): Token | undefined {
    const token = this.#cached(hash)
    if (!token || token.numUses < 0) return undefined
    if (token.expiresAt !== undefined && token.expiresAt <= this.#deps.clock.now()) return undefined
    if (token.mountAccessor !== '' && !this.#deps.mountAlive(token.mountAccessor)) return undefined
    return token.parent === undefined || this.byHash(token.parent) ? token : undefined
  }

  byAccessor(accessor: string): Token | undefined {
    const hash = accessors.get(this.#store, accessor)
    return hash === undefined ? undefined : this.byHash(hash)
  }

  accessors(): string[] {
    return accessors.ids(this.#store)
  }

  async mint(spec: NewToken, id = ID_PREFIX + base62(this.#deps.random, ID_LENGTH)): Promise<{ id: string; token: Token }> {
    const now = this.#deps.clock.now()
    const expiresAt = spec.ttl > 0 ? now + spec.ttl * 1000 : undefined
    const accessor = base62(this.#deps.random, ID_LENGTH)
    const token: Token = { ...spec, hash: this.#hash(id), accessor, createdAt: now, lastRenewedAt: 0, expiresAt }
    await transact(this.#store, (tx) => add(tx, token))
    return { id, token }
  }

  use(token: Token): Promise<Token | undefined> {
    return transact(this.#store, (tx) => {
      const left = ids.get(tx, token.hash)?.numUses ?? USED_UP
      if (left <= 0) return undefined
      const used = { ...token, numUses: left === 1 ? USED_UP : left - 1 }
      ids.put(tx, token.hash, used)
      return used
    })
  }

  renew(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds): Promise<{ token: Token; warnings: readonly string[] }> {
    const now = this.#deps.clock.now()
    return transact(this.#store, (tx) => {
      const current = ids.get(tx, token.hash)
      if (!current) throw new Fault('invalid', 'token not found')
      const { ttl, warnings } = renewal(current, wish, bounds, now)
      const renewed = { ...current, lastRenewedAt: now, expiresAt: now + ttl * 1000 }
      due.delete(tx, current)
      due.put(tx, renewed)
      ids.put(tx, token.hash, renewed)
      return { token: renewed, warnings }
    })
  }

  revoke(token: Token): Promise<void> {
    return this.#end(token.hash)
  }

  async revokeOrphan(token: Token): Promise<void> {
    const page = () => children.page(this.#store, token.hash)
    for (let orphans = page(); orphans.length > 0; orphans = page()) {
      await transact(this.#store, (tx) => orphans.forEach((child) => orphan(tx, token.hash, child)))
    }
    await this.#end(token.hash)
  }

  async sweep(limit: number): Promise<number> {
    const expired = due.before(this.#store, this.#deps.clock.now(), limit)
    for (const hash of expired) await this.#end(hash)
    for (const hash of children.unburied(this.#store)) await bury(this.#store, this.#deps.cemetery, hash)
    return expired.length
  }

  async #end(hash: string): Promise<void> {
    if (await transact(this.#store, (tx) => markDead(tx, hash))) await bury(this.#store, this.#deps.cemetery, hash)
  }

  #hash(id: string): string {
    return hmacSha256(this.#deps.hashKey, id)
  }
}

/** Throws `invalid` for a token that can't be renewed. */
function renewal(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds, now: number): Ttl {
  if (token.expiresAt === undefined) throw new Fault('invalid', 'invalid lease ID')
  if (!token.renewable) throw new Fault('invalid', 'lease is not renewable')
  return lifetime({ ...wish, issuedAt: token.createdAt }, bounds, now)
}

function add(tx: Tx, token: Token): void {
  if (ids.get(tx, token.hash)) throw new Fault('invalid', 'cannot create a token with a duplicate ID')
  if (token.parent !== undefined && !ids.get(tx, token.parent)) throw new Fault('invalid', 'parent token not found')
  ids.put(tx, token.hash, token)
  accessors.put(tx, token.accessor, token.hash)
  if (token.parent !== undefined) children.put(tx, token.parent, token.hash)
  due.put(tx, token)
}

function orphan(tx: Tx, parent: string, child: string): void {
  children.delete(tx, parent, child)
  const token = ids.get(tx, child)
  if (token) ids.put(tx, child, { ...token, parent: undefined, orphan: true })
}
