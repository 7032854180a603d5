// Messages of the SPIRE server API (packages spire.api.types and spire.api.server.*.v1) that agents send and read.
import { blobs, bool, bytes, int32, int64, list, message, nested, string, strings, uint64 } from '../../wire/protobuf.ts'
import { RpcStatus, typeUrlOf } from '../../wire/rpc-status.ts'
import { SpiffeIdMessage } from '../../spiffe/entry-message.ts'

export { AuthorizedEntries, EntryMessage, SelectorMessage as Selector, SpiffeIdMessage, SyncResponse } from '../../spiffe/entry-message.ts'
export const Empty = message<Record<never, never>>({})
export const Status = message({ code: int32(1), message: string(2) })
export const X509Svid = message({ certChain: blobs(1), id: nested(2, SpiffeIdMessage), expiresAt: int64(3), hint: string(4) })
/** JWTSVID and WITSVID, which have the same fields. */
export const TokenSvid = message({ token: string(1), id: nested(2, SpiffeIdMessage), expiresAt: int64(3), issuedAt: int64(4), hint: string(5) })

export const X509Certificate = message({ asn1: bytes(1), tainted: bool(2) })
/** JWTKey and WITKey, which have the same fields. */
export const TokenKey = message({ publicKey: bytes(1), keyId: string(2), expiresAt: int64(3), tainted: bool(4) })
export const BundleMessage = message({
  trustDomain: string(1),
  x509Authorities: list(2, X509Certificate),
  jwtAuthorities: list(3, TokenKey),
  refreshHint: int64(4),
  sequenceNumber: uint64(5),
  witAuthorities: list(6, TokenKey),
})

export const BundleMask = message({
  x509Authorities: bool(2),
  jwtAuthorities: bool(3),
  refreshHint: bool(4),
  sequenceNumber: bool(5),
  witAuthorities: bool(6),
})
export const GetBundleRequest = message({ outputMask: nested(1, BundleMask) })
export const GetFederatedBundleRequest = message({ trustDomain: string(1), outputMask: nested(2, BundleMask) })

const AttestationData = message({ type: string(1), payload: bytes(2) })
const CsrParams = message({ csr: bytes(1) })
const AttestParams = message({ data: nested(1, AttestationData), params: nested(2, CsrParams) })
export const AttestAgentRequest = message({ params: nested(1, AttestParams), challengeResponse: bytes(2) })
const AttestResult = message({ svid: nested(1, X509Svid), reattestable: bool(2) })
export const AttestAgentResponse = message({ result: nested(1, AttestResult), challenge: bytes(2) })
export const RenewAgentRequest = message({ params: nested(1, CsrParams) })
export const RenewAgentResponse = message({ svid: nested(1, X509Svid) })
export const PostStatusRequest = message({ currentBundleSerial: uint64(1), agentVersion: string(2) })

export const SyncRequest = message({ outputMask: nested(1, Empty), ids: strings(2) })

const NewX509Params = message({ entryId: string(1), csr: bytes(2) })
export const BatchX509Request = message({ params: list(1, NewX509Params) })
const BatchX509Result = message({ status: nested(1, Status), svid: nested(2, X509Svid) })
export const BatchX509Response = message({ results: list(1, BatchX509Result) })
export const NewJwtRequest = message({ entryId: string(1), audience: strings(2) })
export const NewJwtResponse = message({ svid: nested(1, TokenSvid) })

const NewWitParams = message({ entryId: string(1), publicKey: bytes(2), signingAlgorithm: string(3) })
export const BatchWitRequest = message({ params: list(1, NewWitParams) })
const BatchWitResult = message({ status: nested(1, Status), svid: nested(2, TokenSvid) })
export const BatchWitResponse = message({ results: list(1, BatchWitResult) })

const PermissionDeniedDetails = message({ reason: int32(1) })

/** A google.rpc.Status that tells an agent why it is turned away. */
export function deniedDetails(code: number, text: string, reason: number): Buffer {
  const value = PermissionDeniedDetails.encode({ reason })
  return RpcStatus.encode({ code, message: text, details: [{ typeUrl: typeUrlOf('spire.api.types.PermissionDeniedDetails'), value }] })
}
