// spiffe/agent/wit-svids: WIT-SVIDs of workloads, for keys that their agent made for them.
import { any } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, type Reply } from '../../contract/reply.ts'
import { boundKeyOf } from '../../crypto/wit-svid.ts'
import type { Agent } from '../agents.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { authorised, caller, MAX_BATCH } from './agent-api.ts'

const input = { requests: any('Objects with entry_id and jwk, the public key (RFC 7517) with its alg.') }

export function agentWitPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agent/wit-svids', 'WIT-SVIDs of workloads.', {}, (op) => ({
      write: op({
        doc: 'Get WIT-SVIDs for entries; each request has its result, in order.',
        access: 'open',
        input,
        run: (ctx, { requests }) => issue(roomsOf(ctx.mount), ctx, requests),
      }),
    })),
  ]
}

async function issue(rooms: Spiffe, ctx: Ctx, requests: Json): Promise<Reply> {
  const agent = await caller(rooms, ctx)
  rooms.settings.needKind('wit')
  if (!Array.isArray(requests) || !requests.every(isObject)) throw new Fault('invalid', 'requests: expected an array of objects')
  if (requests.length > MAX_BATCH) throw new Fault('invalid', `at most ${MAX_BATCH} requests`)
  return data({ results: requests.map((one) => issueOne(rooms, agent, one)) })
}

/** What is refused has its code beside its text, and stops nothing. */
function issueOne(rooms: Spiffe, agent: Agent, { entry_id: id, jwk }: JsonObject): JsonObject {
  try {
    if (typeof id !== 'string' || id === '') throw new Fault('invalid', 'missing entry ID')
    if (!isObject(jwk)) throw new Fault('invalid', 'missing public key')
    const entry = authorised(rooms, agent, id)
    if (!entry) throw new Fault('missing', 'entry not found or not authorized')
    const { token, issuedAt, expiresAt } = rooms.svids.witFor(entry, boundKeyOf(jwk))
    return { spiffe_id: entry.spiffeId, hint: entry.hint, svid: token, issued_at: issuedAt / 1000, expires_at: expiresAt / 1000 }
  } catch (error) {
    if (error instanceof Fault) return { error: error.message, code: error.code }
    throw error
  }
}
