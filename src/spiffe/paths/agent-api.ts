// spiffe/agent: what agents ask, each known by the SVID of its connection; policy has no say, the agent's own record has.
import { choice, list, maybe, object, or, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, type Reply } from '../../contract/reply.ts'
import { publicKeyOfCsr } from '../../crypto/csr.ts'
import { joinDelimited } from '../../wire/protobuf.ts'
import { parseSpiffeId, type SpiffeId } from '../../crypto/spiffe-id.ts'
import type { Agent, Agents, Refusal } from '../agents.ts'
import { beginAttestation, continueAttestation, type Step } from '../attest.ts'
import type { X509Svid } from '../authorities.ts'
import type { Entry } from '../entry.ts'
import { encodeAll, encodePages, encodeSync } from '../entry-message.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { describeEntry } from './entry-json.ts'

const csrInput = { csr: text('A signing request in DER, as base64; only its public key is used.') }
const attestInput = {
  attestor: maybe(text('Kind of attestation: join_token, or one that has settings at spiffe/attestors.')),
  payload: or(text('What the attestor asks for, as base64.'), ''),
  csr: maybe(csrInput.csr),
  challenge_response: maybe(text("Instead of the rest: the answer to the attestor's challenge, as base64; on one stream of the gRPC API only.")),
}
const entriesInput = {
  form: or(
    choice('whole: the answer of GetAuthorizedEntries; sync: the first of SyncAuthorizedEntries; page: the further ones.', ['whole', 'sync', 'page']),
    'whole',
  ),
  ids: or(list('Of a page: the entries that it has.'), []),
}
const svidsInput = { requests: object('Entry ids, each with a signing request in DER as base64.') }
const jwtInput = { entry_id: text('The entry.'), audience: or(list('Who the token is for.'), []) }

/** A batch takes as many as SPIRE's agents send. */
export const MAX_BATCH = 500

