// spire.api.server.agent.v1.Agent for administrators.
import type { JsonObject } from '../../../base/json.ts'
import { Fault } from '../../../base/fault.ts'
import { parseSpiffeId, pathOf } from '../../../crypto/spiffe-id.ts'
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Of } from '../../../wire/protobuf.ts'
import type { Ask } from '../ask.ts'
import { idText, masked, matchName, number, seconds, selectorText, text, toId, toSelectors } from '../convert.ts'
import { Empty, type SpiffeIdMessage } from '../messages.ts'
import { adminAsk, listed } from './asking.ts'
import * as wire from './messages.ts'

const MISSING = 'agent not found'

export function agentServices(ask: Ask): Services {
  return {
    'spire.api.server.agent.v1.Agent': {
      CountAgents: unary(wire.CountAgentsRequest, wire.Count, async ({ peer }, { filter }) => ({
        count: number((await adminAsk(ask, peer)('read', 'count/agents', filterOf(filter)))['count']),
      })),
      ListAgents: unary(wire.ListAgentsRequest, wire.ListAgentsResponse, async ({ peer }, { filter, outputMask, ...page }) => {
        const { found, nextPageToken } = await listed(adminAsk(ask, peer), 'agents', filterOf(filter), page)
        return { agents: found.map((one) => maskedAgent(one, outputMask)), nextPageToken }
      }),
      GetAgent: unary(wire.GetAgentRequest, wire.AgentMessage, async ({ peer }, { id, outputMask }) =>
        maskedAgent(await adminAsk(ask, peer)('read', pathIn(id), {}, MISSING), outputMask),
      ),
      DeleteAgent: unary(wire.AgentIdRequest, Empty, async ({ peer }, { id }) => {
        await adminAsk(ask, peer)('delete', pathIn(id), {}, MISSING)
        return {}
      }),
      BanAgent: unary(wire.AgentIdRequest, Empty, async ({ peer }, { id }) => {
        await adminAsk(ask, peer)('write', `${pathIn(id)}/ban`, {}, MISSING)
        return {}
      }),
      CreateJoinToken: unary(wire.CreateJoinTokenRequest, wire.JoinToken, async ({ peer }, { ttl, token, agentId }) => {
        if (ttl < 1) throw new GrpcError(STATUS.invalid, 'ttl is required, you must provide one')
        const alias = agentId ? { spiffe_id: idText(agentId) } : {}
        const made = await adminAsk(ask, peer)('write', 'join-tokens', { ttl, ...(token === '' ? {} : { token }), ...alias })
        return { value: text(made['token']), expiresAt: seconds(made['expires_at']) }
      }),
    },
  }
}

/** Of an agent's ID; throws for one that can't be of an agent, and so leads to no other path. */
function pathIn(id: Partial<Of<typeof SpiffeIdMessage>> | undefined): string {
  try {
    const path = pathOf(parseSpiffeId(idText(id)))
    if (!path.startsWith('/spire/agent/'))
      throw new Fault('invalid', `"${idText(id)}" is not an agent in this trust domain; path is not in the agent namespace`)
    return `agents${path}`
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, `invalid agent ID: ${error.message}`)
    throw error
  }
}

function maskedAgent(agent: JsonObject, mask: Readonly<Record<string, unknown>> | undefined): Partial<Of<typeof wire.AgentMessage>> {
  const id = toId(agent['id'])
  const whole = {
    attestationType: text(agent['attestation_type']),
    x509svidSerialNumber: decimal(text(agent['x509svid_serial_number'])),
    x509svidExpiresAt: seconds(agent['x509svid_expires_at']),
    selectors: toSelectors(agent['selectors']),
    banned: agent['banned'] === true,
    canReattest: agent['can_reattest'] === true,
    agentVersion: text(agent['agent_version']),
  }
  return { ...masked(whole, mask), id }
}

/** As SPIRE writes serial numbers. */
const decimal = (hex: string): string => (hex === '' ? '' : BigInt(`0x${hex}`).toString())

function filterOf(filter: Partial<Of<typeof wire.AgentFilter>> | undefined): JsonObject {
  const { byAttestationType, bySelectorMatch, byBanned, byCanReattest, byExpiresBefore } = filter ?? {}
  return {
    ...(byAttestationType ? { attestation_type: byAttestationType } : {}),
    ...(bySelectorMatch ? { selectors: (bySelectorMatch.selectors ?? []).map(selectorText), selectors_match: matchName(bySelectorMatch.match) } : {}),
    ...(byBanned ? { banned: byBanned.value ?? false } : {}),
    ...(byCanReattest ? { can_reattest: byCanReattest.value ?? false } : {}),
    ...(byExpiresBefore ? { expires_before: timeIn(byExpiresBefore) } : {}),
  }
}

/** `2026-01-02 15:04:05 +0100 +01`, as SPIRE's command line writes times. */
function timeIn(value: string): string {
  const [, date, clock, hours, minutes] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d) [+-]\d\d(?:\d\d)?$/.exec(value) ?? []
  if (date === undefined) throw new GrpcError(STATUS.invalid, `malformed expiry filter "${value}"`)
  return `${date}T${clock}${hours}:${minutes}`
}
