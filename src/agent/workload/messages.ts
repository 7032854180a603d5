// Messages of the SPIFFE Workload API (workloadapi.proto, which has no package).
import type { ProtoFile } from '../../wire/descriptors.ts'
import { blobs, byteMap, bytes, list, message, nested, string, strings, textMap } from '../../wire/protobuf.ts'
import { Struct } from '../../wire/struct.ts'

export const X509SvidRequest = message<Record<never, never>>({})
const X509Svid = message({ spiffeId: string(1), x509Svid: bytes(2), x509SvidKey: bytes(3), bundle: bytes(4), hint: string(5) })
export const X509SvidResponse = message({ svids: list(1, X509Svid), crl: blobs(2), federatedBundles: byteMap(3) })
export const X509BundlesRequest = message<Record<never, never>>({})
export const X509BundlesResponse = message({ crl: blobs(1), bundles: byteMap(2) })
export const JwtSvidRequest = message({ audience: strings(1), spiffeId: string(2) })
const JwtSvid = message({ spiffeId: string(1), svid: string(2), hint: string(3) })
export const JwtSvidResponse = message({ svids: list(1, JwtSvid) })
export const JwtBundlesRequest = message<Record<never, never>>({})
export const JwtBundlesResponse = message({ bundles: byteMap(1) })
export const ValidateRequest = message({ audience: string(1), svid: string(2) })
export const ValidateResponse = message({ spiffeId: string(1), claims: nested(2, Struct) })
export const WitSvidRequest = message({ spiffeId: string(1) })
export const WitSvid = message({ spiffeId: string(1), witSvid: string(2), witSvidKey: string(3), hint: string(4) })
export const WitSvidResponse = message({ svids: list(1, WitSvid) })
export const WitBundlesRequest = message<Record<never, never>>({})
export const WitBundlesResponse = message({ bundles: textMap(1) })

export const SERVICE = 'SpiffeWorkloadAPI'
export const HEADER = 'workload.spiffe.io'

export const FILE: ProtoFile = {
  name: 'workload.proto',
  package: '',
  types: {
    X509SVIDRequest: X509SvidRequest,
    X509SVIDResponse: X509SvidResponse,
    X509SVID: X509Svid,
    X509BundlesRequest,
    X509BundlesResponse,
    JWTSVIDRequest: JwtSvidRequest,
    JWTSVIDResponse: JwtSvidResponse,
    JWTSVID: JwtSvid,
    JWTBundlesRequest: JwtBundlesRequest,
    JWTBundlesResponse: JwtBundlesResponse,
    ValidateJWTSVIDRequest: ValidateRequest,
    ValidateJWTSVIDResponse: ValidateResponse,
    WITSVIDRequest: WitSvidRequest,
    WITSVIDResponse: WitSvidResponse,
    WITSVID: WitSvid,
    WITBundlesRequest: WitBundlesRequest,
    WITBundlesResponse: WitBundlesResponse,
  },
}
