// The configured seals together: any one of them opens the root key, each of them wraps it.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { decode, encode } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { gone, type Op } from './behind.ts'
import type { Seal, Wrapped } from './wrapper.ts'

const WRAPPED = 'core/seal/wrapped/'

interface WrappedRecord extends Wrapped {
  readonly type: string
}

/** By the name of the seal that wrapped it. */
export type WrappedKeys = ReadonlyMap<string, WrappedRecord>

export class SealSet {
  /** Those that wrap and unwrap, the first to be asked first. */
  readonly active: readonly Seal[]
  /** Those that only unwrap. */
  readonly disabled: readonly Seal[]
  readonly #log: Log

  constructor(seals: readonly Seal[], log: Log) {
    const inOrder = seals.toSorted((a, b) => a.priority - b.priority)
    this.active = inOrder.filter(({ disabled }) => !disabled)
    this.disabled = inOrder.filter(({ disabled }) => disabled)
    this.#log = log
  }

  /** The root key under every active seal that can be reached. Throws `unavailable` where none can. */
  async wrapAll(rootKey: Uint8Array): Promise<WrappedKeys> {
    const results = await Promise.all(this.active.map((seal) => this.#attempt(seal, 'wrap the root key', () => seal.wrapper.wrap(rootKey))))
    const wrapped = new Map<string, WrappedRecord>()
    for (const [index, result] of results.entries()) {
      const { name, wrapper } = this.active[index] as Seal
      if (result) wrapped.set(name, { ...result, type: wrapper.type })
    }
    if (wrapped.size === 0) throw new Fault('unavailable', 'no seal could wrap the root key')
    return wrapped
  }

  /** What each seal that can gives, one after the other; the caller wipes it. */
  async *unwrapped(store: Store): AsyncGenerator<Buffer> {
    const stored = wrappedKeys(store)
    for (const seal of [...this.active, ...this.disabled]) {
      const wrapped = stored.get(seal.name)
      const key = wrapped && (await this.#attempt(seal, 'unwrap the root key', () => seal.wrapper.unwrap(wrapped)))
      if (key) yield key
    }
  }

  async #attempt<T>({ name, wrapper }: Seal, what: string, run: () => Promise<T>): Promise<T | undefined> {
    try {
      return await run()
    } catch (error) {
      this.#log.warn(`a seal could not ${what}`, { seal: name, type: wrapper.type, reason: (error as Error).message })
      return undefined
    }
  }
}

export function wrappedKeys(store: Store): WrappedKeys {
  void store.revision
  return new Map(Array.from(store.range({ prefix: WRAPPED }), ({ key, value }) => [key.slice(WRAPPED.length), decode<WrappedRecord>(value)]))
}

/** Writes these, and removes those of other seals. */
export function wrappedOps(store: Store, wrapped: WrappedKeys): Op[] {
  const put = Array.from(wrapped, ([name, record]) => ({ key: WRAPPED + name, value: encode(record) }))
  const others = [...wrappedKeys(store).keys()].filter((name) => !wrapped.has(name))
  return [...put, ...others.map((name) => gone(wrappedKey(name)))]
}

export function wrappedKey(name: string): Key {
  return WRAPPED + name
}
