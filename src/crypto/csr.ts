// Certificate signing requests (PKCS #10, RFC 2986): what is taken from a stranger's is its public key, and that only with proof of possession.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { encodeName, type Name } from './certificate.ts'
import { bits, bitsOf, context, DerReader, enter, integer, NotDer, octets, oid, oidOf, sequence, set, TAG, text, tlv } from './der.ts'
import { isAcceptable, KEY_KINDS, signDer, type SigningKey, verifyDer } from './signing-key.ts'

/** Larger ones are refused unread. */
export const MAX_CSR_BYTES = 16_384

/**
 * The SubjectPublicKeyInfo of a request that its own key signed. Subject and requested extensions are left unread:
 * what a certificate says comes from the registration entry. Throws `invalid`.
 */
export function publicKeyOfCsr(der: Buffer): Buffer {
  if (der.length > MAX_CSR_BYTES) throw new Fault('invalid', 'malformed CSR: too large')
  const { info, publicKey, curve: namedCurve, algorithm, signature } = parse(der)
  const key = keyOf(publicKey)
  const asymmetricKeyType = key.asymmetricKeyType as string
  if (!isAcceptable(namedCurve === undefined ? key : { asymmetricKeyType, asymmetricKeyDetails: { namedCurve } }))
    throw new Fault('invalid', 'CSR key is of a kind or size that is not accepted')
  if (!verifyDer(algorithm, info, key, signature)) throw new Fault('invalid', 'invalid CSR signature')
  return publicKey
}

/** The alternative names that a request asks for, for the few who may name any identity. Throws `invalid`. */
export function namesOfCsr(der: Buffer): { uris: string[]; dnsNames: string[] } {
  if (der.length > MAX_CSR_BYTES) throw new Fault('invalid', 'malformed CSR: too large')
  const { info } = parse(der)
  return orMalformed(() => {
    const names: { uris: string[]; dnsNames: string[] } = { uris: [], dnsNames: [] }
    for (const list = alternativeNames(info); list && !list.atEnd; ) {
      const { tag, content } = list.next()
      if (tag === URI) names.uris.push(content.toString('latin1'))
      else if (tag === DNS) names.dnsNames.push(content.toString('latin1'))
    }
    return names
  })
}

const EXTENSION_REQUEST = '1.2.840.113549.1.9.14'
const ALTERNATIVE_NAMES = '2.5.29.17'
const URI = context(6, false)
const DNS = context(2, false)

/** Of the extensions that a request asks for (RFC 2985 §5.4.2). */
function alternativeNames(info: Buffer): DerReader | undefined {
  const inner = enter(info)
  for (const tag of [TAG.integer, TAG.sequence, TAG.sequence]) inner.next(tag)
  const found = inner.maybe(context(0))
  for (const attributes = found && new DerReader(found.content); attributes && !attributes.atEnd; ) {
    const attribute = attributes.into()
    if (oidOf(attribute.next(TAG.oid)) !== EXTENSION_REQUEST) continue
    for (const extensions = attribute.into(TAG.set).into(); !extensions.atEnd; ) {
      const extension = extensions.into()
      const isNames = oidOf(extension.next(TAG.oid)) === ALTERNATIVE_NAMES
      extension.maybe(TAG.boolean)
      if (isNames) return enter(extension.next(TAG.bytes).content)
    }
  }
  return undefined
}

/** A request in DER, for a certificate with these names; without any, it says nothing but that the key is there. */
export function newCsr(key: SigningKey, subject: Name = [], uris: readonly string[] = []): Buffer {
  const names = sequence(oid(ALTERNATIVE_NAMES), octets(sequence(...uris.map((uri) => text(URI, uri)))))
  const attributes = uris.length > 0 ? [sequence(oid(EXTENSION_REQUEST), set(sequence(names)))] : []
  const info = sequence(integer(Buffer.of(0)), encodeName(subject), key.publicKey, tlv(context(0), ...attributes))
  return sequence(info, KEY_KINDS[key.type].algorithm, bits(signDer(key, info)))
}

interface Parsed {
  readonly info: Buffer
  readonly publicKey: Buffer
  /** Of elliptic-curve keys, where it is one that is accepted. */
  readonly curve: string | undefined
  readonly algorithm: string
  readonly signature: Buffer
}

function parse(der: Buffer): Parsed {
  return orMalformed(() => {
    const request = enter(der)
    const info = request.next(TAG.sequence)
    const algorithm = oidOf(request.into().next(TAG.oid))
    const signature = bitsOf(request.next(TAG.bits))
    request.end()
    const inner = enter(info.whole)
    if (inner.next(TAG.integer).content.some((byte) => byte !== 0)) throw new NotDer('an unknown version')
    inner.next(TAG.sequence)
    const publicKey = inner.next(TAG.sequence).whole
    return { info: info.whole, publicKey: Buffer.from(publicKey), curve: curveOf(publicKey), algorithm, signature }
  })
}

function orMalformed<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof NotDer) throw new Fault('invalid', 'malformed CSR')
    throw error
  }
}

const CURVES: Readonly<Record<string, string | undefined>> = {
  '1.2.840.10045.3.1.7': 'prime256v1',
  '1.3.132.0.34': 'secp384r1',
  '1.3.132.0.35': 'secp521r1',
}

/** Read from the request, since asking the key for it takes as long as a signature; explicit parameters are none of ours. */
function curveOf(spki: Buffer): string | undefined {
  const algorithm = enter(spki).into()
  algorithm.next(TAG.oid)
  const named = algorithm.maybe(TAG.oid)
  return named && CURVES[oidOf(named)]
}

function keyOf(spki: Buffer): KeyObject {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' })
  } catch {
    throw new Fault('invalid', 'malformed CSR: unsupported public key')
  }
}
