// Messages of the package signet.agent.v1: what Signet's own agents ask of a server beside the SPIRE server API.
import { blobs, bool, message, uint64 } from './protobuf.ts'

/**
 * `rpc Watch(WatchRequest) returns (stream WatchResponse)`. The first answer comes at once. It says that all may have changed, unless the
 * revision is still the one that the agent named; each further one says what did. The agent then asks for it as ever.
 */
export const WATCH = { service: 'signet.agent.v1.Changes', method: 'Watch' } as const

/** `revision` is the last that the agent was told of and has acted on; 0 at first. */
export const WatchRequest = message({ revision: uint64(1) })

/** `entries`: the agent's entries may be others. `bundles`: the bundle of the trust domain, or one of those it federates with, is another, or there are other revocation lists. */
export const WatchResponse = message({ revision: uint64(1), entries: bool(2), bundles: bool(3) })

/** `rpc GetLists(Empty) returns (ListsResponse)`: the revocation lists of the trust domain's X.509 authorities. */
export const LISTS = { service: 'signet.agent.v1.Revocations', method: 'GetLists' } as const

/** `crls` in DER. `complete`: there is one of each authority that may stand above an SVID, up to its root. */
export const ListsResponse = message({ crls: blobs(1), complete: bool(2) })
