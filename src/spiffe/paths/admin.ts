// spiffe/admin: the administrative paths once more, for those whom their connection proves to be administrators; there is no token to it.
import type { Op, OpVerb, Path } from '../../contract/module.ts'
import { denied, isAdministrator } from '../administrators.ts'
import type { RoomsOf } from '../rooms.ts'

/** The same operations behind another check: docs/decisions/trust-domain-administration.md. */
export function adminPaths(roomsOf: RoomsOf, paths: readonly Path[]): Path[] {
  return paths.map(({ template, doc, params, ops }) => {
    const guarded = Object.entries(ops).map(([verb, op]): [OpVerb, Op] => [verb as OpVerb, guard(roomsOf, op)])
    return { template: `admin/${template}`, doc: `${doc} For administrators by their connection.`, params, ops: Object.fromEntries(guarded) }
  })
}

function guard(roomsOf: RoomsOf, op: Op): Op {
  const { exists: _, ...rest } = op
  return {
    ...rest,
    access: 'open',
    run(ctx, input, body) {
      if (!isAdministrator(roomsOf(ctx.mount), ctx.request.peer, ctx.clock.now())) throw denied()
      return op.run(ctx, input, body)
    },
  }
}
