// The lease table: what is lent, and how it comes to be, goes on, ends and is forgotten. What happens outside is not its business.
import { Fault, permissionDenied } from '../base/fault.ts'
import { base62 } from '../base/ids.ts'
import type { JsonObject } from '../base/json.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { type Batcher, openBatcher } from '../store/batch.ts'
import { children, type Page } from '../store/folder.ts'
import { idSuffix, namespacePrefix } from '../store/layout.ts'
import type { Key, Store } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'
import { countOf, type Scope } from './counts.ts'
import { FOLDER, hasEnded, INDEX, type Lease, put, readLease, stored, stuckFolder } from './lease.ts'
import type { Quotas } from './quotas.ts'

export interface LeasesDeps {
  /** Behind the barrier, whole: leases of all namespaces fall due by one index. */
  readonly store: Store
  readonly clock: Clock
  readonly random: Random
  readonly quotas: Quotas
  /** The id of the namespace that a mount is in. */
  readonly namespaceOf: (mount: Mount) => string
  /** Whether the token and the mount are alive; read within the transaction, so that neither can die unseen. */
  readonly holderAlive: (tx: Tx, hash: string) => boolean
  readonly mountAlive: (tx: Tx, mount: Mount) => boolean
}

/** What the maker of a lease settles. */
export interface NewLease
  extends Pick<Lease, 'path' | 'kind' | 'target' | 'role' | 'holder' | 'latest' | 'ttl' | 'maxTtl' | 'renewable' | 'internal'> {
  readonly mount: Mount
  readonly expiresAt: number
  /** Until when an action has to be known to have taken place; undefined where there is none. */
  readonly actBy: number | undefined
}

/** Namespaces are named by their ids. */
export interface Leases {
  /** A lease by its id, ended or not. Intents are nobody's business. */
  find(id: string): Lease | undefined
  /** Names directly under a prefix that is empty or ends in a slash. */
  children(namespace: string, prefix: string, page?: Page): Iterable<string>
  /** Ids that start with a prefix, at most a page of them, after one. */
  under(namespace: string, prefix: string, after?: string): string[]
  /** Ids of a mount's leases and intents, at most a page of them, after one. */
  ofMount(uuid: string, after?: string): string[]
  /** Those of a namespace, sorted by id. */
  irrevocable(namespace: string): Iterable<Lease>
  /** Of everything where no scope is given. */
  count(scope?: Scope): number
  /** Makes a lease, or an intent where there is an action to follow. Throws where token, mount or a quota are against it. */
  create(spec: NewLease): Promise<Lease>
  /** The action took place: the intent becomes a lease. Undefined where token or mount died meanwhile. */
  confirm(intent: Lease, mount: Mount, internal: JsonObject): Promise<Lease | undefined>
  /** Throws `invalid` where the lease has ended meanwhile. */
  extend(id: string, change: Pick<Lease, 'expiresAt' | 'ttl' | 'maxTtl'>): Promise<Lease>
  /** Ends leases and intents: at `dueAt` they are taken back. Those that ended before keep their time, unless it is to be `sooner`. */
  end(ids: readonly string[], dueAt: number, sooner?: boolean): Promise<void>
  /** Ends all that a dead token holds. */
  endHeldBy(hash: string): Promise<void>
  /** Taking back failed; tried again at `dueAt`. */
  failed(id: string, error: string, dueAt: number): Promise<Lease | undefined>
  /** An action failed, so its intent ends: at once where the action is over, otherwise when it can no longer be under way. */
  abandon(intent: Lease, over: boolean): Promise<void>
  /** Taking back went well. The lease is removed, but for an intent whose action may still be on its way: that is due again. */
  takenBack(id: string, again: number): Promise<void>
  /** Forgets leases without taking anything back. */
  remove(ids: readonly string[]): Promise<void>
  /** The same with all leases and intents of a namespace, by its id. */
  forgetAll(namespace: string): Promise<void>
}

/** Ids that one step handles. */
const PAGE = 200
const ID_LENGTH = 24

export function openLeases(deps: LeasesDeps): Leases {
  return new LeaseTable(deps)
}

class LeaseTable implements Leases {
  readonly #deps: LeasesDeps
  readonly #store: Store
  readonly #batcher: Batcher

  constructor(deps: LeasesDeps) {
    this.#deps = deps
    this.#store = deps.store
    this.#batcher = openBatcher(deps.store)
  }

