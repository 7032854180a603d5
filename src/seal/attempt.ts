// One attempt to unseal: the shares given so far, kept in locked memory until they are enough for a set of shares that is good.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { equalBytes } from '../crypto/hmac.ts'
import { type Locked, openLocked } from '../crypto/locked.ts'
import { combineShares } from '../crypto/shamir.ts'
import { checkShareLength, shareBytes, type Split } from './seal-config.ts'

export class Attempt {
  readonly nonce: string
  readonly #splits: readonly Split[]
  readonly #pages: Locked
  readonly #shares: Buffer[] = []
  #used = 0

  /** `splits`: how the sets of shares that are good were split, the present one first. */
  constructor(nonce: string, splits: readonly Split[]) {
    this.nonce = nonce
    this.#splits = splits
    this.#pages = openLocked(Math.max(...splits.map(({ threshold }) => threshold)) * Math.max(...splits.map(shareBytes)))
  }

  get progress(): number {
    return this.#shares.length
  }

  /** Whether no set needs more shares. */
  get complete(): boolean {
    return this.#splits.every(({ threshold }) => this.progress >= threshold)
  }

  /** Copies the share in, unless it was given before. Throws `invalid` for what can't be a share of any set. */
  add(share: Uint8Array): void {
    checkLength(share, this.#splits)
    if (this.#shares.some((known) => equalBytes(known, share))) return
    const own = this.#pages.bytes.subarray(this.#used, this.#used + share.length)
    own.set(share)
    this.#used += share.length
    this.#shares.push(own)
  }

  /** Which sets the shares are just enough for, as indices. */
  get enoughFor(): number[] {
    const fits = (split: Split) => split.threshold === this.progress && this.#shares.every(({ length }) => length === shareBytes(split))
    return this.#splits.flatMap((split, index) => (fits(split) ? [index] : []))
  }

  /** The key that the shares make, be it the right one or not; the caller wipes it. Throws `invalid` for what can't be of one split. */
  async combined(random: Random): Promise<Buffer> {
    try {
      return await combineShares(this.#shares, random)
    } catch (error) {
      throw new Fault('invalid', `invalid key: failed to compute combined key: ${(error as Error).message}`)
    }
  }

  close(): void {
    this.#pages.close()
  }
}

function checkLength(share: Uint8Array, splits: readonly Split[]): void {
  if (splits.some((split) => shareBytes(split) === share.length)) return
  checkShareLength(share, splits[0] as Split)
}
