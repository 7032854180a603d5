// spire.api.server.svid.v1.SVID for administrators, and for servers below this one.
import { Fault } from '../../../base/fault.ts'
import type { JsonObject } from '../../../base/json.ts'
import { fromPem } from '../../../crypto/certificate.ts'
import { namesOfCsr } from '../../../crypto/csr.ts'
import { parseSpiffeId } from '../../../crypto/spiffe-id.ts'
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Ask } from '../ask.ts'
import { base64, idText, seconds, strings, text, toId, toJwk } from '../convert.ts'
import { adminAsk, told } from './asking.ts'
import * as wire from './messages.ts'

export function svidServices(ask: Ask): Services {
  return {
    'spire.api.server.svid.v1.SVID': {
      MintX509SVID: unary(wire.MintX509Request, wire.MintX509Response, async ({ peer }, { csr, ttl }) => {
        if (csr.length === 0) throw new GrpcError(STATUS.invalid, 'missing CSR')
        const made = await adminAsk(ask, peer)('write', 'svid/x509', { ...namesIn(csr), csr: base64(csr), ttl: Math.max(ttl, 0) })
        const shared = { id: toId(made['spiffe_id']), expiresAt: seconds(made['expires_at']) }
        return { svid: { ...shared, certChain: fromPem(text(made['certificate'])) } }
      }),
      MintJWTSVID: unary(wire.MintJwtRequest, wire.MintJwtResponse, async ({ peer }, { id, audience, ttl }) => {
        if (audience.length === 0) throw new GrpcError(STATUS.invalid, 'at least one audience is required')
        return { svid: toToken(await adminAsk(ask, peer)('write', 'svid/jwt', { spiffe_id: idText(id), audience, ttl: Math.max(ttl, 0) })) }
      }),
      MintWITSVID: unary(wire.MintWitRequest, wire.MintWitResponse, async ({ peer }, { id, publicKey, signingAlgorithm, ttl }) => {
        const jwk = toJwk(publicKey, signingAlgorithm, 'invalid public key')
        const minted = adminAsk(ask, peer)('write', 'svid/wit', { spiffe_id: idText(id), jwk, ttl: Math.max(ttl, 0) })
        return { svid: toToken(await told(minted, STATUS.invalid, STATUS.invalid, 'invalid SPIFFE ID')) }
      }),
      NewDownstreamX509CA: unary(wire.DownstreamCaRequest, wire.DownstreamCaResponse, async ({ peer }, { csr, preferredTtl }) => {
        const made = await ask(peer, 'write', 'downstream/x509-ca', { csr: base64(csr), preferred_ttl: preferredTtl })
        const bytes = (list: readonly string[]) => list.map((one) => Buffer.from(one, 'base64'))
        return { caCertChain: bytes(strings(made['chain'])), x509Authorities: bytes(strings(made['x509_authorities'])) }
      }),
    },
  }
}

const toToken = (made: JsonObject) => ({
  token: text(made['svid']),
  id: toId(made['spiffe_id']),
  expiresAt: seconds(made['expires_at']),
  issuedAt: seconds(made['issued_at']),
})

/** Here, and only here, a request says whose certificate it is to be: whoever may ask for any may. */
function namesIn(csr: Buffer): { spiffe_id: string; dns_names: string[] } {
  try {
    const { uris, dnsNames } = namesOfCsr(csr)
    const [uri] = uris
    if (uri === undefined) throw new GrpcError(STATUS.invalid, 'CSR URI SAN is required')
    if (uris.length > 1) throw new GrpcError(STATUS.invalid, 'only one URI SAN is expected')
    return { spiffe_id: parseSpiffeId(uri), dns_names: dnsNames }
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, error.message)
    throw error
  }
}
