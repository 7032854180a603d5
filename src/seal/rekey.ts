// A rekey: with enough of the present shares, a new key is made and split anew; where verification is asked for, the new shares
// count only once enough of them were shown to fit. What was begun is stored, so it goes on after a restart; shares given are not.
// Where seals open the barrier, a rekey of the root replaces the root key only: its shares are those of the recovery key.
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import { equalBytes } from '../crypto/hmac.ts'
import { splitSecret } from '../crypto/shamir.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { Attempt } from './attempt.ts'
import { barrier } from './barrier.ts'
import { sealBehind } from './behind.ts'
import { readSealConfig } from './key-records.ts'
import { freshKeys } from './fresh-keys.ts'
import { checkSplit, type SealConfig, type Split } from './seal-config.ts'
import { backupKey, toBackup } from './share-backup.ts'
import { knownShares } from './share-sets.ts'
import { checkPgpKeys, encryptShares, type Pgp } from './pgp.ts'
import { type ReplaceDeps, replaceRoot, replaceShared } from './replace-keys.ts'
import { findShare, markShares, Quorum, type ShareMarks } from './shares.ts'

export type RekeyTarget = 'root' | 'recovery'

export interface RekeyRequest extends Split {
  readonly verify: boolean
  /** Of the recovery key: whether it shall open the barrier too; as it was, unless told. */
  readonly recoveryOpens?: boolean | undefined
  /** A public key for each share, or none: for whom each is encrypted. */
  readonly pgpKeys: readonly string[]
  /** Keeps the encrypted shares, until they are deleted. */
  readonly backup: boolean
}

export interface RekeyStatus {
  readonly begun: (Split & { readonly verify: boolean } & Told & { readonly nonce: string }) | undefined
  readonly progress: number
  /** Shares that it takes. */
  readonly required: number
}

export interface VerifyStatus extends Split {
  readonly nonce: string
  readonly started: boolean
  readonly progress: number
}

/** What is told of a rekey both while it goes on and when it is over. */
interface Told {
  /** Of those that the shares are encrypted for. */
  readonly fingerprints: readonly string[]
  readonly backup: boolean
  /** Where the new shares must be shown to fit before they count. */
  readonly verificationNonce: string | undefined
}

export interface Rekeyed extends Told {
  /** Encrypted where that was asked for; the caller wipes them. */
  readonly shares: readonly Buffer[]
}

interface Begun extends RekeyRequest {
  readonly nonce: string
  readonly fingerprints: readonly string[]
  /** Once the new shares were made and wait to be verified. */
  readonly made?: { readonly nonce: string; readonly marks: ShareMarks }
}

/** New keys that take the place of the present ones. */
interface Made {
  readonly sharedKey: Uint8Array
  readonly marks: ShareMarks
  readonly backup?: Uint8Array | undefined
  readonly keepBefore?: number
}

export interface RekeyDeps extends ReplaceDeps {
  readonly pgp: Pgp
}

const begun = records<Begun>('core/barrier/rekey/')

export class Rekey {
  readonly #target: RekeyTarget
  readonly #deps: RekeyDeps
  readonly #inside: Store
  readonly #quorum = new Quorum()
  #shown: Attempt | undefined

  constructor(target: RekeyTarget, deps: RekeyDeps) {
    this.#target = target
    this.#deps = deps
    this.#inside = barrier(deps.store, deps.keyring, deps.ports.random)
  }

  status(): RekeyStatus {
    this.#checkTarget()
    const one = this.#begun()
    return {
      begun: one && { ...one, verificationNonce: one.made?.nonce },
      progress: this.#quorum.progress,
      required: this.#config.threshold,
    }
  }

