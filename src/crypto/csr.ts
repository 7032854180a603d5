// Certificate signing requests (PKCS #10, RFC 2986): what is taken from one is its public key, and that only with proof of possession.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { bitsOf, enter, NotDer, oidOf, TAG } from './der.ts'
import { isAcceptable, verifyDer } from './signing-key.ts'

/** Larger ones are refused unread. */
export const MAX_CSR_BYTES = 16_384

/**
 * The SubjectPublicKeyInfo of a request that its own key signed. Subject and requested extensions are left unread:
 * what a certificate says comes from the registration entry. Throws `invalid`.
 */
export function publicKeyOfCsr(der: Buffer): Buffer {
  if (der.length > MAX_CSR_BYTES) throw new Fault('invalid', 'malformed CSR: too large')
  const { info, publicKey, algorithm, signature } = parse(der)
  const key = keyOf(publicKey)
  if (!isAcceptable(key)) throw new Fault('invalid', 'CSR key is of a kind or size that is not accepted')
  if (!verifyDer(algorithm, info, key, signature)) throw new Fault('invalid', 'invalid CSR signature')
  return publicKey
}

interface Parsed {
  readonly info: Buffer
  readonly publicKey: Buffer
  readonly algorithm: string
  readonly signature: Buffer
}

function parse(der: Buffer): Parsed {
  try {
    const request = enter(der)
    const info = request.next(TAG.sequence)
    const algorithm = oidOf(request.into().next(TAG.oid))
    const signature = bitsOf(request.next(TAG.bits))
    request.end()
    const inner = enter(info.whole)
    if (inner.next(TAG.integer).content.some((byte) => byte !== 0)) throw new NotDer('an unknown version')
    inner.next(TAG.sequence)
    const publicKey = inner.next(TAG.sequence).whole
    return { info: info.whole, publicKey: Buffer.from(publicKey), algorithm, signature }
  } catch (error) {
    if (error instanceof NotDer) throw new Fault('invalid', 'malformed CSR')
    throw error
  }
}

function keyOf(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    throw new Fault('invalid', 'malformed CSR: unsupported public key')
  }
}