  find(id: string): Lease | undefined {
    return readLease(this.#store, id)
  }

  children(namespace: string, prefix: string, page?: Page): Iterable<string> {
    return children(this.#store, namespacePrefix(namespace) + FOLDER.ids + prefix, page)
  }

  under(namespace: string, prefix: string, after?: string): string[] {
    return this.#ids(namespacePrefix(namespace) + FOLDER.ids, prefix, after)
  }

  ofMount(uuid: string, after?: string): string[] {
    return this.#ids(`${INDEX.mount}${uuid}/`, '', after)
  }

  *irrevocable(namespace: string): Generator<Lease> {
    const folder = stuckFolder(namespace)
    for (let ids = this.#ids(folder, ''); ids.length > 0; ids = this.#ids(folder, '', ids.at(-1))) {
      for (const id of ids) {
        const lease = stored(this.#store, id)
        if (lease) yield lease
      }
    }
  }

  count(scope?: Scope): number {
    return countOf(this.#store, scope)
  }

  create({ mount, actBy, ...spec }: NewLease): Promise<Lease> {
    const { clock, random, quotas, namespaceOf } = this.#deps
    const { path, role } = spec
    const namespace = namespaceOf(mount)
    const id = `${path}/${base62(random, ID_LENGTH)}${idSuffix(namespace)}`
    const intended = actBy !== undefined
    const made = { issuedAt: clock.now(), renewedAt: 0, tries: 0, error: '' }
    const lease: Lease = { ...spec, ...made, id, mount: mount.uuid, certain: !intended, again: intended, dueAt: actBy ?? spec.expiresAt }
    return this.#batcher.run((tx) => {
      if (!this.#alive(tx, lease, mount)) throw permissionDenied()
      quotas.check(tx, { namespace, mount: mount.uuid, role }, path)
      put(tx, undefined, lease)
      return lease
    })
  }

  confirm({ id }: Lease, mount: Mount, internal: JsonObject): Promise<Lease | undefined> {
    return this.#batcher.run((tx) => {
      const before = stored(tx, id)
      if (!before || hasEnded(before, this.#deps.clock.now()) || !this.#alive(tx, before, mount)) return undefined
      const lease = { ...before, certain: true, again: false, dueAt: before.expiresAt, internal: { ...before.internal, ...internal } }
      put(tx, before, lease)
      return lease
    })
  }

  extend(id: string, change: Pick<Lease, 'expiresAt' | 'ttl' | 'maxTtl'>): Promise<Lease> {
    const now = this.#deps.clock.now()
    return this.#batcher.run((tx) => {
      const before = readLease(tx, id)
      if (!before) throw new Fault('invalid', 'lease not found')
      if (hasEnded(before, now)) throw new Fault('invalid', 'lease expired')
      const lease = { ...before, ...change, renewedAt: now, dueAt: change.expiresAt }
      put(tx, before, lease)
      return lease
    })
  }

  async end(ids: readonly string[], dueAt: number, sooner = false): Promise<void> {
    const now = this.#deps.clock.now()
    await this.#each(ids, (tx, lease) => {
      const ended = hasEnded(lease, now)
      if (ended && !(sooner && dueAt < lease.dueAt)) return
      put(tx, lease, { ...lease, expiresAt: ended ? lease.expiresAt : now, dueAt })
    })
  }

  async endHeldBy(hash: string): Promise<void> {
    const page = (after?: string) => this.#ids(`${INDEX.holder}${hash}/`, '', after)
    for (let ids = page(); ids.length > 0; ids = page(ids.at(-1))) await this.end(ids, this.#deps.clock.now())
  }

  failed(id: string, error: string, dueAt: number): Promise<Lease | undefined> {
    return this.#batcher.run((tx) => {
      const before = stored(tx, id)
      if (!before) return undefined
      const lease = { ...before, tries: before.tries + 1, error, dueAt }
      put(tx, before, lease)
      return lease
    })
  }

  async abandon({ id, dueAt: actBy }: Lease, over: boolean): Promise<void> {
    const now = this.#deps.clock.now()
    await this.#each([id], (tx, lease) => put(tx, lease, { ...lease, expiresAt: now, dueAt: over ? now : actBy, again: !over }))
  }

  takenBack(id: string, again: number): Promise<void> {
    return this.#each([id], (tx, lease) => put(tx, lease, lease.again ? { ...lease, again: false, dueAt: again, tries: 0, error: '' } : undefined))
  }

  remove(ids: readonly string[]): Promise<void> {
    return this.#each(ids, (tx, lease) => put(tx, lease, undefined))
  }

  async forgetAll(namespace: string): Promise<void> {
    for (const name of Object.values(FOLDER)) {
      const page = () => this.#ids(namespacePrefix(namespace) + name, '')
      for (let ids = page(); ids.length > 0; ids = page()) await this.remove(ids)
    }
  }

  #alive(tx: Tx, { holder }: Lease, mount: Mount): boolean {
    return this.#deps.mountAlive(tx, mount) && (holder === '' || this.#deps.holderAlive(tx, holder))
  }

  async #each(ids: readonly string[], change: (tx: Tx, lease: Lease) => void): Promise<void> {
    await Promise.all(
      ids.map((id) =>
        this.#batcher.run((tx) => {
          const lease = stored(tx, id)
          if (lease) change(tx, lease)
        }),
      ),
    )
  }

  #ids(folder: Key, prefix: string, after?: string): string[] {
    const span = { prefix: folder + prefix, limit: PAGE, ...(after === undefined ? {} : { after: folder + after }) }
    return Array.from(this.#store.keys(span), (key) => key.slice(folder.length))
  }
}
