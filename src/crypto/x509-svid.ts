// X509-SVIDs (X509-SVID.md §5): what makes a presented chain believable, checked against the bundle of its own trust domain.
import { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { DerReader, enter, NotDer, oidOf, TAG, context } from './der.ts'
import { parseSpiffeId, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts'

/** Certificates in a presented chain, the leaf included. */
export const MAX_CHAIN = 5

export interface X509Svid {
  readonly id: SpiffeId
  readonly leaf: X509Certificate
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  /** Milliseconds. */
  readonly expiresAt: number
}

/**
 * The identity that a chain (DER, leaf first) proves at `now`, by the X.509 authorities of its trust domain and by no other.
 * Throws `invalid`.
 */
export function verifyX509Svid(
  chain: readonly Buffer[],
  now: number,
  authoritiesOf: (trustDomain: TrustDomain) => readonly Buffer[] | undefined,
): X509Svid {
  if (chain.length === 0) throw new Fault('invalid', 'no certificate')
  if (chain.length > MAX_CHAIN) throw new Fault('invalid', `a chain has at most ${MAX_CHAIN} certificates`)
  const certificates = chain.map(open)
  const leaf = certificates[0] as X509Certificate
  const id = idOf(leaf)
  const authorities = authoritiesOf(trustDomainOf(id))
  if (!authorities) throw new Fault('invalid', `no bundle for trust domain "${trustDomainOf(id)}"`)
  certificates.slice(1).forEach(checkIntermediate)
  checkPath(certificates, authorities.map(open), now)
  return { id, leaf, serial: leaf.serialNumber.toLowerCase().replace(/^0+/, ''), expiresAt: leaf.validToDate.getTime() }
}

/** The SPIFFE ID of a leaf that has the shape of one. Throws `invalid`. */
export function idOf(leaf: X509Certificate): SpiffeId {
  const extensions = extensionsOf(leaf)
  const uris = extensions.uris
  const [uri] = uris
  if (uri === undefined) throw new Fault('invalid', 'certificate contains no URI SAN')
  if (uris.length > 1) throw new Fault('invalid', 'certificate contains more than one URI SAN')
  const id = parseSpiffeId(uri)
  if (pathOf(id) === '') throw new Fault('invalid', 'leaf certificate names a trust domain')
  if (leaf.ca || extensions.authority) throw new Fault('invalid', 'leaf certificate with CA flag set to true')
  if (!extensions.usage) throw new Fault('invalid', 'leaf certificate has no key usage')
  if (!extensions.usage.digitalSignature) throw new Fault('invalid', "leaf certificate without key usage 'digitalSignature'")
  if (extensions.usage.certSign) throw new Fault('invalid', "leaf certificate with key usage 'keyCertSign'")
  if (extensions.usage.crlSign) throw new Fault('invalid', "leaf certificate with key usage 'cRLSign'")
  return id
}

function checkIntermediate(certificate: X509Certificate): void {
  const { authority, usage } = extensionsOf(certificate)
  if (!authority) throw new Fault('invalid', 'intermediate certificate with CA flag set to false')
  if (!usage?.certSign) throw new Fault('invalid', "intermediate certificate without key usage 'keyCertSign'")
}

/** Each certificate by the next, the last by an authority; all within their time. */
function checkPath(chain: readonly X509Certificate[], authorities: readonly X509Certificate[], now: number): void {
  for (const [index, certificate] of chain.entries()) {
    checkTime(certificate, now)
    const anchor = authorities.find((one) => isIssuedBy(certificate, one, index))
    if (anchor) {
      checkTime(anchor, now)
      return
    }
    const issuer = chain[index + 1]
    if (!issuer || !isIssuedBy(certificate, issuer, index)) break
  }
  throw new Fault('invalid', 'certificate signed by unknown authority')
}

/** `below` counts the authorities between the issuer and the leaf. */
function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate, below: number): boolean {
  const { pathLength } = extensionsOf(issuer)
  return (pathLength === undefined || below <= pathLength) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function checkTime(certificate: X509Certificate, now: number): void {
  if (now < certificate.validFromDate.getTime()) throw new Fault('invalid', 'certificate is not yet valid')
  if (now > certificate.validToDate.getTime()) throw new Fault('invalid', 'certificate has expired')
}

function open(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new Fault('invalid', 'malformed certificate')
  }
}

interface Extensions {
  readonly uris: readonly string[]
  readonly authority: boolean
  readonly pathLength: number | undefined
  readonly usage: { readonly digitalSignature: boolean; readonly certSign: boolean; readonly crlSign: boolean } | undefined
}

const read = new WeakMap<X509Certificate, Extensions>()

/** From the bytes that are signed: node:crypto shows names only as one printed text, and key usage not at all. */
function extensionsOf(certificate: X509Certificate): Extensions {
  const known = read.get(certificate)
  if (known) return known
  try {
    const found = readExtensions(certificate.raw)
    read.set(certificate, found)
    return found
  } catch (error) {
    if (error instanceof NotDer) throw new Fault('invalid', 'malformed certificate')
    throw error
  }
}

/** Key usage, basic constraints, alternative names, extended key usage: a critical one beside these is refused (RFC 5280 §4.2). */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.19', '2.5.29.17', '2.5.29.37'])

function readExtensions(der: Buffer): Extensions {
  const body = enter(der).into()
  body.maybe(context(0))
  for (const tag of [TAG.integer, TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence]) body.next(tag)
  body.maybe(context(1, false))
  body.maybe(context(2, false))
  const list = body.maybe(context(3))
  const values = new Map<string, Buffer>()
  for (const each = list ? enter(list.whole, context(3)).into() : new DerReader(Buffer.alloc(0)); !each.atEnd; ) {
    const extension = each.into()
    const id = oidOf(extension.next(TAG.oid))
    if (extension.maybe(TAG.boolean) && !UNDERSTOOD.has(id)) throw new NotDer('a critical extension that is not understood')
    if (values.has(id)) throw new NotDer('an extension twice')
    values.set(id, extension.next(TAG.bytes).content)
  }
  return { uris: urisOf(values.get('2.5.29.17')), ...constraintsOf(values.get('2.5.29.19')), usage: usageOf(values.get('2.5.29.15')) }
}

function urisOf(value: Buffer | undefined): string[] {
  const uris: string[] = []
  for (const names = value ? enter(value) : undefined; names && !names.atEnd; ) {
    const { tag, content } = names.next()
    if (tag === context(6, false)) uris.push(content.toString('latin1'))
  }
  return uris
}

function constraintsOf(value: Buffer | undefined): { authority: boolean; pathLength: number | undefined } {
  const constraints = value && enter(value)
  const authority = constraints?.maybe(TAG.boolean)?.content[0] === 0xff
  const length = constraints?.maybe(TAG.integer)?.content
  return { authority, pathLength: length && length.length <= 4 ? length.readUIntBE(0, length.length) : undefined }
}

function usageOf(value: Buffer | undefined): Extensions['usage'] {
  if (!value) return undefined
  const first = new DerReader(value).next(TAG.bits).content[1] ?? 0
  return { digitalSignature: (first & 0x80) !== 0, certSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 }
}
