// spiffe/agent/status and spiffe/agent/watch: what an agent says of itself, and that it wants to hear of changes.
import { or, text } from '../../base/fields.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty } from '../../contract/reply.ts'
import type { RoomsOf } from '../rooms.ts'
import { caller } from './agent-api.ts'

const statusInput = { version: or(text('Version of the agent.'), '') }

export function agentStatePaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agent/watch', 'Hearing of changes.', {}, (op) => ({
      write: op({
        doc: 'Begin to hear of what concerns the agent: the connection tells it from then on.',
        access: 'open',
        async run(ctx) {
          const { id } = await caller(roomsOf(ctx.mount), ctx)
          const { authority = '', serial = '' } = ctx.request.peer.svid ?? {}
          return data({ agent_id: id, authority_id: authority, serial_number: serial })
        },
      }),
    })),
    path('agent/status', 'What an agent says of itself.', {}, (op) => ({
      write: op({
        doc: 'Report.',
        access: 'open',
        input: statusInput,
        async run(ctx, input) {
          const rooms = roomsOf(ctx.mount)
          const { id } = await caller(rooms, ctx)
          await rooms.agents.report(id, input.version.slice(0, 100))
          return empty()
        },
      }),
    })),
  ]
}
