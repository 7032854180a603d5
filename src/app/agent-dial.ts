// Connections of the agent to its server: TLS by which each side knows the other's SPIFFE ID.
import { isIP } from 'node:net'
import type { Dial } from '../agent/server/link.ts'
import type { Clock } from '../base/ports.ts'
import type { SpiffeId, TrustDomain } from '../crypto/spiffe-id.ts'
import { serverId } from '../spiffe/entry.ts'
import { openGrpcClient } from '../wire/grpc-client.ts'
import { svidCredentials } from './svid-credentials.ts'

export function dialer(trustDomain: TrustDomain, clock: Clock): Dial {
  const wanted = serverId(trustDomain)
  const check = (id: SpiffeId) => {
    if (id !== wanted) throw new Error(`the server is ${id}, and not ${wanted}`)
  }
  return (address, { roots, own, isRevoked }) => {
    // An address is no name that TLS could ask for (RFC 6066 §3).
    const name = isIP(address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')) === 0 ? undefined : trustDomain
    return openGrpcClient(address, svidCredentials({ own, roots, trustDomain, check, isRevoked, clock }), name)
  }
}
