// Initialises and unseals: leads from key shares or seals to the keyring, on the raw store and in one process of a machine.
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import { silent } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Store } from '../store/store.ts'
import { Attempt } from './attempt.ts'
import { sealedFault } from './barrier.ts'
import { GenerateRoot, type GenerateRootDeps } from './generate-root.ts'
import { type InitSpec, initialise } from './initialise.ts'
import { readSealConfig, storeNextTerm } from './key-records.ts'
import type { Keyring } from './keyring.ts'
import { pendingMigration } from './migration.ts'
import { openBySeals, openByShares } from './opening.ts'
import { noPgp, type Pgp } from './pgp.ts'
import { Rekey, type RekeyTarget } from './rekey.ts'
import { replaceRoot } from './replace-keys.ts'
import { SealSet, wrappedKeys } from './seal-set.ts'
import { settle, shareSets } from './share-sets.ts'

type SealerPorts = Pick<Ports, 'clock' | 'random' | 'timers'>

/** As sys/seal-status shows it. */
export interface SealStatus {
  /** `shamir`, or the kind of the seal that is asked first. */
  readonly type: string
  readonly initialized: boolean
  readonly sealed: boolean
  readonly t: number
  readonly n: number
  readonly progress: number
  readonly nonce: string
  readonly migration: boolean
  readonly recovery_seal: boolean
  readonly recovery_seal_type?: 'shamir'
}

export function openSealer(store: Store, keyring: Keyring, ports: SealerPorts, seals = new SealSet([], silent), pgp = noPgp): Sealer {
  return new Sealer(store, keyring, ports, seals, pgp)
}

export class Sealer {
  readonly rekeys: Readonly<Record<RekeyTarget, Rekey>>
  readonly #store: Store
  readonly #keyring: Keyring
  readonly #ports: SealerPorts
  readonly #seals: SealSet
  readonly #pgp: Pgp
  #root: GenerateRoot | undefined
  #attempt: Attempt | undefined
  /** Counts what ended an attempt, so that one that was being combined meanwhile comes to nothing. */
  #ended = 0

  constructor(store: Store, keyring: Keyring, ports: SealerPorts, seals: SealSet, pgp: Pgp) {
    this.#store = store
    this.#keyring = keyring
    this.#ports = ports
    this.#seals = seals
    this.#pgp = pgp
    this.rekeys = {
      root: new Rekey('root', { store, keyring, ports, seals, pgp }),
      recovery: new Rekey('recovery', { store, keyring, ports, seals, pgp }),
    }
  }

  /** The term that seals; 0 while sealed. */
  get activeTerm(): number {
    return this.#keyring.active
  }

