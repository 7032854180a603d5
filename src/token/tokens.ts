// The token store: what makes a token live, and how one is made, counted, renewed and revoked.
import type { SecretKey } from '../crypto/secret-key.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import type { Clock, Random } from '../base/ports.ts'
import { base62 } from '../base/ids.ts'
import { lifetime, type Ttl, type TtlBounds, type TtlWish } from '../base/ttl.ts'
import { Fault } from '../base/fault.ts'
import type { Token } from '../contract/token.ts'
import type { Follower } from '../store/follow.ts'
import { idSuffix, namespaceIdOf, namespacePrefix, ROOT_ID } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { BATCH_PREFIX, type BatchTokens, openBatchTokens } from './batch.ts'
import { bury, type Cemetery, setFree } from './bury.ts'
import { accessors, ALL_IDS, children, dead, due, type Fate, hashOf, ids, markDead, PAGE, places } from './index-keys.ts'

/** What tokens need to know of namespaces. */
export interface TokenNamespaces {
  /** Undefined for a path that is none. */
  idOf(path: string): string | undefined
  /** False for one that is sealed, gone or going: its tokens are of no use. */
  alive(id: string): boolean
}

export interface TokensDeps {
  /** Behind the barrier, whole: tokens of all namespaces expire by one index. */
  readonly store: Store
  readonly follower: Follower
  readonly namespaces: TokenNamespaces
  readonly clock: Clock
  readonly random: Random
  /** Keys the HMAC of token ids, and gives the keys that batch tokens are sealed with; held outside the token records. */
  readonly hashKey: SecretKey
  /** False once the mount that made the token is gone, which ends its tokens at once. */
  readonly mountAlive: (token: Token) => boolean
  readonly cemetery: Cemetery
}

/** What the maker of a token settles; the store adds id, accessor and times. */
export type NewToken = Omit<Token, 'hash' | 'accessor' | 'createdAt' | 'lastRenewedAt' | 'expiresAt'>

/** A token just made, with the id that only its holder will know. */
export interface Made {
  readonly id: string
  readonly token: Token
}

export interface MintOptions {
  /** A chosen id; only for callers with sudo. */
  readonly id?: string
  /** Writes that are made with the token, or not at all. */
  readonly also?: (tx: Tx, token: Token) => void
}

export interface Tokens {
  /** The live token with this id; where `within` is given, only if it is of that namespace or one below, by its path. */
  find(id: string, within?: string): Token | undefined
  byHash(hash: string): Token | undefined
  /** Of this namespace alone, by its path. */
  byAccessor(accessor: string, namespace: string): Token | undefined
  /** Accessors of all stored tokens of a namespace, by its path, sorted. */
  accessors(namespace: string): string[]
  /** Makes a token: a service token durably, a batch token without writing anything. Rejects where its parent is gone. */
  mint(spec: NewToken, options?: MintOptions): Promise<Made>
  /** A token for one request: a proof of another kind, `id`, stands for it, and it is stored nowhere. `expiresAt` in wall milliseconds. */
  passing(id: string, spec: NewToken, expiresAt: number): Token
  /** Counts one use of a token with limited uses; refuses when none is left. Returns the token as it now is. */
  use(token: Token): Promise<Token | undefined>
  /** Extends a token's life; throws `invalid` where it can't be. */
  renew(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds): Promise<{ token: Token; warnings: readonly string[] }>
  /** Ends a token and all that descend from it. Returns when none of them works any more. */
  revoke(token: Token): Promise<void>
  /** Ends a token; its children live on as orphans. */
  revokeOrphan(token: Token): Promise<void>
  /** Ends the tokens of the namespace with this id, which must not be alive any more, as long as `more` says yes. True where none is left. */
  revokeAll(namespaceId: string, more: () => boolean): Promise<boolean>
  /** Removes up to `limit` tokens that expired, with their descendants, and finishes burials that a crash cut short. */
  sweep(limit: number): Promise<number>
}

const ID_PREFIX = 'hvs.'
const ID_LENGTH = 24
/** Characters of a token's id. */
export const TOKEN_LENGTH = ID_PREFIX.length + ID_LENGTH
const CACHE_SIZE = 20_000
const USED_UP = -1
const ACCESSOR = /^[0-9A-Za-z]{24}(?:\.[0-9A-Za-z]{6})?$/
const CUSTOM_ID_IN_NAMESPACE = 'token IDs can only be manually specified in the root namespace'
/** A token is looked up together with all it descends from. */
const MAX_GENERATIONS = 1_000

