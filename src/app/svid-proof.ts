// Who a connection proved to be, asked again at every call: what a chain proves ends with the authority that signed it.
import type { Peer } from '../contract/call.ts'
import { type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid, type X509Svid } from '../crypto/x509-svid.ts'
import type { Spiffe } from '../spiffe/rooms.ts'

/** Throws an error that says why, where the chain proves nothing any more. */
export type Proof = (spiffe: Spiffe) => Pick<Peer, 'svid' | 'revoked'>

/** `chain` in DER, the leaf first, as shown at `now`; empty where nothing was shown. */
export function openProof(chain: readonly Buffer[], now: number): Proof {
  if (chain.length === 0) return () => ({})
  let proven: { readonly by: string; readonly svid: X509Svid } | undefined
  return (spiffe) => {
    const by = revisionOf(spiffe)
    if (proven?.by !== by) proven = { by, svid: verifyX509Svid(chain, now, (domain) => authoritiesOf(spiffe, domain), NOTHING_REVOKED) }
    return peerBy(spiffe, proven.svid)
  }
}

/** Revocations need no new proof, and who is revoked shall hear so. */
function peerBy({ revocations }: Spiffe, { id, authority, serial, expiresAt, path }: X509Svid): Pick<Peer, 'svid' | 'revoked'> {
  return path.some(revocations.has) ? { revoked: id } : { svid: { id, authority, serial, expiresAt } }
}

/** Another where any authority is another that connections are believed by. */
function revisionOf(spiffe: Spiffe): string {
  const foreign = foreignOf(spiffe).map((domain) => `${domain} ${spiffe.bundles.get(domain)?.updatedAt ?? ''}`)
  return [spiffe.authorities.set().sequence, ...foreign].join('\n')
}

/** Foreign identities are nobody's here, but for those that are named as administrators. */
function authoritiesOf(spiffe: Spiffe, domain: TrustDomain): readonly Buffer[] | undefined {
  if (domain === spiffe.settings.need().trustDomain) return spiffe.authorities.bundle().x509Authorities
  return foreignOf(spiffe).includes(domain) ? spiffe.bundles.get(domain)?.x509Authorities : undefined
}

function foreignOf({ settings }: Spiffe): TrustDomain[] {
  const { trustDomain, adminIds } = settings.need()
  return adminIds.map(trustDomainOf).filter((domain) => domain !== trustDomain)
}
