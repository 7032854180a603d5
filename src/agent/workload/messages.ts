// Messages of the SPIFFE Workload API (workloadapi.proto, which has no package).
import { blobs, byteMap, bytes, list, message, nested, string, strings } from '../../wire/protobuf.ts'
import { Struct } from '../../wire/struct.ts'

export const Empty = message<Record<never, never>>({})
const X509Svid = message({ spiffeId: string(1), x509Svid: bytes(2), x509SvidKey: bytes(3), bundle: bytes(4), hint: string(5) })
export const X509SvidResponse = message({ svids: list(1, X509Svid), crl: blobs(2), federatedBundles: byteMap(3) })
export const X509BundlesResponse = message({ crl: blobs(1), bundles: byteMap(2) })
export const JwtSvidRequest = message({ audience: strings(1), spiffeId: string(2) })
const JwtSvid = message({ spiffeId: string(1), svid: string(2), hint: string(3) })
export const JwtSvidResponse = message({ svids: list(1, JwtSvid) })
export const JwtBundlesResponse = message({ bundles: byteMap(1) })
export const ValidateRequest = message({ audience: string(1), svid: string(2) })
export const ValidateResponse = message({ spiffeId: string(1), claims: nested(2, Struct) })

export const SERVICE = 'SpiffeWorkloadAPI'
export const HEADER = 'workload.spiffe.io'
