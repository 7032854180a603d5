// TLS of a gRPC client by which each side knows the other's SPIFFE ID, never a resumed session.
import { createSecureContext, type DetailedPeerCertificate, type PeerCertificate } from 'node:tls'
import grpc from '@grpc/grpc-js'
import type { Clock } from '../base/ports.ts'
import { toPem } from '../crypto/certificate.ts'
import type { SigningKey } from '../crypto/signing-key.ts'
import type { SpiffeId, TrustDomain } from '../crypto/spiffe-id.ts'
import { type IsRevoked, verifyX509Svid } from '../crypto/x509-svid.ts'
import { chainFrom } from '../edge/peer-chain.ts'
import { svidContext, TLS_CONTEXT } from './svid-context.ts'

export interface SvidCredentials {
  /** What is shown; undefined for nothing. */
  readonly own: { readonly chain: readonly Buffer[]; readonly key: SigningKey } | undefined
  /** The authorities of the other side's trust domain. */
  readonly roots: readonly Buffer[] | 'anyone'
  readonly trustDomain: TrustDomain
  /** Throws where the other side is not who is wanted. */
  readonly check: (id: SpiffeId) => void
  readonly isRevoked: IsRevoked
  readonly clock: Clock
}

export function svidCredentials({ own, roots, trustDomain, check, isRevoked, clock }: SvidCredentials): grpc.ChannelCredentials {
  const context = createSecureContext({
    ...(own ? svidContext(own) : TLS_CONTEXT),
    ca: roots === 'anyone' ? [] : toPem(roots),
    // An authority of the bundle is believed as it stands, whoever signed it.
    allowPartialTrustChain: true,
  })
  if (roots === 'anyone') return grpc.credentials.createFromSecureContext(context, { rejectUnauthorized: false })

  /** By its SPIFFE ID and never by a host name; what it shows is checked by the roots of now, besides what TLS checked. */
  const checkServerIdentity = (_: string, certificate: PeerCertificate): Error | undefined => {
    try {
      const chain = chainFrom(certificate as DetailedPeerCertificate)
      check(verifyX509Svid(chain, clock.now(), (asked) => (asked === trustDomain ? roots : undefined), isRevoked).id)
      return undefined
    } catch (error) {
      return error as Error
    }
  }
  return grpc.credentials.createFromSecureContext(context, { checkServerIdentity })
}
