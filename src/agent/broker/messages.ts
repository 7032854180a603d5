// Messages of the SPIFFE Broker API (brokerapi.proto, package spiffe.broker). Its answers have the shape of the Workload API's.
import type { ProtoFile } from '../../wire/descriptors.ts'
import { blobs, byteMap, bytes, int32, list, message, nested, string, strings } from '../../wire/protobuf.ts'
import { Any, typeUrlOf } from '../../wire/rpc-status.ts'

export const SERVICE = 'spiffe.broker.API'
export const HEADER = 'broker.spiffe.io'

export const WorkloadReference = message({ reference: nested(1, Any) })
export const PidReference = message({ pid: int32(1) })
const KubernetesObjectType = message({ plural: string(1), group: string(2) })
const KubernetesObjectKey = message({ namespace: string(1), name: string(2) })
export const KubernetesReference = message({ type: nested(1, KubernetesObjectType), key: nested(2, KubernetesObjectKey), uid: string(3) })

/** Types of references, as `Any` names them. */
export const TYPES = {
  pid: typeUrlOf('spiffe.broker.WorkloadPIDReference'),
  kubernetes: typeUrlOf('spiffe.broker.KubernetesObjectReference'),
} as const

export const X509SvidRequest = message({ reference: nested(1, WorkloadReference) })
const X509Svid = message({ spiffeId: string(1), x509Svid: bytes(2), x509SvidKey: bytes(3), bundle: bytes(4), hint: string(5) })
export const X509SvidResponse = message({ svids: list(1, X509Svid), crl: blobs(2), federatedBundles: byteMap(3) })
export const X509BundlesRequest = message({ reference: nested(1, WorkloadReference) })
export const X509BundlesResponse = message({ crl: blobs(1), bundles: byteMap(2) })
export const JwtSvidRequest = message({ reference: nested(1, WorkloadReference), audience: strings(2), spiffeId: string(3) })
const JwtSvid = message({ spiffeId: string(1), svid: string(2), hint: string(3) })
export const JwtSvidResponse = message({ svids: list(1, JwtSvid) })
export const JwtBundlesRequest = message({ reference: nested(1, WorkloadReference) })
export const JwtBundlesResponse = message({ bundles: byteMap(1) })

export const FILE: ProtoFile = {
  name: 'brokerapi.proto',
  package: 'spiffe.broker',
  types: {
    WorkloadReference,
    WorkloadPIDReference: PidReference,
    KubernetesObjectType,
    KubernetesObjectKey,
    KubernetesObjectReference: KubernetesReference,
    SubscribeToX509SVIDRequest: X509SvidRequest,
    SubscribeToX509SVIDResponse: X509SvidResponse,
    X509SVID: X509Svid,
    SubscribeToX509BundlesRequest: X509BundlesRequest,
    SubscribeToX509BundlesResponse: X509BundlesResponse,
    FetchJWTSVIDRequest: JwtSvidRequest,
    FetchJWTSVIDResponse: JwtSvidResponse,
    JWTSVID: JwtSvid,
    SubscribeToJWTBundlesRequest: JwtBundlesRequest,
    SubscribeToJWTBundlesResponse: JwtBundlesResponse,
  },
}
