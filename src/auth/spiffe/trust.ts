// Whom a mount believes: the server's own trust domain and those it federates with, and bundles that were given to the mount.
import { Fault } from '../../base/fault.ts'
import { isObject, type Json } from '../../base/json.ts'
import { type Bundle, bundleFromPem, parseBundle } from '../../crypto/bundle.ts'
import type { SpiffeId, TrustDomain } from '../../crypto/spiffe-id.ts'
import type { CertificateId } from '../../crypto/x509-svid.ts'
import { records } from '../../store/records.ts'
import type { Tx } from '../../store/transact.ts'

/** What the server itself knows of identities, as of now. */
export interface Trust {
  /** The name of its own trust domain; undefined where it has none. */
  home(): TrustDomain | undefined
  /** Of its own trust domain, or of one that it federates with. */
  bundleOf(trustDomain: TrustDomain): Bundle | undefined
  /** The registration entries that give an ID of its own trust domain. */
  entriesOf(id: SpiffeId): readonly EntryFacts[]
  /** Of certificates that its own trust domain issued. */
  isRevoked(certificate: CertificateId): boolean
}

export interface EntryFacts {
  readonly id: string
  readonly hint: string
  /** As `type:value`. */
  readonly selectors: readonly string[]
}

/** Bytes as base64. */
export interface GivenBundle {
  readonly x509: readonly string[]
  readonly jwt: readonly { readonly keyId: string; readonly publicKey: string }[]
}

export const BUNDLE_PREFIX = 'bundle/'
export const bundles = records<GivenBundle>(BUNDLE_PREFIX)

/** Of foreign trust domains, what the mount was given counts before what the server knows itself. */
export function bundleFor(store: Pick<Tx, 'get'>, trust: Trust, domain: TrustDomain): Bundle | undefined {
  const given = domain === trust.home() ? undefined : bundles.get(store, domain)
  return given ? opened(domain, given) : trust.bundleOf(domain)
}

function opened(trustDomain: TrustDomain, { x509, jwt }: GivenBundle): Bundle {
  return {
    trustDomain,
    x509Authorities: x509.map((one) => Buffer.from(one, 'base64')),
    jwtAuthorities: jwt.map(({ keyId, publicKey }) => ({ keyId, publicKey: Buffer.from(publicKey, 'base64'), expiresAt: undefined })),
    witAuthorities: [], // a WIT-SVID is no login
    refreshHint: 0,
    sequence: 0,
  }
}

/** From a bundle document, as JSON or as the text of it, or from certificates as PEM. Throws `invalid`. */
export function readBundle(trustDomain: TrustDomain, document: Json | undefined, pem: string | undefined): GivenBundle {
  if ((document === undefined) === (pem === undefined)) throw new Fault('invalid', 'either bundle or pem is needed')
  const { x509Authorities, jwtAuthorities } = pem === undefined ? parsed(trustDomain, document) : bundleFromPem(trustDomain, pem)
  if (x509Authorities.length + jwtAuthorities.length === 0) {
    throw new Fault('invalid', 'the bundle holds no authority: its keys have neither the use x509-svid nor the use jwt-svid')
  }
  return {
    x509: x509Authorities.map((der) => der.toString('base64')),
    jwt: jwtAuthorities.map(({ keyId, publicKey }) => ({ keyId, publicKey: publicKey.toString('base64') })),
  }
}

function parsed(trustDomain: TrustDomain, document: Json | undefined): Bundle {
  const text = typeof document === 'string' ? document : isObject(document) ? JSON.stringify(document) : ''
  return parseBundle(trustDomain, Buffer.from(text))
}
