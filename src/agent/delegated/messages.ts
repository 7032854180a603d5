// Messages of SPIRE's delegated identity API (spire.api.agent.delegatedidentity.v1).
import { JwtSvid, X509Svid } from '../../edge/spire/messages.ts'
import { byteMap, bytes, int32, list, message, nested, string, strings } from '../../wire/protobuf.ts'

export const SERVICE = 'spire.api.agent.delegatedidentity.v1.DelegatedIdentity'

export const Empty = message<Record<never, never>>({})
const Selector = message({ type: string(1), value: string(2) })
const X509SvidWithKey = message({ x509Svid: nested(1, X509Svid), x509SvidKey: bytes(2) })
export const X509SvidsRequest = message({ selectors: list(1, Selector), pid: int32(2) })
export const X509SvidsResponse = message({ x509Svids: list(1, X509SvidWithKey), federatesWith: strings(2) })
export const X509BundlesResponse = message({ caCertificates: byteMap(1) })
export const JwtSvidsRequest = message({ audience: strings(1), selectors: list(2, Selector), pid: int32(3) })
export const JwtSvidsResponse = message({ svids: list(1, JwtSvid) })
export const JwtBundlesResponse = message({ bundles: byteMap(1) })
