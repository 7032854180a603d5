// The recovery token: for those who hold enough key shares, whatever state the rest of the server is in. Nothing of it is stored:
// it lives in this process, which makes one at most, and is gone with it.
import { Fault } from '../base/fault.ts'
import { base62, uuid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/ports.ts'
import { equalBytes, hmacSha256 } from '../crypto/hmac.ts'
import type { Generation, GenerationStatus } from './generate-root.ts'
import type { Pgp } from './pgp.ts'
import type { Sealer } from './sealer.ts'
import { type Guard, guardFor, guardToken } from './token-guard.ts'
import { openTurns } from './turns.ts'

export interface RecoveryDeps {
  /** Sealed: the shares that make the token open the barrier too. */
  readonly sealer: Pick<Sealer, 'status' | 'unseal' | 'reset' | 'seal'>
  readonly random: Random
  readonly pgp: Pgp
  readonly log: Log
}

interface Begun extends Guard {
  readonly nonce: string
}

const ID_PREFIX = 'hvr.'
const ID_LENGTH = 24

export class Recovery implements Generation {
  readonly makes = 'recovery'
  readonly otpLength = ID_PREFIX.length + ID_LENGTH
  readonly #deps: RecoveryDeps
  readonly #inTurn = openTurns()
  readonly #markKey: Buffer
  #begun: Begun | undefined
  /** HMAC of the token: itself it is known to its holder alone. */
  #mark: string | undefined

  constructor(deps: RecoveryDeps) {
    this.#deps = deps
    this.#markKey = deps.random.bytes(32)
  }

  /** Whether it is the recovery token. */
  opens(token: string): boolean {
    const mark = hmacSha256(this.#markKey, token)
    return this.#mark !== undefined && equalBytes(Buffer.from(this.#mark), Buffer.from(mark))
  }

  /** Also when there is a token: clients ask it how long a password is, to decode what they were told. */
  status(): GenerationStatus {
    const { t: required, progress } = this.#deps.sealer.status()
    return { nonce: this.#begun?.nonce, fingerprint: this.#begun?.fingerprint ?? '', progress, required }
  }

  /**
   * With the client's one-time password, for its PGP key, or with a password of its own, which it returns ('' otherwise). Throws
   * `invalid` where one has begun already.
   */
  init(given: string, pgpKey: string): Promise<string> {
    return this.#inTurn(async () => {
      this.#assertNone()
      if (this.#begun) throw new Fault('invalid', 'root generation already in progress')
      const guard = await guardFor(given, pgpKey, this.otpLength, this.#deps)
      this.#begun = { nonce: uuid(this.#deps.random), ...guard }
      this.#deps.log.info('the making of a recovery token has begun', { nonce: this.#begun.nonce })
      return given === '' ? guard.otp : ''
    })
  }

  /**
   * Takes one key share and wipes it; with the last that is needed, the encoded token. Shares that don't fit have to be given again,
   * all of them. Throws `invalid`, and `unavailable` where a seal is needed too and can't be reached.
   */
  update(nonce: string, share: Buffer): Promise<string | undefined> {
    return this.#inTurn(async () => {
      this.#assertNone()
      const begun = this.#begun
      if (!begun) throw new Fault('invalid', 'no root generation in progress')
      if (nonce !== begun.nonce) {
        throw new Fault('invalid', `incorrect nonce supplied; nonce for this root generation operation is "${begun.nonce}"`)
      }
      const { sealer } = this.#deps
      const before = sealer.status().progress
      const { sealed, progress } = await sealer.unseal(share)
      if (!sealed) return this.#mint(begun)
      if (progress === before) throw new Fault('invalid', 'given key has already been provided during this generation operation')
      return undefined
    })
  }

  cancel(): Promise<void> {
    return this.#inTurn(async () => {
      this.#assertNone()
      this.#begun = undefined
      this.#deps.sealer.reset()
    })
  }

  /** Without a token to be told, nothing may stay open. */
  async #mint(begun: Begun): Promise<string> {
    const { random, pgp, sealer, log } = this.#deps
    const token = ID_PREFIX + base62(random, ID_LENGTH)
    try {
      const encoded = await guardToken(token, begun, pgp)
      this.#mark = hmacSha256(this.#markKey, token)
      this.#begun = undefined
      log.info('a recovery token was made', { nonce: begun.nonce })
      return encoded
    } catch (error) {
      sealer.seal()
      throw error
    }
  }

  #assertNone(): void {
    if (this.#mark !== undefined) throw new Fault('invalid', 'attempted to generate recovery operation token when already unsealed')
  }
}
