// The calls that an agent makes to a server (SPIRE server API), each from and to what the agent means by it.
import { readCrl } from '../../crypto/crl.ts'
import { NotDer } from '../../crypto/der.ts'
import type { TrustDomain } from '../../crypto/spiffe-id.ts'
import * as wire from '../../edge/spire/messages.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { CallOptions, Conversation, GrpcClient } from '../../wire/grpc-client.ts'
import type { Of } from '../../wire/protobuf.ts'
import { LISTS, ListsResponse } from '../../wire/signet-agent.ts'
import type { NodeAttestation } from '../attestation.ts'
import { type AgentEntry, entryOf, isSameRevision } from '../entry.ts'
import { type Lists, NO_LISTS, type Trust, trustOf } from '../trust.ts'
import type { WitRequest } from '../wit-svids.ts'
import { FederatedBundleRequest } from './messages.ts'

const AGENT = '/spire.api.server.agent.v1.Agent'
const BUNDLE = '/spire.api.server.bundle.v1.Bundle'
const ENTRY = '/spire.api.server.entry.v1.Entry'
const SVID = '/spire.api.server.svid.v1.SVID'

export interface GivenSvid {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly reattestable: boolean
}

/** Proves which node this is, as often as the server asks. */
export async function attestAgent(client: GrpcClient, attestation: NodeAttestation, csr: Buffer, options: CallOptions): Promise<GivenSvid> {
  const talk = client.converse(`${AGENT}/AttestAgent`, wire.AttestAgentRequest, wire.AttestAgentResponse, options)
  try {
    talk.send({ params: { data: { type: attestation.type, payload: await attestation.payload() }, params: { csr } } })
    for (;;) {
      const { result, challenge } = (await talk.next()) ?? {}
      if (result) return { chain: result.svid?.certChain ?? [], reattestable: result.reattestable ?? false }
      if (!challenge) throw new GrpcError(STATUS.unavailable, 'the server ended the attestation without a result')
      talk.send({ challengeResponse: await attestation.answer(challenge) })
    }
  } finally {
    talk.cancel()
    attestation.end?.()
  }
}

export async function renewAgent(client: GrpcClient, csr: Buffer, options: CallOptions): Promise<readonly Buffer[]> {
  const { svid } = await client.ask(`${AGENT}/RenewAgent`, wire.RenewAgentRequest, wire.RenewAgentResponse, { params: { csr } }, options)
  return svid?.certChain ?? []
}

/** Tells what this agent is; a server that doesn't want to know is let be. */
export async function postStatus(client: GrpcClient, agentVersion: string, options: CallOptions): Promise<void> {
  try {
    await client.ask(`${AGENT}/PostStatus`, wire.PostStatusRequest, wire.Empty, { agentVersion }, options)
  } catch (error) {
    if (!isUnimplemented(error)) throw error
  }
}

export async function getBundle(client: GrpcClient, home: TrustDomain, options: CallOptions): Promise<Trust> {
  const bundle = await client.ask(`${BUNDLE}/GetBundle`, wire.Empty, wire.BundleMessage, {}, options)
  return trustOf(bundle, home, await getLists(client, options)) // lists last, so that there is one of each authority
}

/** Servers of SPIRE have none. Throws for what is none. */
async function getLists(client: GrpcClient, options: CallOptions): Promise<Lists> {
  try {
    const { crls, complete } = await client.ask(`/${LISTS.service}/${LISTS.method}`, wire.Empty, ListsResponse, {}, options)
    crls.forEach(readCrl)
    return crls.length === 0 ? NO_LISTS : { crls, complete }
  } catch (error) {
    if (isUnimplemented(error)) return NO_LISTS
    throw error instanceof NotDer ? new Error(`the server gave a revocation list that cannot be read: ${error.message}`) : error
  }
}

/** Undefined where the server has none. */
export async function getFederatedBundle(client: GrpcClient, trustDomain: TrustDomain, options: CallOptions): Promise<Trust | undefined> {
  try {
    return trustOf(
      await client.ask(`${BUNDLE}/GetFederatedBundle`, FederatedBundleRequest, wire.BundleMessage, { trustDomain }, options),
      trustDomain,
    )
  } catch (error) {
    if (error instanceof GrpcError && [STATUS.notFound, STATUS.unimplemented].includes(error.code as never)) return undefined
    throw error
  }
}

/** A page of SyncAuthorizedEntries, either way. */
const PAGE = 500