export function agentApiPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agent/attest', 'How a node becomes an agent.', {}, (op) => ({
      write: op({
        doc: 'Attest, and get an SVID.',
        access: 'open',
        input: attestInput,
        run: (ctx, input) => attestAgent(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('agent/renew', 'The SVID of an agent.', {}, (op) => ({
      write: op({
        doc: 'Get a new SVID in place of the one that was shown.',
        access: 'open',
        input: csrInput,
        run: (ctx, input) => renew(roomsOf(ctx.mount), ctx, input.csr),
      }),
    })),
    path('agent/entries', 'What an agent may act for.', {}, (op) => ({
      read: op({ doc: 'Read the entries.', access: 'open', run: (ctx) => readEntries(roomsOf(ctx.mount), ctx) }),
      write: op({
        doc: 'Read the entries as agents do: a message of the SPIRE server API, or several, each after its length.',
        access: 'open',
        input: entriesInput,
        run: (ctx, input) => encoded(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('agent/svids', 'SVIDs of workloads.', {}, (op) => ({
      write: op({
        doc: 'Get X509-SVIDs for entries.',
        access: 'open',
        input: svidsInput,
        run: (ctx, input) => issue(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('agent/jwt-svid', 'JWT-SVIDs of workloads.', {}, (op) => ({
      write: op({
        doc: 'Get a JWT-SVID for an entry.',
        access: 'open',
        input: jwtInput,
        run: (ctx, input) => issueJwt(roomsOf(ctx.mount), ctx, input),
      }),
    })),
  ]
}

/** The agent that the connection proved to be. Throws `denied` with the reason as its text. */
export async function caller({ agents }: Spiffe, ctx: Ctx): Promise<Agent> {
  const { svid, revoked } = ctx.request.peer
  if (!svid) throw new Fault('denied', revoked === undefined ? 'not-attested' : whyRevoked(agents, parseSpiffeId(revoked)))
  const agent = await agents.authenticate(parseSpiffeId(svid.id), svid.serial)
  if (typeof agent === 'string') throw new Fault('denied', agent)
  return agent
}

function whyRevoked(agents: Agents, id: SpiffeId): Refusal {
  const agent = agents.get(id)
  return agent?.banned ? 'banned' : agent ? 'not-active' : 'not-attested'
}

/** The entry, where the agent may act for it. */
export function authorised({ authorised, entries }: Spiffe, agent: Agent, id: string): Entry | undefined {
  return authorised.idsOf(agent).has(id) ? entries.get(id) : undefined
}

function entriesOf({ authorised, entries }: Spiffe, agent: Agent): Entry[] {
  return [...authorised.idsOf(agent)].flatMap((id) => entries.get(id) ?? [])
}

async function encoded(rooms: Spiffe, ctx: Ctx, { form, ids }: Values<typeof entriesInput>): Promise<Reply> {
  const agent = await caller(rooms, ctx)
  const body = form === 'page' ? joinDelimited(encodePages(ids.flatMap((id) => authorised(rooms, agent, id) ?? []))) : wholeOf(rooms, agent, form)
  return { kind: 'raw', status: 200, contentType: 'application/x-protobuf', body }
}

/** As they were encoded for what an agent may act for, which is the same until an entry changes. */
const wholes = new WeakMap<ReadonlySet<string>, { [form in 'whole' | 'sync']?: Buffer }>()

function wholeOf(rooms: Spiffe, agent: Agent, form: 'whole' | 'sync'): Buffer {
  const ids = rooms.authorised.idsOf(agent)
  const before = wholes.get(ids) ?? {}
  const bytes = before[form] ?? encodeAs(form, entriesOf(rooms, agent))
  wholes.set(ids, { ...before, [form]: bytes })
  return bytes
}

function encodeAs(form: 'whole' | 'sync', entries: readonly Entry[]): Buffer {
  return form === 'whole' ? encodeAll(entries) : joinDelimited(encodeSync(entries))
}

async function readEntries(rooms: Spiffe, ctx: Ctx): Promise<Reply> {
  return data({ entries: entriesOf(rooms, await caller(rooms, ctx)).map(describeEntry) })
}

async function attestAgent(rooms: Spiffe, ctx: Ctx, input: Values<typeof attestInput>): Promise<Reply> {
  const step = await attestation(rooms, ctx, input)
  if ('challenge' in step) return data({ challenge: step.challenge.toString('base64') })
  const { publicKey, ...agent } = step.proven
  const svid = rooms.svids.x509ForAgent(agent.id, publicKey)
  const { authority, serial, expiresAt } = svid
  await rooms.agents.attest({ ...agent, authority, serial, expiresAt })
  return data({ spiffe_id: agent.id, ...describeSvid(svid), can_reattest: agent.canReattest })
}

function attestation(rooms: Spiffe, ctx: Ctx, { attestor, payload, csr, challenge_response: answer }: Values<typeof attestInput>): Promise<Step> {
  if (answer !== undefined) return continueAttestation(rooms, ctx, Buffer.from(answer, 'base64'))
  if (attestor === undefined || csr === undefined) throw new Fault('invalid', `missing ${attestor === undefined ? 'attestor' : 'csr'}`)
  return beginAttestation(rooms, ctx, { attestor, payload: Buffer.from(payload, 'base64'), csr: Buffer.from(csr, 'base64') })
}

async function renew(rooms: Spiffe, ctx: Ctx, csr: string): Promise<Reply> {
  const agent = await caller(rooms, ctx)
  if (agent.canReattest) throw new Fault('denied', 'must-reattest')
  const svid = rooms.svids.x509ForAgent(agent.id, publicKeyOfCsr(Buffer.from(csr, 'base64')))
  await rooms.agents.renew(agent.id, svid)
  return data({ spiffe_id: agent.id, ...describeSvid(svid) })
}

async function issue(rooms: Spiffe, ctx: Ctx, input: Values<typeof svidsInput>): Promise<Reply> {
  const agent = await caller(rooms, ctx)
  const requests = Object.entries(input.requests)
  if (requests.length > MAX_BATCH) throw new Fault('invalid', `at most ${MAX_BATCH} requests`)
  const made = requests.map(([id, csr]) => ({ id, ...makeOne(rooms, authorised(rooms, agent, id), csr) }))
  await rooms.issued.record(
    made.flatMap(({ entry, svid }) => (entry && svid ? { ...svid, spiffeId: entry.spiffeId, entry: entry.id, agent: agent.id } : [])),
  )
  // Who revokes what an entry or an agent has ends it first, and then looks for what was recorded until then: later ones are not given away.
  const now = rooms.agents.get(agent.id)
  const stands = (id: string): boolean => now !== undefined && !now.banned && authorised(rooms, now, id) !== undefined
  const results = made.map(({ id, ...one }): [string, JsonObject] => [id, describeMade(one.svid && !stands(id) ? NOT_FOUND : one)])
  return data({ results: Object.fromEntries(results) })
}

interface MadeOne {
  readonly entry?: Entry
  readonly svid?: X509Svid
  readonly problem?: string
}

const NOT_FOUND: MadeOne = { problem: 'entry not found or not authorized' }

function makeOne({ svids }: Spiffe, entry: Entry | undefined, csr: unknown): MadeOne {
  if (!entry) return NOT_FOUND
  try {
    return { entry, svid: svids.x509For(entry, publicKeyOfCsr(Buffer.from(typeof csr === 'string' ? csr : '', 'base64'))) }
  } catch (error) {
    if (error instanceof Fault) return { problem: error.message }
    throw error
  }
}

function describeMade({ entry, svid, problem = '' }: MadeOne): JsonObject {
  return entry && svid ? { spiffe_id: entry.spiffeId, hint: entry.hint, ...describeSvid(svid) } : { error: problem }
}

async function issueJwt(rooms: Spiffe, ctx: Ctx, input: Values<typeof jwtInput>): Promise<Reply> {
  const entry = authorised(rooms, await caller(rooms, ctx), input.entry_id)
  if (!entry) throw new Fault('missing', 'entry not found or not authorized')
  const { token, issuedAt, expiresAt } = rooms.svids.jwtFor(entry, input.audience)
  return data({ spiffe_id: entry.spiffeId, hint: entry.hint, svid: token, issued_at: issuedAt / 1000, expires_at: expiresAt / 1000 })
}

function describeSvid({ chain, expiresAt }: X509Svid): JsonObject {
  return { chain: chain.map((one) => one.toString('base64')), expires_at: expiresAt / 1000 }
}
