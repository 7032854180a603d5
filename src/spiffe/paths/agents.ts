// spiffe/agents and spiffe/join-tokens: the nodes that attested, and the tokens with which more of them may.
import { bool, int, maybe, or, seconds, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseSpiffeId, type SpiffeId, spiffeId } from '../../crypto/spiffe-id.ts'
import type { Agent } from '../agents.ts'
import { PLAIN_ENTRY, serverId } from '../entry.ts'
import { joinTokenAgent } from '../join-tokens.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { formatSelector } from '../selectors.ts'
import type { SettingsRoom } from '../settings.ts'
import { agentFilter, agentMatcher, findPage } from './filters.ts'
import { reasonInput, revokeAll } from './revoke.ts'

const MAX_PAGE = 1_000
const DEFAULT_TOKEN_TTL = 600
const at = { path: text("Path of the agent's SPIFFE ID: spire/agent/…") }
const pageInput = { after: or(text('SPIFFE ID to begin after.'), ''), limit: or(int('How many at most.'), 0), ...agentFilter }
const banInput = {
  revoke: or(bool('Revoke its SVIDs, and those that were issued through it.'), true),
  reason: reasonInput('privilege_withdrawn'),
}
const ALL = { after: '', limit: Number.POSITIVE_INFINITY }
const tokenInput = {
  ttl: or(seconds('How long the token can be used.'), DEFAULT_TOKEN_TTL),
  token: maybe(secret(text('The token itself; made at random otherwise.'))),
  spiffe_id: maybe(text('A SPIFFE ID by which entries can name the node as their parent.')),
}

export function agentPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agents', 'Agents: attested nodes.', {}, (op) => ({
      list: op({
        doc: 'List agents in the order of their SPIFFE IDs.',
        input: pageInput,
        run({ mount }, input) {
          const limit = input.limit > 0 ? Math.min(input.limit, MAX_PAGE) : MAX_PAGE
          const found = findPage(roomsOf(mount).agents.page, agentMatcher(input), { after: input.after, limit })
          return keys(
            found.map(({ id }) => id),
            Object.fromEntries(found.map((one) => [one.id, describeAgent(one)])),
          )
        },
      }),
    })),
    path('count/agents', 'How many agents there are.', {}, (op) => ({
      read: op({
        doc: 'Count agents.',
        input: agentFilter,
        run: ({ mount }, input) => data({ count: findPage(roomsOf(mount).agents.page, agentMatcher(input), ALL).length }),
      }),
    })),
    path('agents/*path', 'An agent.', at, (op) => ({
      read: op({
        doc: 'Read what is known of a node.',
        run({ mount }, input) {
          const { agents, settings } = roomsOf(mount)
          const agent = agents.get(idOf(settings, input.path))
          return agent ? data(describeAgent(agent)) : missing()
        },
      }),
      delete: op({
        doc: 'Evict an agent: its SVID ends, and it may attest again.',
        run: ({ mount }, input) => evict(roomsOf(mount), input.path),
      }),
    })),
    path('agents/*path/ban', 'Banning an agent.', at, (op) => ({
      write: op({
        doc: 'Ban an agent: its SVID ends, and it may not attest again. Its SVIDs and those that were issued through it are revoked.',
        input: banInput,
        run: (ctx, input) => ban(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('join-tokens', 'Tokens that let a node attest, once.', {}, (op) => ({
      write: op({ doc: 'Make a join token.', input: tokenInput, run: ({ mount }, input) => createToken(roomsOf(mount), mount.namespace, input) }),
    })),
  ]
}

const idOf = (settings: SettingsRoom, rest: string): SpiffeId => spiffeId(settings.need().trustDomain, `/${rest}`)
const done = (was: boolean): Reply => (was ? empty() : missing())

async function evict({ agents, settings }: Spiffe, rest: string): Promise<Reply> {
  return done(await agents.evict(idOf(settings, rest)))
}

/** First it is out, and then what it has is looked for, so that it gets nothing meanwhile. What a crash cuts short, a second ban does. */
async function ban(rooms: Spiffe, ctx: Ctx, input: Values<typeof banInput> & { readonly path: string }): Promise<Reply> {
  const { agents, issued, settings } = rooms
  const id = idOf(settings, input.path)
  if (!(await agents.ban(id))) return missing()
  if (!input.revoke) return empty()
  const { trackSvids } = settings.need()
  if (!trackSvids) ctx.warn("track_svids is off in spiffe/config: the agent's own SVID is revoked, and none that was issued through it")
  try {
    return data(await revokeAll(rooms, await issued.find('agent', id), input.reason))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    ctx.warn(`the agent is banned, but what it has is not revoked: ${error.message}`)
    return empty()
  }
}

async function createToken(
  { joinTokens, entries, settings }: Spiffe,
  namespace: string,
  input: { ttl: number; token: string | undefined; spiffe_id: string | undefined },
): Promise<Reply> {
  const { trustDomain } = settings.need()
  const alias = input.spiffe_id === undefined ? undefined : parseSpiffeId(input.spiffe_id)
  const { token, expiresAt } = await joinTokens.create(input.ttl, input.token)
  const agent = joinTokenAgent(trustDomain, token)
  if (alias) {
    const selectors = [{ type: 'spiffe_id', value: agent }]
    await entries.create({ ...PLAIN_ENTRY, spiffeId: alias, parentId: serverId(trustDomain), selectors, namespace })
  }
  return data({ token, agent_id: agent, expires_at: new Date(expiresAt).toISOString() })
}

function describeAgent(agent: Agent): JsonObject {
  return {
    id: agent.id,
    attestation_type: agent.type,
    x509svid_serial_number: agent.serial,
    x509svid_expires_at: agent.expiresAt === 0 ? null : new Date(agent.expiresAt).toISOString(),
    selectors: agent.selectors.map(formatSelector),
    banned: agent.banned,
    can_reattest: agent.canReattest,
    agent_version: agent.version,
    attested_at: new Date(agent.attestedAt).toISOString(),
  }
}