/** The entries that this agent may act for now; of those it `known`s, only what changed is asked for, where there are many. */
export async function syncEntries(
  client: GrpcClient,
  home: TrustDomain,
  known: ReadonlyMap<string, AgentEntry>,
  options: CallOptions,
): Promise<Map<string, AgentEntry>> {
  const talk = client.converse(`${ENTRY}/SyncAuthorizedEntries`, wire.SyncRequest, wire.SyncResponse, options)
  try {
    talk.send({})
    const first = await pageOf(talk)
    if (first.entryRevisions.length === 0) return byId(first.entries, home)
    const revisions = await restOf(talk, first, ({ entryRevisions }) => entryRevisions)
    const kept = new Map<string, AgentEntry>()
    const wanted: string[] = []
    for (const { id = '', revisionNumber = 0, createdAt = 0 } of revisions) {
      const before = known.get(id)
      if (before && isSameRevision(before, { revision: revisionNumber, createdAt })) kept.set(id, before)
      else wanted.push(id)
    }
    wanted.sort()
    for (let from = 0; from < wanted.length; from += PAGE) {
      talk.send({ ids: wanted.slice(from, from + PAGE) })
      const entries = await restOf(talk, await pageOf(talk), (page) => page.entries)
      for (const [id, entry] of byId(entries, home)) kept.set(id, entry)
    }
    return kept
  } catch (error) {
    if (!isUnimplemented(error)) throw error
    const { entries } = await client.ask(`${ENTRY}/GetAuthorizedEntries`, wire.Empty, wire.AuthorizedEntries, {}, options)
    return byId(entries, home) // a server from before there was a way to ask for changes
  } finally {
    talk.cancel()
  }
}

type Page = Of<typeof wire.SyncResponse>
type Talk = Conversation<Of<typeof wire.SyncRequest>, Page>

async function pageOf(talk: Talk): Promise<Page> {
  const page = await talk.next()
  if (!page) throw new GrpcError(STATUS.unavailable, 'the server ended the synchronisation early')
  return page
}

async function restOf<T>(talk: Talk, first: Page, of: (page: Page) => readonly T[]): Promise<T[]> {
  const all = [...of(first)]
  for (let page = first; page.more; ) {
    page = await pageOf(talk)
    all.push(...of(page))
  }
  return all
}

function byId(entries: readonly Partial<wire.EntryMessage>[], home: TrustDomain): Map<string, AgentEntry> {
  return new Map(entries.flatMap((one) => entryOf(one, home) ?? []).map((entry) => [entry.id, entry]))
}

/** By entry, its chain or why there is none. */
export async function newX509Svids(
  client: GrpcClient,
  requests: readonly { readonly entryId: string; readonly csr: Buffer }[],
  options: CallOptions,
): Promise<Map<string, readonly Buffer[] | string>> {
  const { results } = await client.ask(`${SVID}/BatchNewX509SVID`, wire.BatchX509Request, wire.BatchX509Response, { params: [...requests] }, options)
  return new Map(
    requests.map(({ entryId }, index) => {
      const { status, svid } = results[index] ?? {}
      return [entryId, svid?.certChain?.length ? svid.certChain : status?.message || 'the server gave no SVID']
    }),
  )
}

/** By entry, its token or why there is none. */
export async function newWitSvids(
  client: GrpcClient,
  requests: readonly WitRequest[],
  options: CallOptions,
): Promise<Map<string, { readonly token: string } | string>> {
  const { results } = await client.ask(`${SVID}/BatchNewWITSVID`, wire.BatchWitRequest, wire.BatchWitResponse, { params: [...requests] }, options)
  return new Map(
    requests.map(({ entryId }, index) => {
      const { status, svid } = results[index] ?? {}
      return [entryId, svid?.token ? { token: svid.token } : status?.message || 'the server gave no WIT-SVID']
    }),
  )
}

export interface GivenJwt {
  readonly token: string
  /** Milliseconds. */
  readonly issuedAt: number
  readonly expiresAt: number
}

export async function newJwtSvid(client: GrpcClient, entryId: string, audience: readonly string[], options: CallOptions): Promise<GivenJwt> {
  const request = { entryId, audience: [...audience] }
  const { svid } = await client.ask(`${SVID}/NewJWTSVID`, wire.NewJwtRequest, wire.NewJwtResponse, request, options)
  if (!svid?.token) throw new GrpcError(STATUS.internal, 'the server gave no JWT-SVID')
  return { token: svid.token, issuedAt: (svid.issuedAt ?? 0) * 1000, expiresAt: (svid.expiresAt ?? 0) * 1000 }
}

const isUnimplemented = (error: unknown): boolean => error instanceof GrpcError && error.code === STATUS.unimplemented
