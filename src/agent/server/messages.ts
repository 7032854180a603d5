// What only an agent's side of the SPIRE server API has a use for.
import { int32, message, string } from '../../wire/protobuf.ts'
import { RpcStatus, typeUrlOf } from '../../wire/rpc-status.ts'

export const FederatedBundleRequest = message({ trustDomain: string(1) })

const PermissionDeniedDetails = message({ reason: int32(1) })
const DENIED = typeUrlOf('spire.api.types.PermissionDeniedDetails')

/** Why an agent is turned away, as `PermissionDeniedDetails` numbers it. */
export const REASONS = ['unknown', 'expired', 'not-attested', 'not-active', 'banned', 'must-reattest'] as const
export type Reason = (typeof REASONS)[number]

/** The reason in a google.rpc.Status. */
export function reasonOf(status: Buffer | undefined): Reason {
  try {
    const found = status && RpcStatus.decode(status).details.find(({ typeUrl }) => typeUrl === DENIED)
    return (found?.value && REASONS[PermissionDeniedDetails.decode(found.value).reason]) || 'unknown'
  } catch {
    return 'unknown' // what is no message says nothing
  }
}
