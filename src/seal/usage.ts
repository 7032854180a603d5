// Counts what each term sealed. A process takes its numbers in blocks that are written down before they are used, so that no
// crash and no clone makes the count too low.
import type { Random } from '../base/ports.ts'
import { openRecord, sealRecord } from '../crypto/aead.ts'
import { decode, encode } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { sealedFault } from './barrier.ts'
import type { Keyring } from './keyring.ts'

const FIRST_BLOCK = 1_024
const LARGEST_BLOCK = 65_536

interface Taken {
  readonly term: number
  left: number
  /** How many to take next: more each time, so that a busy process rarely asks and an idle one wastes little. */
  block: number
  growing: Promise<void> | undefined
}

interface Count {
  readonly sealed: number
}

/** One process's share of the count. `store` is the one below the barrier. */
export class Usage {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #random: Random
  #taken: Taken = nothing(0)

  constructor(store: Store, keyring: Keyring, random: Random) {
    this.#store = store
    this.#keyring = keyring
    this.#random = random
  }

  /** Counts records about to be sealed under a term; a promise where that has to be written down first. */
  take(term: number, count: number): Promise<void> | undefined {
    const taken = this.#of(term)
    if (taken.left < count) return this.#wait(taken, count)
    taken.left -= count
    return undefined
  }

  /** How many of those taken for a term are still to be used here. */
  unspent(term: number): number {
    return this.#taken.term === term ? this.#taken.left : 0
  }

  #of(term: number): Taken {
    if (this.#taken.term !== term) this.#taken = nothing(term)
    return this.#taken
  }

  async #wait(taken: Taken, count: number): Promise<void> {
    while (taken.left < count) {
      taken.growing ??= this.#grow(taken).finally(() => {
        taken.growing = undefined
      })
      await taken.growing
    }
    taken.left -= count
  }

  async #grow(taken: Taken): Promise<void> {
    const { term, block } = taken
    await transact(this.#store, (tx) => {
      const key = this.#keyring.keyOf(term)
      if (!key) throw sealedFault()
      const at = usedKey(term)
      const before = read(tx.get(at)?.value, this.#keyring, term)
      tx.put(at, sealRecord(key, term, encode({ sealed: before + block } satisfies Count), at, this.#random))
    })
    taken.left += block - 1 // the count is a sealed record itself
    taken.block = Math.min(2 * block, LARGEST_BLOCK)
  }
}

/** How many records of a term were sealed or may be by now; those that a crash kept from being used count too. */
export function takenOf(store: Pick<Store, 'get'>, keyring: Keyring, term: number): number {
  return read(store.get(usedKey(term))?.value, keyring, term)
}

function read(record: Buffer | undefined, keyring: Keyring, term: number): number {
  if (!record) return 0
  return decode<Count>(openRecord((named) => keyring.keyOf(named), record, usedKey(term))).sealed
}

function usedKey(term: number): Key {
  return `core/barrier/used/${term}`
}

function nothing(term: number): Taken {
  return { term, left: 0, block: FIRST_BLOCK, growing: undefined }
}
