// The SPIRE server API in the names and numbers of the wire (packages spire.api.server.*.v1): what agents use of it, joined with the rest.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import type { Timers } from '../../base/ports.ts'
import { type Call, GrpcError, type Services, STATUS, stream, unary } from '../../wire/grpc.ts'
import { encoded, type Of, splitDelimited } from '../../wire/protobuf.ts'
import { within } from '../../wire/within.ts'
import { agentServices } from './admin/agents.ts'
import { authorityServices } from './admin/authorities.ts'
import { bundleServices } from './admin/bundles.ts'
import { entryServices } from './admin/entries.ts'
import { serverServices } from './admin/server.ts'
import { svidServices } from './admin/svids.ts'
import { trustDomainServices } from './admin/trust-domains.ts'
import type { Ask } from './ask.ts'
import { base64, masked, nameIn, text, toBundle, toSvid, toToken } from './convert.ts'
import * as wire from './messages.ts'
import { witBatch } from './wit.ts'
import { type ChangesOf, pushServices } from './push.ts'
import { revocationServices } from './revocations.ts'

export interface ServicesDeps {
  readonly timers: Pick<Timers, 'after'>
  readonly changesOf: ChangesOf
  /** In seconds. */
  readonly uptime: () => number
}

export function spireServices(ask: Ask, { timers, changesOf, uptime }: ServicesDeps): Services {
  const parts = [agentSide(ask, timers), entryServices(ask), agentServices(ask), bundleServices(ask), trustDomainServices(ask)]
  const more = [svidServices(ask), authorityServices(ask), serverServices(ask, uptime), pushServices(ask, changesOf), revocationServices(ask)]
  const joined: Record<string, Services[string]> = {}
  for (const [name, methods] of [...parts, ...more].flatMap((part) => Object.entries(part))) joined[name] = { ...joined[name], ...methods }
  return joined
}

function agentSide(ask: Ask, timers: Pick<Timers, 'after'>): Services {
  return {
    'spire.api.server.agent.v1.Agent': {
      AttestAgent: stream(wire.AttestAgentRequest, wire.AttestAgentResponse, (call, requests) =>
        attest(ask, call, within(requests, ATTEST_MS, timers)),
      ),
      RenewAgent: unary(wire.RenewAgentRequest, wire.RenewAgentResponse, async ({ peer }, { params }) => ({
        svid: toSvid(await ask(peer, 'write', 'agent/renew', { csr: base64(params?.csr) })),
      })),
      PostStatus: unary(wire.PostStatusRequest, wire.Empty, async ({ peer }, { agentVersion }) => {
        await ask(peer, 'write', 'agent/status', { version: agentVersion })
        return {}
      }),
    },
    'spire.api.server.bundle.v1.Bundle': {
      GetBundle: unary(wire.GetBundleRequest, wire.BundleMessage, async ({ peer }, { outputMask }) =>
        masked(toBundle(await ask(peer, 'read', 'agent/bundle')), outputMask),
      ),
      GetFederatedBundle: unary(wire.GetFederatedBundleRequest, wire.BundleMessage, async ({ peer }, { trustDomain, outputMask }) =>
        masked(toBundle(await ask(peer, 'read', `agent/bundles/${nameIn(trustDomain)}`)), outputMask),
      ),
    },
    'spire.api.server.entry.v1.Entry': {
      GetAuthorizedEntries: unary(wire.Empty, encoded, async ({ peer }) => ({ bytes: await ask.bytes(peer, 'agent/entries', {}) })),
      SyncAuthorizedEntries: stream(wire.SyncRequest, encoded, (call, requests) => sync(ask, call, requests)),
    },
    'spire.api.server.svid.v1.SVID': {
      BatchNewX509SVID: unary(wire.BatchX509Request, wire.BatchX509Response, ({ peer }, { params }) => batch(ask, peer, params)),
      NewJWTSVID: unary(wire.NewJwtRequest, wire.NewJwtResponse, async ({ peer }, { entryId, audience }) => {
        return { svid: toToken(await ask(peer, 'write', 'agent/jwt-svid', { entry_id: entryId, audience })) }
      }),
      BatchNewWITSVID: unary(wire.BatchWitRequest, wire.BatchWitResponse, ({ peer }, { params }) => witBatch(ask, peer, params)),
    },
  }
}

/** What an attestation may take altogether. */
const ATTEST_MS = 60_000

async function* attest(
  ask: Ask,
  { peer }: Call,
  requests: AsyncIterable<Of<typeof wire.AttestAgentRequest>>,
): AsyncGenerator<Partial<Of<typeof wire.AttestAgentResponse>>> {
  const stream = {}
  let begun = false
  for await (const { params, challengeResponse } of requests) {
    const answer = await ask(peer, 'write', 'agent/attest', begun ? response(challengeResponse) : evidence(params), stream)
    begun = true
    if (typeof answer['challenge'] !== 'string') {
      yield { result: { svid: toSvid(answer), reattestable: answer['can_reattest'] === true } }
      return
    }
    yield { challenge: Buffer.from(answer['challenge'], 'base64') }
  }
}

function evidence(params: Of<typeof wire.AttestAgentRequest>['params']): JsonObject {
  const { data, params: more } = params ?? {}
  if (!data?.type || !more?.csr) throw new GrpcError(STATUS.invalid, 'malformed param: missing attestation data or CSR')
  return { attestor: data.type, payload: base64(data.payload), csr: base64(more.csr) }
}

const response = (challenge: Buffer): JsonObject => ({ challenge_response: base64(challenge) })

async function* sync(ask: Ask, { peer }: Call, requests: AsyncIterable<Of<typeof wire.SyncRequest>>): AsyncGenerator<{ bytes: Buffer }> {
  let first = true
  for await (const { ids } of requests) {
    if (first && ids.length > 0) throw new GrpcError(STATUS.invalid, 'specifying IDs on initial request is not supported')
    const pages = await ask.bytes(peer, 'agent/entries', first ? { form: 'sync' } : { form: 'page', ids })
    first = false
    for (const bytes of splitDelimited(pages)) yield { bytes }
  }
}

async function batch(
  ask: Ask,
  peer: string,
  params: readonly { entryId?: string; csr?: Buffer }[],
): Promise<Partial<Of<typeof wire.BatchX509Response>>> {
  const requests = Object.fromEntries(params.map(({ entryId = '', csr }) => [entryId, base64(csr)]))
  const { results } = await ask(peer, 'write', 'agent/svids', { requests })
  const found = isObject(results) ? results : {}
  return { results: params.map(({ entryId = '' }) => toResult(found[entryId])) }
}

function toResult(result: Json | undefined) {
  if (!isObject(result) || typeof result['error'] === 'string') {
    return { status: { code: STATUS.notFound, message: isObject(result) ? text(result['error']) : 'entry not found or not authorized' } }
  }
  return { status: { code: 0, message: 'OK' }, svid: toSvid(result) }
}