  /** Whether seals open the barrier, or will once it is initialised. */
  get auto(): boolean {
    const config = readSealConfig(this.#store)
    return config ? config.type === 'auto' : this.#seals.active.length > 0
  }

  status(): SealStatus {
    const config = readSealConfig(this.#store)
    const { sealed } = this.#keyring
    return {
      type: this.#type,
      initialized: config !== undefined,
      sealed,
      t: config?.threshold ?? 0,
      n: config?.shares ?? 0,
      progress: this.#attempt?.progress ?? 0,
      nonce: this.#attempt?.nonce ?? '',
      migration: sealed && pendingMigration(this.#store, this.#seals) !== undefined,
      recovery_seal: this.auto,
      ...(this.auto ? { recovery_seal_type: 'shamir' } : {}),
    }
  }

  /** Makes all keys and returns the shares, which the caller wipes; stays sealed. Of several calls, one succeeds. */
  init(spec: InitSpec): Promise<Buffer[]> {
    return initialise({ store: this.#store, ports: this.#ports, seals: this.#seals }, spec)
  }

  /**
   * Takes one share and wipes it; unseals with the last that is needed, with `migrate` by way of the seal migration that is pending.
   * Shares that don't fit end the attempt. Throws `invalid`, and `unavailable` where a seal is needed too and can't be reached.
   */
  async unseal(share: Buffer, migrate = false): Promise<SealStatus> {
    try {
      this.#checkMigrate(migrate)
      if (!readSealConfig(this.#store)) throw new Fault('invalid', 'Vault is not initialized')
      if (!this.#keyring.sealed) return this.status()
      this.#attempt ??= this.#newAttempt()
      this.#attempt.add(share)
    } finally {
      share.fill(0)
    }
    if (this.#attempt.complete || this.#attempt.enoughFor.length > 0) await this.#try(this.#attempt, migrate)
    return this.status()
  }

  /** Unseals by whatever seal can. Throws `unavailable` where none can, and `invalid` where it takes shares. */
  async unsealBySeals(): Promise<void> {
    if (!this.#keyring.sealed) return
    if (readSealConfig(this.#store)?.type !== 'auto') throw new Fault('invalid', 'Vault is sealed with key shares')
    this.#checkMigrate(false)
    const ended = this.#ended
    const opened = await openBySeals(this.#store, this.#seals)
    try {
      if (ended === this.#ended) this.#take(opened)
    } finally {
      opened.close()
    }
  }

  /** Makes root tokens for those who hold enough shares. */
  generateRoot(deps: Pick<GenerateRootDeps, 'mintRoot' | 'tokenLength' | 'around'>): GenerateRoot {
    this.#root = new GenerateRoot({ store: this.#store, keyring: this.#keyring, ports: this.#ports, pgp: this.#pgp, ...deps })
    return this.#root
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
    for (const rekey of Object.values(this.rekeys)) rekey.forget()
    this.#root?.forget()
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
    if (this.#keyring.sealed) throw sealedFault()
    const encoded = await storeNextTerm(this.#store, this.#keyring, this.#ports)
    if (this.#keyring.sealed) throw sealedFault()
    this.#keyring.extend(encoded)
    return encoded
  }

  /** Lets the newest term seal here; returns its number. */
  activate(): number {
    if (this.#keyring.sealed) throw sealedFault()
    const term = this.#keyring.terms.length
    this.#keyring.activate(term)
    return term
  }

  /** Makes another root key; what people hold stays good. Throws `sealed`, and `unavailable` where no seal can be reached. */
  rotateRoot(): Promise<void> {
    return replaceRoot({ store: this.#store, keyring: this.#keyring, ports: this.#ports, seals: this.#seals })
  }

  /** From now on only the newest shares are good. */
  settle(): Promise<void> {
    return settle(this.#store)
  }

  get #type(): string {
    if (!this.auto) return 'shamir'
    const [seal] = [...this.#seals.active, ...this.#seals.disabled]
    const [stored] = wrappedKeys(this.#store).values()
    return seal?.wrapper.type ?? stored?.type ?? 'auto'
  }

  #newAttempt(): Attempt {
    const splits = shareSets(this.#store).map(({ split }) => split)
    if (splits.length === 0) throw new Fault('invalid', 'there are no key shares that could unseal; a restart unseals by the configured seal')
    return new Attempt(uuid(this.#ports.random), splits)
  }

  #checkMigrate(migrate: boolean): void {
    const pending = pendingMigration(this.#store, this.#seals) !== undefined
    if (migrate && !pending) throw new Fault('invalid', "can't perform a seal migration, no migration seal found")
    if (!migrate && pending && this.#keyring.sealed) throw new Fault('invalid', 'migrate option not provided and seal migration is pending')
  }

  async #try(attempt: Attempt, migrate: boolean): Promise<void> {
    const ended = this.#ended
    const { complete, enoughFor: indices } = attempt
    if (complete) this.#attempt = undefined
    try {
      const sharedKey = await attempt.combined(this.#ports.random)
      try {
        const opened = await openByShares({ store: this.#store, seals: this.#seals, random: this.#ports.random }, { sharedKey, indices, migrate })
        if (opened && ended === this.#ended) this.#take(opened)
        opened?.close()
      } finally {
        sharedKey.fill(0)
      }
      if (complete && ended === this.#ended && this.#keyring.sealed) throw wrongShares()
    } catch (error) {
      // With more shares they may still be those of another set.
      if (complete || !(error instanceof Fault)) throw error
    } finally {
      if (complete) attempt.close()
    }
    if (!this.#keyring.sealed) this.#endAttempt()
  }

  #take(opened: Keyring): void {
    const encoded = opened.encode()
    this.#keyring.load(encoded)
    encoded.fill(0)
  }

  #endAttempt(): void {
    this.#ended++
    this.#attempt?.close()
    this.#attempt = undefined
  }
}

function wrongShares(): Fault {
  const reason = 'invalid key: failed to decrypt keys from storage: cipher: message authentication failed'
  return new Fault('invalid', `unable to retrieve stored keys: ${reason}`)
}
