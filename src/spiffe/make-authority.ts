// New authorities: signed by themselves, or by an upstream authority whose answer is checked before it is believed.
import { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { base62 } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import { encodeName, issueCertificate, type Issuer, type Name, subjectOf } from '../crypto/certificate.ts'
import { newCsr } from '../crypto/csr.ts'
import { keyIdentifier, newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { spiffeId } from '../crypto/spiffe-id.ts'
import { checkAuthority } from '../crypto/x509-svid.ts'
import { type Authority, type Guests, type Kind, NO_GUESTS } from './authority-set.ts'
import type { Settings } from './settings.ts'
import type { Upstream } from './upstream.ts'

/** An authority with its key. */
export interface Signer {
  readonly authority: Authority
  readonly key: SigningKey
}

export interface Made extends Signer {
  /** Further roots of the upstream authority. */
  readonly guests: Guests
}

export interface MakeDeps {
  readonly clock: Clock
  readonly random: Random
  readonly upstream?: Upstream | undefined
}

/** A consumer's clock may lag (RFC 5280 §4.1.2.5). */
export const BACKDATED = 10_000
const KEY_ID_LENGTH = 32
const KEY_TYPES = { x509: 'x509KeyType', jwt: 'jwtKeyType', wit: 'witKeyType' } as const satisfies Record<Kind, keyof Settings>

/** Throws `invalid` where the upstream authority doesn't answer, or not with an authority for this key. */
export async function makeAuthority(kind: Kind, settings: Settings, { clock, random, upstream }: MakeDeps): Promise<Made> {
  const keyType = settings[KEY_TYPES[kind]]
  const key = newSigningKey(keyType)
  const now = clock.now()
  const expiresAt = now + settings.authorityTtl * 1000
  const shared = { keyType, state: 'prepared', createdAt: now, expiresAt, tainted: false, publicKey: key.publicKey.toString('base64') } as const
  if (kind !== 'x509') {
    const kid = base62(random, KEY_ID_LENGTH)
    const published = { keyId: kid, publicKey: key.publicKey, expiresAt }
    if (upstream?.server) await orRefused('publish', upstream.server.publish(kind, settings.trustDomain, published))
    return { authority: { id: kid, ...shared }, key, guests: NO_GUESTS }
  }
  const id = keyIdentifier(key.publicKey).toString('hex')
  const subject = nameOf(id)
  const uris = [spiffeId(settings.trustDomain)]
  if (upstream) {
    const signed = await signedBy(upstream, { key, subject, uris, ttl: settings.authorityTtl }, settings, clock)
    return { authority: { id, ...shared, ...signed.authority, expiresAt: Math.min(expiresAt, signed.expiresAt) }, key, guests: signed.guests }
  }
  const spec = { subject, publicKey: key.publicKey, notBefore: now - BACKDATED, notAfter: expiresAt, uris, dnsNames: [], authority: true }
  const root = issueCertificate(spec, { key, name: encodeName(subject) }, random)
  return { authority: { id, ...shared, root: root.toString('base64'), chain: [] }, key, guests: NO_GUESTS }
}

/** Two authorities of one trust domain never share a name, by which some verifiers look for the issuer. */
export function nameOf(id: string): Name {
  return [
    ['O', 'Signet'],
    ['serialNumber', id],
  ]
}

/** As who it signs: by the name that its certificate gives it. */
export function issuerOf({ authority, key }: Signer): Issuer {
  const [own] = authority.chain ?? []
  return { key, name: own === undefined ? encodeName(nameOf(authority.id)) : subjectOf(Buffer.from(own, 'base64')) }
}

interface Wanted {
  readonly key: SigningKey
  readonly subject: Name
  readonly uris: readonly string[]
  readonly ttl: number
}

async function signedBy(upstream: Upstream, { key, subject, uris, ttl }: Wanted, { trustDomain }: Settings, clock: Clock) {
  const request = { csr: newCsr(key, subject, uris), publicKey: key.publicKey, subject, uris, ttl }
  const { chain, roots } = await orRefused('sign', upstream.sign(request))
  if (roots.length === 0) throw new Fault('invalid', 'the upstream authority gave no root')
  const expiresAt = checkAuthority(chain, roots, key.publicKey, spiffeId(trustDomain), clock.now())
  const last = new X509Certificate(chain.at(-1) as Buffer)
  const root = roots.find((one) => isIssuedBy(last, one)) as Buffer // or it would not have been believed
  const more = upstream.server ? [] : roots.filter((one) => one !== root) // a server tells its roots time and again
  const authority = { root: root.toString('base64'), chain: chain.map((one) => one.toString('base64')), upstreamId: identifierOf(root) }
  const x509 = more.map((der) => ({ id: der.toString('base64'), publicKey: '', expiresAt: new X509Certificate(der).validToDate.getTime() }))
  return { authority, expiresAt, guests: { ...NO_GUESTS, x509 } }
}

async function orRefused<T>(what: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw new Fault('invalid', `the upstream authority does not ${what}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function isIssuedBy(certificate: X509Certificate, root: Buffer): boolean {
  const issuer = new X509Certificate(root)
  return certificate.raw.equals(root) || (certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
}

/** Subject key identifier of a root, in hex. */
function identifierOf(root: Buffer): string {
  return keyIdentifier(new X509Certificate(root).publicKey.export({ format: 'der', type: 'spki' })).toString('hex')
}
