// Messages of the SPIFFE Broker API (brokerapi.proto, package spiffe.broker). Its answers have the shape of the Workload API's.
import { int32, message, nested, string, strings } from '../../wire/protobuf.ts'
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

/** Of every method but FetchJWTSVID. */
export const ReferenceRequest = message({ reference: nested(1, WorkloadReference) })
export const JwtSvidRequest = message({ reference: nested(1, WorkloadReference), audience: strings(2), spiffeId: string(3) })

export { JwtBundlesResponse, JwtSvidResponse, X509BundlesResponse, X509SvidResponse } from '../workload/messages.ts'
