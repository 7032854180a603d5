// Messages of SPIRE's delegated identity API (spire.api.agent.delegatedidentity.v1).
import { Selector, SpiffeIdMessage, TokenSvid, X509Svid } from '../../edge/spire/messages.ts'
import type { ProtoFile } from '../../wire/descriptors.ts'
import { byteMap, bytes, int32, list, message, nested, strings } from '../../wire/protobuf.ts'

export const SERVICE = 'spire.api.agent.delegatedidentity.v1.DelegatedIdentity'

const X509SvidWithKey = message({ x509Svid: nested(1, X509Svid), x509SvidKey: bytes(2) })
export const X509SvidsRequest = message({ selectors: list(1, Selector), pid: int32(2) })
export const X509SvidsResponse = message({ x509Svids: list(1, X509SvidWithKey), federatesWith: strings(2) })
export const X509BundlesRequest = message<Record<never, never>>({})
export const X509BundlesResponse = message({ caCertificates: byteMap(1) })
export const JwtSvidsRequest = message({ audience: strings(1), selectors: list(2, Selector), pid: int32(3) })
export const JwtSvidsResponse = message({ svids: list(1, TokenSvid) })
export const JwtBundlesRequest = message<Record<never, never>>({})
export const JwtBundlesResponse = message({ bundles: byteMap(1) })

const typesFile = (name: string, types: ProtoFile['types']): ProtoFile => ({
  name: `spire/api/types/${name}.proto`,
  package: 'spire.api.types',
  types,
})

export const FILES: readonly ProtoFile[] = [
  {
    name: 'spire/api/agent/delegatedidentity/v1/delegatedidentity.proto',
    package: 'spire.api.agent.delegatedidentity.v1',
    types: {
      X509SVIDWithKey: X509SvidWithKey,
      SubscribeToX509SVIDsRequest: X509SvidsRequest,
      SubscribeToX509SVIDsResponse: X509SvidsResponse,
      SubscribeToX509BundlesRequest: X509BundlesRequest,
      SubscribeToX509BundlesResponse: X509BundlesResponse,
      FetchJWTSVIDsRequest: JwtSvidsRequest,
      FetchJWTSVIDsResponse: JwtSvidsResponse,
      SubscribeToJWTBundlesRequest: JwtBundlesRequest,
      SubscribeToJWTBundlesResponse: JwtBundlesResponse,
    },
  },
  typesFile('selector', { Selector }),
  typesFile('spiffeid', { SPIFFEID: SpiffeIdMessage }),
  typesFile('x509svid', { X509SVID: X509Svid }),
  typesFile('jwtsvid', { JWTSVID: TokenSvid }),
]
