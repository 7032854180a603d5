// Initialises and unseals: leads from key shares to the keyring, on the raw store and in one process of a machine.
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Ports } from '../base/ports.ts'
import { openLocked } from '../crypto/locked.ts'
import { splitSecret } from '../crypto/shamir.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { Attempt } from './attempt.ts'
import { barrier, sealedFault } from './barrier.ts'
import { KEY_BYTES, Keyring } from './keyring.ts'
import { parseSealConfig, shareBytes } from './seal-config.ts'
import { alreadyInitialized, claimStore, readSealConfig, storeKeyring, unlockKeyring } from './wrapped-keys.ts'

type SealerPorts = Pick<Ports, 'clock' | 'random' | 'timers'>

/** As sys/seal-status shows it. */
export interface SealStatus {
  readonly type: 'shamir'
  readonly initialized: boolean
  readonly sealed: boolean
  readonly t: number
  readonly n: number
  readonly progress: number
  readonly nonce: string
  readonly migration: false
  readonly recovery_seal: false
}

export interface InitSpec {
  readonly shares: number
  readonly threshold: number
  /** Writes what shall be there from the start, such as the first token; it is committed together with the keys, or not at all. */
  readonly prepare?: (inside: Store) => Promise<void>
}

export function openSealer(store: Store, keyring: Keyring, ports: SealerPorts): Sealer {
  return new Sealer(store, keyring, ports)
}

export class Sealer {
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #ports: SealerPorts
  #attempt: Attempt | undefined
  /** Counts what ended an attempt, so that one that was being combined meanwhile comes to nothing. */
  #ended = 0

  constructor(store: Store, keyring: Keyring, ports: SealerPorts) {
    this.#store = store
    this.#keyring = keyring
    this.#ports = ports
  }

  /** The term that seals; 0 while sealed. */
  get activeTerm(): number {
    return this.#keyring.active
  }

  status(): SealStatus {
    const config = readSealConfig(this.#store)
    return {
      type: 'shamir',
      initialized: config !== undefined,
      sealed: this.#keyring.sealed,
      t: config?.threshold ?? 0,
      n: config?.shares ?? 0,
      progress: this.#attempt?.progress ?? 0,
      nonce: this.#attempt?.nonce ?? '',
      migration: false,
      recovery_seal: false,
    }
  }

  /** Makes all keys and returns the shares of the unseal key, which the caller wipes; stays sealed. Of several calls, one succeeds. */
  async init({ shares, threshold, prepare }: InitSpec): Promise<Buffer[]> {
    const { random, clock } = this.#ports
    const config = parseSealConfig(shares, threshold)
    if (readSealConfig(this.#store)) throw alreadyInitialized()
    const keyring = new Keyring()
    const fresh = openLocked(3 * KEY_BYTES)
    try {
      fillRandomly(fresh.bytes, random)
      const [unsealKey, rootKey, firstKey] = [0, 1, 2].map((n) => fresh.bytes.subarray(n * KEY_BYTES, (n + 1) * KEY_BYTES)) as [
        Buffer,
        Buffer,
        Buffer,
      ]
      keyring.addTerm(firstKey, clock.now())
      const given = await splitSecret(unsealKey, shares, threshold, random)
      const first = memory(this.#ports)
      await prepare?.(barrier(first, keyring, random))
      await claimStore(this.#store, config, { unsealKey, rootKey, keyring }, { first, random })
      return given
    } finally {
      fresh.close()
      keyring.close()
    }
  }

  /** Takes one share and wipes it; unseals with the last that is needed. Shares that don't fit end the attempt. Throws `invalid`. */
  async unseal(share: Buffer): Promise<SealStatus> {
    try {
      const config = readSealConfig(this.#store)
      if (!config) throw new Fault('invalid', 'Vault is not initialized')
      if (!this.#keyring.sealed) return this.status()
      checkLength(share, shareBytes(config))
      this.#attempt ??= new Attempt(uuid(this.#ports.random), config)
      this.#attempt.add(share)
    } finally {
      share.fill(0)
    }
    if (this.#attempt.complete) await this.#finish(this.#attempt)
    return this.status()
  }

  /** Forgets the shares given so far. Throws `invalid` where there is nothing to unseal. */
  reset(): SealStatus {
    if (!this.#keyring.sealed) throw new Fault('invalid', 'vault is unsealed')
    this.#endAttempt()
    return this.status()
  }

  /** At once: whatever is under way comes to nothing, and the keyring's keys are gone from this process when it returns. */
  seal(): void {
    this.#endAttempt()
    this.#keyring.wipe()
  }

  /** The keys in clear, for the `Keyring.load` of another process; the caller wipes them. Throws `sealed`. */
  exportKeyring(): Buffer {
    if (this.#keyring.sealed) throw sealedFault()
    return this.#keyring.encode()
  }

  /**
   * Makes the next term, stores it, and returns the keyring in clear for the `Keyring.extend` of other processes; the caller wipes
   * it. The term seals once `activate` says so. Throws `sealed`.
   */
  async addTerm(): Promise<Buffer> {
    const { random, clock } = this.#ports
    if (this.#keyring.sealed) throw sealedFault()
    const grown = new Keyring()
    const fresh = openLocked(KEY_BYTES)
    try {
      const before = this.#keyring.encode()
      grown.load(before)
      before.fill(0)
      fillRandomly(fresh.bytes, random)
      grown.addTerm(fresh.bytes, clock.now())
      await storeKeyring(this.#store, this.#keyring, grown, random)
      if (this.#keyring.sealed) throw sealedFault()
      const encoded = grown.encode()
      this.#keyring.extend(encoded)
      return encoded
    } finally {
      fresh.close()
      grown.close()
    }
  }

  /** Lets the newest term seal here; returns its number. */
  activate(): number {
    if (this.#keyring.sealed) throw sealedFault()
    const term = this.#keyring.terms.length
    this.#keyring.activate(term)
    return term
  }

  async #finish(attempt: Attempt): Promise<void> {
    this.#attempt = undefined
    const ended = this.#ended
    try {
      const unsealKey = await attempt.unsealKey(this.#ports.random)
      try {
        if (ended === this.#ended) unlockKeyring(this.#store, unsealKey, this.#keyring)
      } finally {
        unsealKey.fill(0)
      }
    } finally {
      attempt.close()
    }
    if (!this.#keyring.sealed) this.#endAttempt()
  }

  #endAttempt(): void {
    this.#ended++
    this.#attempt?.close()
    this.#attempt = undefined
  }
}

function fillRandomly(target: Buffer, random: Ports['random']): void {
  const bytes = random.bytes(target.length)
  target.set(bytes)
  bytes.fill(0)
}

/** Anything of another length can't be a share of ours, and mustn't cost those who gave theirs. */
function checkLength(share: Uint8Array, expected: number): void {
  if (share.length < expected) throw new Fault('invalid', `invalid key: key is shorter than minimum ${expected} bytes`)
  if (share.length > expected) throw new Fault('invalid', `invalid key: key is longer than maximum ${expected} bytes`)
}
