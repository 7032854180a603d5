// X509-SVIDs (X509-SVID.md §5): what makes a presented chain believable, checked against the bundle of its own trust domain.
import type { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { serialText } from './certificate.ts'
import { parseSpiffeId, pathOf, type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts'
import { checkTime, extensionsOf, openCertificate } from './x509-reading.ts'

/** Certificates in a presented chain, the leaf included. */
export const MAX_CHAIN = 5

/** Which certificate: the key identifier of who signed it in hex ('' where it names none), and its serial number in lower-case hex. */
export interface CertificateId {
  readonly authority: string
  /** Without leading zeros. */
  readonly serial: string
}

export type IsRevoked = (certificate: CertificateId) => boolean

/** For those who know of no revocations. */
export const NOTHING_REVOKED: IsRevoked = () => false

export interface X509Svid extends CertificateId {
  readonly id: SpiffeId
  readonly leaf: X509Certificate
  /** Every certificate of the chain, leaf first. */
  readonly path: readonly CertificateId[]
  /** Milliseconds. */
  readonly expiresAt: number
}

/**
 * The identity that a chain (DER, leaf first) proves at `now`, by the X.509 authorities of its trust domain and by no other, where
 * no certificate of it is revoked. Throws `invalid`.
 */
export function verifyX509Svid(
  chain: readonly Buffer[],
  now: number,
  authoritiesOf: (trustDomain: TrustDomain) => readonly Buffer[] | undefined,
  isRevoked: IsRevoked,
): X509Svid {
  if (chain.length === 0) throw new Fault('invalid', 'no certificate')
  if (chain.length > MAX_CHAIN) throw new Fault('invalid', `a chain has at most ${MAX_CHAIN} certificates`)
  const certificates = chain.map(openCertificate)
  const leaf = certificates[0] as X509Certificate
  const id = idOf(leaf)
  const authorities = authoritiesOf(trustDomainOf(id))
  if (!authorities) throw new Fault('invalid', `no bundle for trust domain "${trustDomainOf(id)}"`)
  certificates.slice(1).forEach(checkIntermediate)
  checkPath(certificates, authorities.map(openCertificate), now)
  const path = certificates.map(certificateId)
  if (path.some(isRevoked)) throw new Fault('invalid', 'certificate is revoked')
  return { id, leaf, ...(path[0] as CertificateId), path, expiresAt: leaf.validToDate.getTime() }
}

export function certificateId(certificate: X509Certificate): CertificateId {
  return { authority: extensionsOf(certificate).issuerKey, serial: serialText(certificate.serialNumber) }
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

/**
 * Checks that a chain (DER, the authority first) makes `publicKey` an authority of a trust domain, by one of the roots. Throws `invalid`.
 * Returns when the first of them ends, in milliseconds.
 */
export function checkAuthority(chain: readonly Buffer[], roots: readonly Buffer[], publicKey: Buffer, home: SpiffeId, now: number): number {
  const certificates = chain.map(openCertificate)
  const [own] = certificates
  if (!own) throw new Fault('invalid', 'no certificate')
  if (chain.length >= MAX_CHAIN) throw new Fault('invalid', `a chain has at most ${MAX_CHAIN - 1} certificates above a leaf`)
  if (!own.publicKey.export({ format: 'der', type: 'spki' }).equals(publicKey)) throw new Fault('invalid', 'the certificate is of another key')
  certificates.forEach(checkIntermediate)
  const { uris } = extensionsOf(own)
  if (uris.some((uri) => uri !== home) || uris.length > 1)
    throw new Fault('invalid', `the certificate names "${uris.join('", "')}" and not "${home}"`)
  checkPath(certificates, roots.map(openCertificate), now)
  return Math.min(...certificates.map((one) => one.validToDate.getTime()))
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