export function openTokens(deps: TokensDeps): Tokens {
  return new TokenStore(deps)
}

class TokenStore implements Tokens {
  readonly #deps: TokensDeps
  readonly #store: Store
  readonly #batch: BatchTokens
  readonly #cached: (hash: string) => Token | undefined
  /** Up to where the dead were looked after. */
  #buried = ''

  constructor(deps: TokensDeps) {
    const { store, follower, hashKey: secret, random } = deps
    this.#deps = deps
    this.#store = store
    this.#batch = openBatchTokens({ secret, random })
    this.#cached = follower.keyed(ALL_IDS, (hash) => ids.get(store, hash), CACHE_SIZE, hashOf)
  }

  find(id: string, within = ''): Token | undefined {
    const hash = this.#hash(id)
    const token = id.startsWith(BATCH_PREFIX) ? this.#living(this.#openBatch(id, hash)) : this.byHash(hash)
    return token?.namespace.startsWith(within) ? token : undefined
  }

  byHash(hash: string): Token | undefined {
    return this.#living(this.#cached(hash))
  }

  byAccessor(accessor: string, namespace: string): Token | undefined {
    const hash = ACCESSOR.test(accessor) ? accessors.get(this.#store, accessor) : undefined
    const token = hash === undefined ? undefined : this.byHash(hash)
    return token?.namespace === namespace ? token : undefined
  }

  accessors(namespace: string): string[] {
    return accessors.list(this.#store, this.#idOf(namespace))
  }

  async mint(spec: NewToken, { id, also }: MintOptions = {}): Promise<Made> {
    const createdAt = this.#deps.clock.now()
    if (spec.type === 'batch') return this.#sealed({ ...spec, createdAt })
    if (this.#generations(spec.parent) > MAX_GENERATIONS) throw new Fault('invalid', `tokens may descend from at most ${MAX_GENERATIONS} others`)
    const namespaceId = this.#idOf(spec.namespace)
    if (id !== undefined && namespaceId !== ROOT_ID) throw new Fault('invalid', CUSTOM_ID_IN_NAMESPACE)
    if (id !== undefined && namespaceIdOf(id) !== ROOT_ID) throw new Fault('invalid', "custom token ID cannot have a '.' in the value")
    const suffix = idSuffix(namespaceId)
    const given = id ?? ID_PREFIX + base62(this.#deps.random, ID_LENGTH) + suffix
    const expiresAt = spec.ttl > 0 ? createdAt + spec.ttl * 1000 : undefined
    const accessor = base62(this.#deps.random, ID_LENGTH) + suffix
    const token: Token = { ...spec, hash: this.#hash(given), accessor, createdAt, lastRenewedAt: 0, expiresAt }
    await transact(this.#store, (tx) => {
      add(tx, token)
      also?.(tx, token)
    })
    return { id: given, token }
  }

  passing(id: string, spec: NewToken, expiresAt: number): Token {
    const createdAt = this.#deps.clock.now()
    const hash = hmacSha256(this.#deps.hashKey, id) + idSuffix(this.#idOf(spec.namespace))
    const lasting = {
      ttl: Math.ceil((expiresAt - createdAt) / 1000),
      explicitMaxTtl: 0,
      period: 0,
      numUses: 0,
      renewable: false,
      internal: undefined,
    }
    return { ...spec, ...lasting, type: 'batch', hash, accessor: '', createdAt, lastRenewedAt: 0, expiresAt }
  }

  use(token: Token): Promise<Token | undefined> {
    return transact(this.#store, (tx) => {
      const current = ids.get(tx, token.hash)
      if (!current || current.numUses <= 0) return undefined
      const used = { ...current, numUses: current.numUses === 1 ? USED_UP : current.numUses - 1 }
      ids.put(tx, used)
      return used
    })
  }

  renew(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds): Promise<{ token: Token; warnings: readonly string[] }> {
    const now = this.#deps.clock.now()
    return transact(this.#store, (tx) => {
      const current = ids.get(tx, token.hash)
      if (!current || current.numUses < 0) throw new Fault('invalid', 'token not found')
      const { ttl, warnings } = renewal(current, wish, bounds, now)
      const renewed = { ...current, lastRenewedAt: now, expiresAt: now + ttl * 1000 }
      due.delete(tx, current)
      due.put(tx, renewed)
      ids.put(tx, renewed)
      return { token: renewed, warnings }
    })
  }

  revoke(token: Token): Promise<void> {
    return this.#end(token.hash, 'end')
  }

  async revokeOrphan(token: Token): Promise<void> {
    const page = () => children.page(this.#store, token.hash)
    for (let orphans = page(); orphans.length > 0; orphans = page()) {
      await transact(this.#store, (tx) => orphans.forEach((child) => setFree(tx, token.hash, child)))
    }
    // A child that is made just now is set free when its parent is buried.
    await this.#end(token.hash, 'orphan')
  }

  async sweep(limit: number): Promise<number> {
    const expired = due.before(this.#store, this.#deps.clock.now(), limit)
    for (const hash of expired) await this.#end(hash, 'end')
    // Those whose burial has to wait must not keep others from theirs.
    const page = dead.page(this.#store, this.#buried)
    this.#buried = page.length < PAGE ? '' : (page.at(-1) ?? '')
    for (const hash of page) await bury(this.#store, this.#deps.cemetery, hash)
    return expired.length
  }

  /** With all that it descends from, and the mount that it came through. */
  #living(token: Token | undefined): Token | undefined {
    let one = token
    while (one && this.#valid(one)) {
      if (one.parent === undefined) return token
      one = this.#cached(one.parent)
    }
    return undefined
  }

  /** By itself, whatever became of its parents. */
  #valid(token: Token): boolean {
    const { hash, numUses, expiresAt, mountAccessor } = token
    const { clock, namespaces, mountAlive } = this.#deps
    if (numUses < 0 || (expiresAt !== undefined && expiresAt <= clock.now())) return false
    return namespaces.alive(namespaceIdOf(hash)) && (mountAccessor === '' || mountAlive(token))
  }

  #generations(parent: string | undefined): number {
    let count = 0
    for (let hash = parent; hash !== undefined; hash = this.#cached(hash)?.parent) count++
    return count
  }

  #sealed(said: NewToken & { readonly createdAt: number }): Made {
    const namespaceId = this.#idOf(said.namespace)
    const id = this.#batch.seal(said, placeOf(namespaceId)) + idSuffix(namespaceId)
    const token = this.#openBatch(id, this.#hash(id))
    if (!token) throw new Error('a batch token does not open')
    return { id, token }
  }

  #openBatch(id: string, hash: string): Token | undefined {
    const namespaceId = namespaceIdOf(id)
    const suffix = idSuffix(namespaceId)
    return this.#batch.open(id.slice(0, id.length - suffix.length), placeOf(namespaceId), hash)
  }

  async revokeAll(namespaceId: string, more: () => boolean): Promise<boolean> {
    for (let page = ids.page(this.#store, namespaceId); page.length > 0; page = ids.page(this.#store, namespaceId)) {
      if (!more()) return false
      for (const hash of page) await this.#end(hash, 'end')
    }
    return true
  }

  #idOf(namespace: string): string {
    const id = this.#deps.namespaces.idOf(namespace)
    if (id === undefined) throw new Fault('missing', 'namespace not found')
    return id
  }

  async #end(hash: string, fate: Fate): Promise<void> {
    if (await transact(this.#store, (tx) => markDead(tx, hash, fate))) await bury(this.#store, this.#deps.cemetery, hash)
  }

  #hash(id: string): string {
    return hmacSha256(this.#deps.hashKey, id) + idSuffix(namespaceIdOf(id))
  }
}

/** Namespace and purpose, which are bound to each batch token. Nothing is stored there. */
function placeOf(namespaceId: string): string {
  return `${namespacePrefix(namespaceId)}token/batch`
}

/** Throws `invalid` for a token that can't be renewed. */
function renewal(token: Token, wish: Omit<TtlWish, 'issuedAt'>, bounds: TtlBounds, now: number): Ttl {
  if (token.expiresAt === undefined) throw new Fault('invalid', 'invalid lease ID')
  if (!token.renewable) throw new Fault('invalid', 'lease is not renewable')
  return lifetime({ ...wish, issuedAt: token.createdAt }, bounds, now)
}

function add(tx: Tx, token: Token): void {
  const { hash, parent } = token
  // What a token of the same id left behind would go to this one, and be wiped under its hands.
  if (ids.get(tx, hash) || dead.fate(tx, hash) !== undefined) throw new Fault('invalid', 'cannot create a token with a duplicate ID')
  if (parent !== undefined && !ids.get(tx, parent)) throw new Fault('invalid', 'parent token not found')
  ids.put(tx, token)
  accessors.put(tx, token)
  if (parent !== undefined) children.put(tx, parent, hash)
  due.put(tx, token)
  places.put(tx, token)
}
