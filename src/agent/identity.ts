// The agent's own identity: proven once, kept on disk with its key, renewed at half its life.
import { Fault } from '../base/fault.ts'
import type { Clock, Random } from '../base/ports.ts'
import { newCsr } from '../crypto/csr.ts'
import { exportSigningKey, newSigningKey, openSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { verifyX509Svid, type X509Svid } from '../crypto/x509-svid.ts'
import type { Keeping } from './keeping.ts'
import { renewalTime } from './jitter.ts'
import { revokedBy, type Trust } from './trust.ts'

export interface Identity {
  readonly id: SpiffeId
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly key: SigningKey
  readonly reattestable: boolean
  /** Milliseconds. */
  readonly expiresAt: number
  readonly renewAt: number
}

const KEY_TYPE = 'ec-p256'
const RECORD = 'identity'

/** A fresh key, and the request for an SVID of it. */
export function newRequest(): { readonly key: SigningKey; readonly csr: Buffer } {
  const key = newSigningKey(KEY_TYPE)
  return { key, csr: newCsr(key) }
}

/** From what a server gave. Throws `invalid` like `checkGiven`. */
export function identityOf(
  { chain, reattestable }: { readonly chain: readonly Buffer[]; readonly reattestable: boolean },
  key: SigningKey,
  trust: Trust,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Identity {
  const now = clock.now()
  const { id, expiresAt } = checkGiven(chain, key, trust, now)
  return { id, chain, key, reattestable, expiresAt, renewAt: renewalTime(now, expiresAt, random) }
}

/** Throws `invalid` for a chain that is not this key's, not of the trust domain by what is believed of it, or revoked. */
export function checkGiven(chain: readonly Buffer[], key: SigningKey, trust: Trust | undefined, now: number): X509Svid {
  const found = verifyX509Svid(
    chain,
    now,
    (asked) => (asked === trust?.bundle.trustDomain ? trust.bundle.x509Authorities : undefined),
    revokedBy(trust),
  )
  if (found.leaf.publicKey.export({ format: 'der', type: 'spki' }).equals(key.publicKey)) return found
  throw new Fault('invalid', 'the server gave an SVID for another key')
}

export function keepIdentity(keeping: Keeping, { chain, key, reattestable, renewAt }: Identity): void {
  const secret = exportSigningKey(key)
  const record = { chain: chain.map((der) => der.toString('base64')), key: secret.toString('base64'), reattestable, renew_at: renewAt }
  secret.fill(0)
  keeping.save(RECORD, record)
}

/** What was kept, if it is still good. */
export function loadIdentity(keeping: Keeping, trust: Trust, now: number): Identity | undefined {
  const kept = keeping.load(RECORD) as { chain: string[]; key: string; reattestable: boolean; renew_at: number } | undefined
  if (!kept) return undefined
  const chain = kept.chain.map((one) => Buffer.from(one, 'base64'))
  try {
    const key = openSigningKey(KEY_TYPE, Buffer.from(kept.key, 'base64'))
    const { id, expiresAt } = checkGiven(chain, key, trust, now)
    return { id, chain, key, reattestable: kept.reattestable, expiresAt, renewAt: kept.renew_at }
  } catch (error) {
    if (error instanceof Fault) return undefined // expired, revoked, or of an authority that is believed no more
    throw error
  }
}

export const forgetIdentity = (keeping: Keeping): void => keeping.forget(RECORD)
