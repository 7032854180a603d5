// Messages of signet.agent.v1.Operator: what who runs an agent asks it.
import type { ProtoFile } from '../../wire/descriptors.ts'
import { bool, int32, int64, list, message, nested, string, strings } from '../../wire/protobuf.ts'

export const SERVICE = 'signet.agent.v1.Operator'

export const ExplainRequest = message({ pid: int32(1) })

const Standing = message({ spiffeId: string(1), expiresAt: int64(2) })
/** `problem` is why it could not find out; '' where it could. */
const AttestorFindings = message({ type: string(1), selectors: strings(2), problem: string(3) })
const HeldSvid = message({ audience: strings(1), expiresAt: int64(2), renewAt: int64(3) })
const EntryGiven = message({
  entryId: string(1),
  spiffeId: string(2),
  parentId: string(3),
  hint: string(4),
  /** Of an older entry with the same hint, which is given in the place of this one. */
  hiddenBy: string(5),
  x509Svid: nested(6, HeldSvid),
  jwtSvids: list(7, HeldSvid),
  witSvid: nested(8, HeldSvid),
})
const Lack = message({ selector: string(1), instead: strings(2) })
const NearMiss = message({ entryId: string(1), spiffeId: string(2), parentId: string(3), missing: list(4, Lack), storeSvid: bool(5) })

/** Times are seconds since 1970. */
export const ExplainResponse = message({
  pid: int32(1),
  name: string(2),
  agent: nested(3, Standing),
  /** Of all entries that the agent has, besides its own ID: the names of its node. */
  parents: strings(4),
  attestors: list(5, AttestorFindings),
  /** Why it gets nothing, whatever was seen; '' where it was attested. */
  problem: string(6),
  entries: list(7, EntryGiven),
  /** The nearest first. */
  near: list(8, NearMiss),
  /** How many are further away. */
  farther: int32(9),
})

export const FILE: ProtoFile = {
  name: 'signet/agent/v1/operator.proto',
  package: 'signet.agent.v1',
  types: {
    ExplainWorkloadRequest: ExplainRequest,
    ExplainWorkloadResponse: ExplainResponse,
    Standing,
    AttestorFindings,
    HeldSvid,
    EntryGiven,
    Lack,
    NearMiss,
  },
}
