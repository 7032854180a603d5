// What the agent believes of a trust domain: its bundle, and what of it is not to be relied on any more.
import { createPublicKey, X509Certificate } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import { type Bundle, formatBundle, isCertificate, parseBundle, type TokenAuthority } from '../crypto/bundle.ts'
import { listedIn } from '../crypto/crl.ts'
import { parseTrustDomain, type TrustDomain } from '../crypto/spiffe-id.ts'
import { openCertificate } from '../crypto/x509-reading.ts'
import { type CertificateId, certificateId, type IsRevoked } from '../crypto/x509-svid.ts'
import type { BundleMessage, TokenKey } from '../edge/spire/messages.ts'
import type { Of } from '../wire/protobuf.ts'

export interface Trust {
  readonly bundle: Bundle
  /** X.509 authorities, in base64, and ids of JWT and WIT keys: whatever they signed is to be replaced at once. */
  readonly tainted: ReadonlySet<string>
  /** Of the agent's own trust domain. */
  readonly lists: Lists
}

/** Revocation lists. */
export interface Lists {
  /** In DER. */
  readonly crls: readonly Buffer[]
  /** There is one of each authority that may stand above an SVID, up to its root. */
  readonly complete: boolean
}

export const NO_LISTS: Lists = { crls: [], complete: false }

/** Throws where the message is about another trust domain, or holds no X.509 authority. */
export function trustOf(message: Of<typeof BundleMessage>, trustDomain: TrustDomain, lists: Lists = NO_LISTS): Trust {
  if (parseTrustDomain(message.trustDomain) !== trustDomain) throw new Error(`the server gave the bundle of "${message.trustDomain}"`)
  const x509 = message.x509Authorities.flatMap(({ asn1, tainted = false }) => (asn1 && isCertificate(asn1) ? [{ asn1, tainted }] : []))
  const [jwt, wit] = [keysIn(message.jwtAuthorities), keysIn(message.witAuthorities)]
  if (x509.length === 0) throw new Error(`the server gave a bundle of "${trustDomain}" without X.509 authorities`)
  return {
    bundle: {
      trustDomain,
      x509Authorities: x509.map(({ asn1 }) => asn1),
      jwtAuthorities: jwt.map(authorityOf),
      witAuthorities: wit.map(authorityOf),
      refreshHint: message.refreshHint,
      sequence: message.sequenceNumber,
    },
    tainted: new Set([
      ...x509.filter(({ tainted }) => tainted).map(({ asn1 }) => asn1.toString('base64')),
      ...[...jwt, ...wit].filter(({ tainted }) => tainted).map(({ keyId }) => keyId),
    ]),
    lists,
  }
}

function keysIn(keys: readonly Partial<Of<typeof TokenKey>>[]): (TokenAuthority & { readonly tainted: boolean })[] {
  return keys.flatMap(({ keyId, publicKey, expiresAt = 0, tainted = false }) =>
    keyId && publicKey && isPublicKey(publicKey) ? [{ keyId, publicKey, expiresAt: expiresAt > 0 ? expiresAt * 1000 : undefined, tainted }] : [],
  )
}

const authorityOf = ({ keyId, publicKey, expiresAt }: TokenAuthority): TokenAuthority => ({ keyId, publicKey, expiresAt })

function isPublicKey(spki: Buffer): boolean {
  try {
    return createPublicKey({ key: spki, format: 'der', type: 'spki' }).type === 'public'
  } catch {
    return false
  }
}

/** Whether a chain (leaf first) comes from an authority that is tainted. */
export function isTainted(trust: Trust, chain: readonly Buffer[]): boolean {
  if (trust.tainted.size === 0) return false
  const issuers = issuersOf(trust, chain)
  return issuers.length > 0 && issuers.every((der) => trust.tainted.has(der.toString('base64')))
}

/** Whether a chain (leaf first) comes from an authority that is still one, and is not revoked. */
export function isBelieved(trust: Trust, chain: readonly Buffer[]): boolean {
  return issuersOf(trust, chain).length > 0 && !idsOf(chain).some(revokedBy(trust))
}

const ids = new WeakMap<readonly Buffer[], readonly CertificateId[]>()

function idsOf(chain: readonly Buffer[]): readonly CertificateId[] {
  const found = ids.get(chain) ?? chain.map((der) => certificateId(openCertificate(der)))
  ids.set(chain, found)
  return found
}

interface Issuers {
  readonly among: readonly Buffer[]
  readonly found: readonly Buffer[]
}

/** Of chains, by the authorities that they were looked for among: a chain is asked about far more often than a bundle changes. */
const known = new WeakMap<readonly Buffer[], Issuers>()

function issuersOf({ bundle: { x509Authorities: among } }: Trust, chain: readonly Buffer[]): readonly Buffer[] {
  const before = known.get(chain)
  if (before?.among === among) return before.found
  const last = chain.at(-1)
  const issued = last && new X509Certificate(last)
  const found = among.filter((der) => issued?.checkIssued(new X509Certificate(der)) && issued.verify(new X509Certificate(der).publicKey))
  known.set(chain, { among, found })
  return found
}

const read = new WeakMap<Lists, IsRevoked>()

/** What its revocation lists name. */
export function revokedBy(trust: Trust | undefined): IsRevoked {
  const { lists = NO_LISTS } = trust ?? {}
  const found = read.get(lists) ?? listedIn(lists.crls)
  read.set(lists, found)
  return found
}

/** As it is kept; `openTrust` reads it. */
export function keptTrust({ bundle, tainted, lists }: Trust): JsonObject {
  return { trust_domain: bundle.trustDomain, document: formatBundle(bundle), tainted: [...tainted], ...keptLists(lists) }
}

export function openTrust(kept: JsonObject): Trust {
  const { trust_domain: name, document, tainted } = kept as { trust_domain: string; document: JsonObject; tainted: string[] }
  const bundle = parseBundle(parseTrustDomain(name), Buffer.from(JSON.stringify(document)))
  return { bundle, tainted: new Set(tainted), lists: openLists(kept) }
}

const keptLists = ({ crls, complete }: Lists): JsonObject => ({ crls: crls.map((der) => der.toString('base64')), complete })

/** What was kept before there were lists has none. */
function openLists({ crls = [], complete = false }: { readonly crls?: string[]; readonly complete?: boolean }): Lists {
  return crls.length === 0 ? NO_LISTS : { crls: crls.map((one) => Buffer.from(one, 'base64')), complete }
}
