// Connections of the agent to its server: TLS by which each side knows the other's SPIFFE ID, never a resumed session.
import { constants } from 'node:crypto'
import { isIP } from 'node:net'
import { createSecureContext, type PeerCertificate, type DetailedPeerCertificate } from 'node:tls'
import grpc from '@grpc/grpc-js'
import type { Dial } from '../agent/server/link.ts'
import type { Clock } from '../base/ports.ts'
import { pem, toPem } from '../crypto/certificate.ts'
import { exportSigningKey } from '../crypto/signing-key.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import { verifyX509Svid } from '../crypto/x509-svid.ts'
import { serverId } from '../spiffe/authorised.ts'
import { openGrpcClient } from '../wire/grpc-client.ts'
import { chainFrom } from '../edge/peer-chain.ts'

export function dialer(trustDomain: TrustDomain, clock: Clock): Dial {
  const wanted = serverId(trustDomain)

  /** By its SPIFFE ID and never by a host name; what it shows is checked by the roots of now, besides what TLS checked. */
  function check(certificate: DetailedPeerCertificate, roots: readonly Buffer[]): Error | undefined {
    try {
      const { id } = verifyX509Svid(chainFrom(certificate), clock.now(), (asked) => (asked === trustDomain ? roots : undefined))
      return id === wanted ? undefined : new Error(`the server is ${id}, and not ${wanted}`)
    } catch (error) {
      return error as Error
    }
  }

  return (address, { roots, own }) => {
    const secret = own && exportSigningKey(own.key)
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      secureOptions: constants.SSL_OP_NO_TICKET,
      ca: roots === 'anyone' ? [] : toPem(roots),
      // An authority of the bundle is believed as it stands, whoever signed it.
      allowPartialTrustChain: true,
      ...(own && secret ? { cert: toPem(own.chain), key: pem('PRIVATE KEY', secret) } : {}),
    })
    secret?.fill(0)
    const verify =
      roots === 'anyone'
        ? { rejectUnauthorized: false }
        : { checkServerIdentity: (_: string, certificate: PeerCertificate) => check(certificate as DetailedPeerCertificate, roots) }
    // An address is no name that TLS could ask for (RFC 6066 §3).
    const name = isIP(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0 ? undefined : trustDomain
    return openGrpcClient(address, grpc.credentials.createFromSecureContext(context, verify), name)
  }
}