  /** Resolves to new shares at once where nobody holds any that could be asked for. Throws `invalid` where one has begun already. */
  async init(request: RekeyRequest): Promise<Rekeyed | undefined> {
    this.#checkTarget()
    const settled = this.#settled(request)
    const fingerprints = await checkPgpKeys(this.#deps.pgp, settled.pgpKeys, settled.shares, 'incorrect number of PGP keys for rekey')
    const one = { ...settled, fingerprints, nonce: uuid(this.#deps.ports.random) }
    await transact(this.#inside, (tx) => {
      if (begun.get(tx, this.#target)) throw new Fault('invalid', 'rekey already in progress')
      begun.put(tx, this.#target, one)
    })
    this.forget()
    return this.#target === 'recovery' && this.#config.shares === 0 ? this.#make(one) : undefined
  }

  /** Takes one of the present shares; with the last that is needed, the new shares. Throws `invalid`. */
  async update(nonce: string, share: Uint8Array): Promise<Rekeyed | undefined> {
    this.#checkTarget()
    const one = this.#begun()
    if (!one) throw new Fault('invalid', `no ${this.#target === 'root' ? 'barrier' : 'recovery'} rekey in progress`)
    if (one.made) throw new Fault('invalid', alreadyMade(one.made.nonce))
    if (nonce !== one.nonce) throw new Fault('invalid', `incorrect nonce supplied; nonce for this rekey operation is "${one.nonce}"`)
    if (!this.#quorum.add(share, this.#sets(), 'rekey')) return undefined
    this.#quorum.clear()
    return this.#make(one)
  }

  async cancel(): Promise<void> {
    this.#checkTarget()
    await this.#inside.commit({ ops: this.#traces() })
    this.forget()
  }

  /** Throws `invalid` where no rekey has begun. */
  verifyStatus(): VerifyStatus {
    this.#checkTarget()
    const one = this.#begun()
    if (!one) throw new Fault('invalid', 'no rekey configuration found')
    const { shares, threshold, made } = one
    return { nonce: made?.nonce ?? '', started: made !== undefined, shares, threshold, progress: this.#shown?.progress ?? 0 }
  }

  /** Takes one of the new shares; true once they count. Throws `invalid`. */
  async verify(nonce: string, share: Uint8Array): Promise<boolean> {
    const one = this.#waiting()
    if (nonce !== one.made.nonce) throw new Fault('invalid', `incorrect nonce supplied; nonce for this verify operation is "${one.made.nonce}"`)
    findShare(share, [{ split: one, marks: one.made.marks }])
    this.#shown ??= new Attempt(nonce, [one])
    const { progress } = this.#shown
    this.#shown.add(share)
    if (this.#shown.progress === progress) throw new Fault('invalid', 'given key has already been provided during this verify operation')
    if (!this.#shown.complete) return false
    try {
      await this.#count(one, this.#shown)
    } finally {
      this.forget()
    }
    return true
  }

  /** Starts the verification over, with another nonce. Throws `invalid` where none is going on. */
  async verifyRestart(): Promise<void> {
    const one = this.#waiting()
    await transact(this.#inside, (tx) => begun.put(tx, this.#target, { ...one, made: { ...one.made, nonce: uuid(this.#deps.ports.random) } }))
    this.forget()
  }

  /** Throws `invalid` for what is no share that counts now, nor one that waits to be verified. */
  checkShare(share: Uint8Array): void {
    const one = this.#begun()
    findShare(share, [...this.#sets(), ...(one?.made ? [{ split: one, marks: one.made.marks }] : [])])
  }

  /** Lets go of the shares given so far; what was begun goes on. */
  forget(): void {
    this.#quorum.clear()
    this.#shown?.close()
    this.#shown = undefined
  }

  async #make(one: Begun): Promise<Rekeyed> {
    const { clock, random } = this.#deps.ports
    const told = { fingerprints: one.fingerprints, backup: one.backup, verificationNonce: undefined }
    if (one.shares === 0) {
      await replaceRoot(this.#deps, this.#traces())
      return { ...told, shares: [] }
    }
    const fresh = freshKeys(1, random)
    try {
      const plain = await splitSecret(fresh.bytes, one.shares, one.threshold, random)
      const marks = markShares(plain, random)
      const shares = await this.#forHolders(one, plain)
      const backup = one.backup ? toBackup(one.nonce, one.fingerprints, shares) : undefined
      if (!one.verify) {
        await this.#replace(one, { sharedKey: fresh.bytes, marks, backup, keepBefore: clock.now() })
        return { ...told, shares }
      }
      const made = { nonce: uuid(random), marks }
      await transact(this.#inside, (tx) => {
        begun.put(tx, this.#target, { ...one, made })
        tx.put(this.#keyAt, fresh.bytes)
        if (backup) tx.put(backupKey(this.#target, false), backup)
      })
      return { ...told, shares, verificationNonce: made.nonce }
    } finally {
      fresh.close()
    }
  }

  /** Encrypted where that was asked for. */
  async #forHolders({ pgpKeys }: Begun, plain: Buffer[]): Promise<Buffer[]> {
    if (pgpKeys.length === 0) return plain
    try {
      return await encryptShares(this.#deps.pgp, pgpKeys, plain)
    } finally {
      for (const share of plain) share.fill(0)
    }
  }

  /** What the new shares make together must be the new key; then it takes the place of the old. */
  async #count(one: Begun & Required<Pick<Begun, 'made'>>, shown: Attempt): Promise<void> {
    const made = this.#inside.get(this.#keyAt)?.value
    const combined = await shown.combined(this.#deps.ports.random)
    try {
      if (!made || !equalBytes(made, combined)) throw new Error('genuine shares that do not make the key they are of')
      const backup = this.#inside.get(backupKey(this.#target, false))?.value
      await this.#replace(one, { sharedKey: combined, marks: one.made.marks, backup })
    } finally {
      made?.fill(0)
      combined.fill(0)
    }
  }

  #replace({ shares, threshold, recoveryOpens = this.#config.recoveryOpens }: RekeyRequest, made: Made): Promise<void> {
    const { sharedKey, marks, backup, keepBefore } = made
    const { keyring, ports } = this.#deps
    const config = { type: this.#config.type, shares, threshold, ...(recoveryOpens ? { recoveryOpens } : {}) }
    const at = backupKey(this.#target, true)
    const kept = backup ? [{ key: at, value: sealBehind(keyring, backup, at, ports.random) }] : []
    return replaceShared(
      this.#deps,
      { config, sharedKey, marks },
      { rootToo: this.#target === 'root', keepBefore, more: [...this.#traces(), ...kept] },
    )
  }

  /** Throws `invalid` for what can't be. */
  #settled(request: RekeyRequest): RekeyRequest {
    const { shares, threshold, verify, recoveryOpens, pgpKeys, backup } = request
    if (this.#target === 'root' && this.#config.type === 'auto') {
      const not = (what: string) => new Fault('invalid', `${what} not supported when rekeying the barrier key with recovery keys`)
      if (verify) throw not('requiring verification')
      if (pgpKeys.length > 0) throw not('PGP key encryption')
      if (backup) throw not('key backup')
      return { shares: 0, threshold: 0, verify, pgpKeys, backup }
    }
    checkSplit({ shares, threshold }, this.#target === 'root' ? 'rekey seal configuration' : 'recovery configuration')
    if (backup && pgpKeys.length === 0) {
      throw new Fault('invalid', 'cannot request a backup of the new keys without providing PGP keys for encryption')
    }
    if (recoveryOpens === undefined) return { shares, threshold, verify, pgpKeys, backup }
    if (this.#target === 'root') throw new Fault('invalid', 'recovery_unseal is for recovery keys')
    return { shares, threshold, verify, recoveryOpens, pgpKeys, backup }
  }

  get #config(): SealConfig {
    const config = readSealConfig(this.#deps.store)
    if (!config) throw new Fault('invalid', 'server is not yet initialized')
    return config
  }

  #waiting(): Begun & Required<Pick<Begun, 'made'>> {
    this.#checkTarget()
    const one = this.#begun()
    if (!one) throw new Fault('invalid', 'no rekey in progress')
    const { made } = one
    if (!made) throw new Fault('invalid', 'no rekey verification in progress')
    return { ...one, made }
  }

  #begun(): Begun | undefined {
    void this.#inside.revision
    return begun.get(this.#inside, this.#target)
  }

  #sets() {
    return knownShares(this.#deps.store, this.#deps.keyring)
  }

  #checkTarget(): void {
    if (this.#target === 'recovery' && this.#config.type !== 'auto') {
      throw new Fault('invalid', 'recovery rekeying not supported')
    }
  }

  get #keyAt(): string {
    return `core/barrier/rekey-key/${this.#target}`
  }

  #traces() {
    return [begun.key(this.#target), this.#keyAt, backupKey(this.#target, false)].map((key) => ({ key, value: undefined }))
  }
}

function alreadyMade(nonce: string): string {
  return `rekey operation already finished; verification must be performed; nonce for the verification operation is "${nonce}"`
}
