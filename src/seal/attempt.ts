// One attempt to unseal: the shares given so far, kept in locked memory until they are enough.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { equalBytes } from '../crypto/hmac.ts'
import { type Locked, openLocked } from '../crypto/locked.ts'
import { combineShares } from '../crypto/shamir.ts'
import { type SealConfig, shareBytes } from './seal-config.ts'

export class Attempt {
  readonly nonce: string
  readonly #config: SealConfig
  readonly #pages: Locked
  readonly #shares: Buffer[] = []

  constructor(nonce: string, config: SealConfig) {
    this.nonce = nonce
    this.#config = config
    this.#pages = openLocked(config.threshold * shareBytes(config))
  }

  get progress(): number {
    return this.#shares.length
  }

  get complete(): boolean {
    return this.progress === this.#config.threshold
  }

  /** Copies the share in, unless it was given before. */
  add(share: Uint8Array): void {
    if (this.#shares.some((known) => equalBytes(known, share))) return
    const own = this.#pages.bytes.subarray(this.progress * share.length, (this.progress + 1) * share.length)
    own.set(share)
    this.#shares.push(own)
  }

  /** The unseal key that the shares make, be it the right one or not; the caller wipes it. */
  async unsealKey(random: Random): Promise<Buffer> {
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
