// Looks after the seals of a running server: whether each still works, and that each has the root key wrapped by its newest key.
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import { equalBytes } from '../crypto/hmac.ts'
import { encode } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { gone, type Op, openBehind, revisions } from './behind.ts'
import { KEPT_ROOT_KEY } from './key-names.ts'
import { readSealConfig } from './key-records.ts'
import { KEY_BYTES, type Keyring } from './keyring.ts'
import { type SealSet, wrappedKey, wrappedKeys } from './seal-set.ts'
import type { Turns } from './turns.ts'
import type { Seal } from './wrapper.ts'

export interface SealHealth {
  readonly name: string
  readonly type: string
  readonly healthy: boolean
  /** Wall milliseconds; undefined while healthy. */
  readonly unhealthySince: number | undefined
}

export interface TendingDeps {
  readonly store: Store
  readonly keyring: Keyring
  readonly seals: SealSet
  readonly ports: { readonly clock: Clock; readonly random: Random }
  readonly log: Log
  /** For what changes the keys at rest. */
  readonly inTurn: Turns
}

/** Milliseconds between checks of seals that work, and of others. */
const CALM = 600_000
const ANXIOUS = 60_000

interface Known {
  unhealthySince: number | undefined
  /** Of the key that it wraps with now. */
  keyId: string
}

export class Tending {
  readonly #deps: TendingDeps
  readonly #known = new Map<string, Known>()
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(deps: TendingDeps) {
    this.#deps = deps
  }

  /** Of the active seals, as of the last check. */
  get health(): SealHealth[] {
    return this.#deps.seals.active.map(({ name, wrapper: { type } }) => {
      const unhealthySince = this.#known.get(name)?.unhealthySince
      return { name, type, healthy: unhealthySince === undefined, unhealthySince }
    })
  }

  /** Whether every active seal could open the server by the key that it wraps with now: who is told so may take older keys away. */
  get fullyWrapped(): boolean {
    const wrapped = wrappedKeys(this.#deps.store)
    return this.#deps.seals.active.every(({ name }) => {
      const known = this.#known.get(name)
      return known !== undefined && wrapped.get(name)?.keyId === known.keyId
    })
  }

  /** To be called about once a minute: checks when it is time to. */
  async tick(): Promise<void> {
    const {
      ports: { clock },
      seals,
    } = this.#deps
    for (const seal of seals.active) await this.#tend(seal)
    const wait = this.health.every(({ healthy }) => healthy) ? CALM : ANXIOUS
    if (clock.monotonic() - this.#checkedAt >= wait) await this.check()
  }

  /** Tries every active seal, and wraps the root key where it isn't wrapped, or not by the newest key. */
  async check(): Promise<void> {
    const {
      ports: { clock },
      seals,
    } = this.#deps
    this.#checkedAt = clock.monotonic()
    await Promise.all(seals.active.map((seal) => this.#probe(seal)))
    await this.#deps.inTurn(() => this.#rewrap())
  }

  async #rewrap(): Promise<void> {
    const { store, keyring, seals, log } = this.#deps
    if (keyring.sealed || readSealConfig(store)?.type !== 'auto') return
    const before = wrappedKeys(store)
    if (!seals.active.some(({ name }) => before.has(name))) return // a migration is pending
    const stale = seals.active.filter(({ name }) => this.#isStale(name, before.get(name)?.keyId))
    const surplus = [...before.keys()].filter((name) => !seals.active.some((seal) => seal.name === name))
    if (stale.length === 0 && surplus.length === 0) return
    const expect = revisions(store, [KEPT_ROOT_KEY, ...[...before.keys(), ...stale.map(({ name }) => name)].map(wrappedKey)])
    const ops = [...(await this.#wrapped(stale)), ...surplus.map((name) => gone(wrappedKey(name)))]
    if (ops.length === 0) return
    await store.commit({ ops, expect })
    log.info('the root key was wrapped anew', { by: stale.map(({ name }) => name).join(), no_longer_by: surplus.join() })
  }

  /** Not wrapped yet, or not by the key that the seal wraps with now. */
  #isStale(name: string, keyId: string | undefined): boolean {
    const known = this.#known.get(name)
    return known !== undefined && known.unhealthySince === undefined && known.keyId !== keyId
  }

  async #wrapped(stale: readonly Seal[]): Promise<Op[]> {
    const { store, keyring, log } = this.#deps
    const rootKey = openBehind(store, keyring, KEPT_ROOT_KEY)
    const ops: Op[] = []
    try {
      for (const { name, wrapper } of stale) {
        try {
          ops.push({ key: wrappedKey(name), value: encode({ ...(await wrapper.wrap(rootKey)), type: wrapper.type }) })
        } catch (error) {
          log.warn('a seal could not wrap the root key', { seal: name, type: wrapper.type, reason: (error as Error).message })
        }
      }
    } finally {
      rootKey.fill(0)
    }
    return ops
  }

  async #tend({ name, wrapper }: Seal): Promise<void> {
    try {
      await wrapper.tend?.()
    } catch (error) {
      this.#deps.log.warn('a seal could not be looked after', { seal: name, type: wrapper.type, reason: (error as Error).message })
    }
  }

  async #probe({ name, wrapper }: Seal): Promise<void> {
    const {
      ports: { clock, random },
      log,
    } = this.#deps
    const before = this.#known.get(name)
    const probe = random.bytes(KEY_BYTES)
    try {
      const wrapped = await wrapper.wrap(probe)
      const back = await wrapper.unwrap(wrapped)
      if (!equalBytes(back, probe)) throw new Error('it gave back something else than it was given')
      if (before?.unhealthySince !== undefined) log.info('a seal works again', { seal: name, type: wrapper.type })
      this.#known.set(name, { unhealthySince: undefined, keyId: wrapped.keyId })
    } catch (error) {
      if (before?.unhealthySince === undefined) {
        log.error('a seal does not work', { seal: name, type: wrapper.type, reason: (error as Error).message })
      }
      this.#known.set(name, { unhealthySince: before?.unhealthySince ?? clock.now(), keyId: before?.keyId ?? '' })
    }
  }
}
