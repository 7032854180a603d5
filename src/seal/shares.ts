// Tells a key share from a guess, one by one: an HMAC of each share is kept behind the barrier, so an unsealed server knows them all.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { equalBytes, hmacSha256 } from '../crypto/hmac.ts'
import { checkShareLength, type Split } from './seal-config.ts'

export interface ShareMarks {
  /** Hex of the HMACs' key, made anew with each set of shares. */
  readonly key: string
  readonly marks: readonly string[]
}

export function markShares(shares: readonly Uint8Array[], random: Random): ShareMarks {
  const key = random.bytes(32).toString('hex')
  return { key, marks: shares.map((share) => markOf(key, share)) }
}

/** From 0; -1 for what is none of them. */
function indexOfShare(share: Uint8Array, { key, marks }: ShareMarks): number {
  const mark = Buffer.from(markOf(key, share))
  return marks.findIndex((one) => equalBytes(Buffer.from(one), mark))
}

function markOf(key: string, share: Uint8Array): string {
  return hmacSha256(Buffer.from(key, 'hex'), share)
}

/** A set of shares as an unsealed server knows it. */
export interface KnownShares {
  readonly split: Split
  readonly marks: ShareMarks
}

/** The shares that were given for one purpose, known by their marks: none of them is kept. */
export class Quorum {
  readonly #given = new Map<string, Set<number>>()

  /** How many of the set that most were given of. */
  get progress(): number {
    return Math.max(0, ...[...this.#given.values()].map(({ size }) => size))
  }

  /** Returns whether the shares of its set are enough. Throws `invalid` for what is no share of the sets, and for one given before. */
  add(share: Uint8Array, sets: readonly KnownShares[], purpose: string): boolean {
    const { set, index } = findShare(share, sets)
    const given = this.#given.get(set.marks.key) ?? new Set()
    if (given.has(index)) throw new Fault('invalid', `given key has already been provided during this ${purpose} operation`)
    given.add(index)
    this.#given.set(set.marks.key, given)
    return given.size >= set.split.threshold
  }

  clear(): void {
    this.#given.clear()
  }
}

/** Throws `invalid` for what is no share of the sets; the message speaks of the first. */
export function findShare(share: Uint8Array, sets: readonly KnownShares[]): { set: KnownShares; index: number } {
  for (const set of sets) {
    const index = indexOfShare(share, set.marks)
    if (index >= 0) return { set, index }
  }
  const [newest] = sets
  if (newest) checkShareLength(share, newest.split)
  throw new Fault('invalid', 'invalid key: not one of the key shares')
}
