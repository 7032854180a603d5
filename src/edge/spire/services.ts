// The part of the SPIRE server API that agents use, in the names and numbers of the wire (packages spire.api.server.*.v1).
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { parseBundle } from '../../crypto/bundle.ts'
import { parseSpiffeId, parseTrustDomain, pathOf, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { type Call, GrpcError, type Services, STATUS, stream, unary } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Ask } from './ask.ts'
import * as wire from './messages.ts'

export function spireServices(ask: Ask): Services {
  return {
    'spire.api.server.agent.v1.Agent': {
      AttestAgent: stream(wire.AttestAgentRequest, wire.AttestAgentResponse, (call, requests) => attest(ask, call, requests)),
      RenewAgent: unary(wire.RenewAgentRequest, wire.RenewAgentResponse, async ({ peer }, { params }) => ({
        svid: toSvid(await ask(peer, 'write', 'agent/renew', { csr: base64(params?.csr) })),
      })),
      PostStatus: unary(wire.PostStatusRequest, wire.Empty, async ({ peer }, { agentVersion }) => {
        await ask(peer, 'write', 'agent/status', { version: agentVersion })
        return {}
      }),
    },
    'spire.api.server.bundle.v1.Bundle': {
      GetBundle: unary(wire.Empty, wire.BundleMessage, ({ peer }) => readBundle(ask, peer)),
    },
    'spire.api.server.entry.v1.Entry': {
      GetAuthorizedEntries: unary(wire.Empty, wire.AuthorizedEntries, async ({ peer }) => ({ entries: await authorised(ask, peer) })),
      SyncAuthorizedEntries: stream(wire.SyncRequest, wire.SyncResponse, (call, requests) => sync(ask, call, requests)),
    },
    'spire.api.server.svid.v1.SVID': {
      BatchNewX509SVID: unary(wire.BatchX509Request, wire.BatchX509Response, ({ peer }, { params }) => batch(ask, peer, params)),
      NewJWTSVID: unary(wire.NewJwtRequest, wire.NewJwtResponse, async ({ peer }, { entryId, audience }) => {
        const data = await ask(peer, 'write', 'agent/jwt-svid', { entry_id: entryId, audience })
        const shared = { id: toId(data['spiffe_id']), hint: text(data['hint']) }
        return { svid: { ...shared, token: text(data['svid']), expiresAt: number(data['expires_at']), issuedAt: number(data['issued_at']) } }
      }),
    },
  }
}

async function* attest(ask: Ask, { peer }: Call, requests: AsyncIterable<Of<typeof wire.AttestAgentRequest>>) {
  for await (const { params } of requests) {
    const { data, params: more } = params ?? {}
    if (!data?.type || !more?.csr) throw new GrpcError(STATUS.invalid, 'malformed param: missing attestation data or CSR')
    const answer = await ask(peer, 'write', 'agent/attest', { attestor: data.type, payload: base64(data.payload), csr: base64(more.csr) })
    yield { result: { svid: toSvid(answer), reattestable: answer['can_reattest'] === true } }
    return
  }
}

async function readBundle(ask: Ask, peer: string): Promise<Partial<Of<typeof wire.BundleMessage>>> {
  const [document, { trust_domain: name }] = await Promise.all([ask(peer, 'read', 'bundle'), ask(peer, 'read', 'trust-domain')])
  const bundle = parseBundle(parseTrustDomain(text(name)), Buffer.from(JSON.stringify(document)))
  return {
    trustDomain: bundle.trustDomain,
    x509Authorities: bundle.x509Authorities.map((asn1) => ({ asn1 })),
    jwtAuthorities: bundle.jwtAuthorities.map(({ publicKey, keyId }) => ({ publicKey, keyId })),
    refreshHint: bundle.refreshHint,
    sequenceNumber: bundle.sequence,
  }
}

/** Below this many, entries are sent whole at once. */
const PAGE = 500

async function* sync(
  ask: Ask,
  { peer }: Call,
  requests: AsyncIterable<Of<typeof wire.SyncRequest>>,
): AsyncGenerator<Partial<Of<typeof wire.SyncResponse>>> {
  let known: Map<string, Partial<wire.EntryMessage>> | undefined
  for await (const { ids } of requests) {
    if (!known) {
      if (ids.length > 0) throw new GrpcError(STATUS.invalid, 'specifying IDs on initial request is not supported')
      const entries = await authorised(ask, peer)
      if (entries.length <= PAGE) {
        yield { entries }
        return
      }
      known = new Map(entries.map((entry) => [entry.id ?? '', entry]))
      yield* pages(
        entries.map(({ id, revisionNumber, createdAt }) => ({ id, revisionNumber, createdAt })),
        'entryRevisions',
      )
    } else {
      const asked = known
      yield* pages(
        ids.flatMap((id) => asked.get(id) ?? []),
        'entries',
      )
    }
  }
}

function* pages(all: readonly object[], name: 'entries' | 'entryRevisions'): Generator<Partial<Of<typeof wire.SyncResponse>>> {
  for (let from = 0; from === 0 || from < all.length; from += PAGE) yield { [name]: all.slice(from, from + PAGE), more: from + PAGE < all.length }
}

async function authorised(ask: Ask, peer: string): Promise<Partial<wire.EntryMessage>[]> {
  const { entries } = await ask(peer, 'read', 'agent/entries')
  return (Array.isArray(entries) ? entries : []).filter(isObject).map(toEntry)
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

function toSvid(data: JsonObject) {
  const chain = Array.isArray(data['chain']) ? data['chain'] : []
  const certChain = chain.map((one) => Buffer.from(text(one), 'base64'))
  return { certChain, id: toId(data['spiffe_id']), expiresAt: Math.floor(number(data['expires_at'])), hint: text(data['hint']) }
}

function toId(value: Json | undefined) {
  const id = parseSpiffeId(text(value))
  return { trustDomain: trustDomainOf(id), path: pathOf(id) }
}

function toEntry(entry: JsonObject): Partial<wire.EntryMessage> {
  const selectors = strings(entry['selectors']).map((one) => ({ type: one.slice(0, one.indexOf(':')), value: one.slice(one.indexOf(':') + 1) }))
  return {
    id: text(entry['id']),
    spiffeId: toId(entry['spiffe_id']),
    parentId: toId(entry['parent_id']),
    selectors,
    x509SvidTtl: number(entry['x509_svid_ttl']),
    jwtSvidTtl: number(entry['jwt_svid_ttl']),
    federatesWith: strings(entry['federates_with']),
    admin: entry['admin'] === true,
    downstream: entry['downstream'] === true,
    expiresAt: seconds(entry['expires_at']),
    dnsNames: strings(entry['dns_names']),
    revisionNumber: number(entry['revision_number']),
    storeSvid: entry['store_svid'] === true,
    hint: text(entry['hint']),
    createdAt: seconds(entry['created_at']),
    additionalAttributes: {
      disableX509SvidPrefetch: entry['disable_x509_svid_prefetch'] === true,
      jwtSvidIncludeJti: entry['jwt_svid_include_jti'] === true,
    },
  }
}

const base64 = (bytes: Buffer | undefined): string => bytes?.toString('base64') ?? ''
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)
const strings = (value: Json | undefined): string[] => (Array.isArray(value) ? value.map(text) : [])
const seconds = (value: Json | undefined): number => (typeof value === 'string' ? Math.floor(Date.parse(value) / 1000) : 0)
