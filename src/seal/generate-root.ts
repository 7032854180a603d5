// A new root token for those who hold enough key shares: told as the XOR of the token and a one-time password, or
// encrypted with a PGP key.
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Ports } from '../base/ports.ts'
import { memory } from '../store/memory.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { barrier } from './barrier.ts'
import type { Keyring } from './keyring.ts'
import type { Pgp } from './pgp.ts'
import { knownShares } from './share-sets.ts'
import { findShare, Quorum } from './shares.ts'
import { type Guard, guardFor, guardToken } from './token-guard.ts'

export interface GenerateRootDeps {
  /** Below the barrier. */
  readonly store: Store
  readonly keyring: Keyring
  readonly ports: Pick<Ports, 'clock' | 'random' | 'timers'>
  /** Of a namespace: the store whose folder `store` is, in which its tokens lie, not behind its own barrier. */
  readonly around?: { readonly store: Store; readonly folder: string }
  /** Reads what it needs `from` behind the barrier, writes a root token's records `into` an empty store, and returns its id. */
  readonly mintRoot: (from: Store, into: Store) => Promise<string>
  /** Characters of a root token's id. */
  readonly tokenLength: number
  readonly pgp: Pgp
}

/** The making of a token for those who hold shares: bound to a nonce, one at a time. */
export interface Generation {
  readonly makes: 'root' | 'recovery'
  /** Characters of the token. */
  readonly otpLength: number
  status(): GenerationStatus
  init(given: string, pgpKey: string): Promise<string>
  update(nonce: string, share: Buffer): Promise<string | undefined>
  cancel(): Promise<void>
  /** Throws `invalid` for what is no key share; absent where that can't be told of a single one. */
  checkShare?(share: Uint8Array): void
}

/** How far it is. */
export interface GenerationStatus {
  readonly nonce: string | undefined
  /** Of the key that the token will be encrypted with; '' for none. */
  readonly fingerprint: string
  readonly progress: number
  /** Shares that it takes. */
  readonly required: number
}

interface Begun extends Guard {
  readonly nonce: string
}

const begun = records<Begun>('core/barrier/')
const ATTEMPT = 'generate-root'

export class GenerateRoot implements Generation {
  readonly makes = 'root'
  readonly #deps: GenerateRootDeps
  readonly #inside: Store
  readonly #quorum = new Quorum()

  constructor(deps: GenerateRootDeps) {
    this.#deps = deps
    this.#inside = barrier(deps.store, deps.keyring, deps.ports.random)
  }

  get otpLength(): number {
    return this.#deps.tokenLength
  }

  status(): GenerationStatus {
    const one = this.#begun()
    return {
      nonce: one?.nonce,
      fingerprint: one?.fingerprint ?? '',
      progress: this.#quorum.progress,
      required: this.#sets()[0]?.split.threshold ?? 0,
    }
  }

  /**
   * With the client's one-time password, for its PGP key, or with a password of its own, which it returns ('' otherwise). Throws
   * `invalid` where one has begun already.
   */
  async init(given: string, pgpKey: string): Promise<string> {
    const { ports, pgp } = this.#deps
    const guard = await guardFor(given, pgpKey, this.otpLength, { pgp, random: ports.random })
    await transact(this.#inside, (tx) => {
      if (begun.get(tx, ATTEMPT)) throw new Fault('invalid', 'root generation already in progress')
      begun.put(tx, ATTEMPT, { nonce: uuid(ports.random), ...guard })
    })
    this.forget()
    return given === '' ? guard.otp : ''
  }

  /** Takes one key share; with the last that is needed, the encoded token. Throws `invalid`. */
  async update(nonce: string, share: Uint8Array): Promise<string | undefined> {
    const one = this.#begun()
    if (!one) throw new Fault('invalid', 'no root generation in progress')
    if (nonce !== one.nonce) {
      throw new Fault('invalid', `incorrect nonce supplied; nonce for this root generation operation is "${one.nonce}"`)
    }
    if (!this.#quorum.add(share, this.#sets(), 'generation')) return undefined
    this.forget()
    return this.#mint(one)
  }

  async cancel(): Promise<void> {
    await this.#inside.commit({ ops: [{ key: begun.key(ATTEMPT), value: undefined }] })
    this.forget()
  }

  /** Throws `invalid` for what is no key share. */
  checkShare(share: Uint8Array): void {
    findShare(share, this.#sets())
  }

  /** Lets go of the shares given so far; what was begun goes on. */
  forget(): void {
    this.#quorum.clear()
  }

  /** The token comes to be in the commit that ends the attempt, so that one attempt never gives two. Returns it encoded. */
  async #mint(guard: Begun): Promise<string> {
    const { keyring, ports, mintRoot, pgp, around } = this.#deps
    const { store, folder } = around ?? { store: this.#deps.store, folder: '' }
    const made = memory(ports)
    const id = await mintRoot(this.#inside, around ? made : barrier(made, keyring, ports.random))
    const encoded = await guardToken(id, guard, pgp)
    const attempt = folder + begun.key(ATTEMPT)
    const revision = store.get(attempt)?.revision ?? 0
    await store.commit({ ops: [...made.range({ prefix: '' }), { key: attempt, value: undefined }], expect: [{ key: attempt, revision }] })
    return encoded
  }

  #begun(): Begun | undefined {
    void this.#inside.revision
    return begun.get(this.#inside, ATTEMPT)
  }

  #sets() {
    return knownShares(this.#deps.store, this.#deps.keyring)
  }
}
