// spiffe/agent/bundle and spiffe/agent/bundles: what agents believe identities by, and hand on to workloads.
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data } from '../../contract/reply.ts'
import { parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { allOf, guestsOf, KINDS } from '../authority-set.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { isAdministrator } from '../administrators.ts'
import { caller } from './agent-api.ts'
import { describeBundle } from './bundle-data.ts'
import { foreign } from './bundles.ts'

export function agentBundlePaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agent/bundle', 'What agents believe identities of this trust domain by.', {}, (op) => ({
      read: op({
        doc: 'Read the bundle, with the authorities that are tainted.',
        access: 'open',
        run: ({ mount }) => data(ownBundle(roomsOf(mount))),
      }),
    })),
    path('agent/bundles/:trust_domain', 'What agents believe foreign identities by.', foreign, (op) => ({
      read: op({
        doc: 'Read the bundle of a foreign trust domain.',
        access: 'open',
        async run(ctx, input) {
          const rooms = roomsOf(ctx.mount)
          if (!isAdministrator(rooms, ctx.request.peer, ctx.clock.now())) await caller(rooms, ctx)
          const found = rooms.bundles.get(parseTrustDomain(input.trust_domain))
          if (!found) throw new Fault('missing', 'bundle not found')
          return data(describeBundle(found))
        },
      }),
    })),
  ]
}

/** Agents replace at once what a tainted authority signed. */
function ownBundle({ authorities }: Spiffe): JsonObject {
  const set = authorities.set()
  const guests = guestsOf(set)
  const own = allOf(set).filter((one) => one.tainted)
  const others = KINDS.flatMap((kind) => guests[kind]).filter((one) => one.tainted)
  const tainted = [...own.map(({ id, root }) => root ?? id), ...others.map(({ id }) => id)]
  return describeBundle(authorities.bundle(), new Set(tainted))
}
