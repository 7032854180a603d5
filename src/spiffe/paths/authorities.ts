// spiffe/authorities: the keys that sign, moved from prepared to active to old by hand where the clock is not enough.
import { choice, or, text } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data } from '../../contract/reply.ts'
import type { Authorities } from '../authorities.ts'
import { type Authority, KINDS } from '../authority-set.ts'
import type { RoomsOf } from '../rooms.ts'

const kind = { kind: choice('"x509", "jwt" or "wit".', KINDS) }
const id = { authority_id: or(text('Which one: a subject key identifier in hex, or a key id.'), '') }

const STEPS = {
  activate: 'Sign with the prepared authority from now on.',
  taint: 'Have everything replaced that an old authority signed.',
  revoke: 'Take an old authority out of the bundle: nothing it signed is believed any more.',
} as const

const UPSTREAM = {
  taint: {
    doc: 'Have everything replaced that rests on an upstream authority which signs no more.',
    run: (authorities: Authorities, id: string) => authorities.taintUpstream(id),
  },
  revoke: {
    doc: 'Take an upstream authority out of the bundle, with all that it signed.',
    run: (authorities: Authorities, id: string) => authorities.revokeUpstream(id),
  },
} as const

export function authorityPaths(roomsOf: RoomsOf): Path[] {
  const steps = Object.entries(STEPS) as [keyof typeof STEPS, string][]
  return [
    path('authorities/:kind', 'The authorities of one kind.', kind, (op) => ({
      read: op({
        doc: 'Read them all, with their states.',
        run({ mount }, input) {
          const { settings, authorities } = roomsOf(mount)
          settings.needKind(input.kind)
          return data({ authorities: authorities.set()[input.kind].map(describe) })
        },
      }),
    })),
    path('authorities/:kind/prepare', 'Making a new authority.', kind, (op) => ({
      write: op({
        doc: 'Publish a new authority; it signs once it is activated.',
        access: 'sudo',
        run: async ({ mount }, input) => data(describe(await roomsOf(mount).authorities.prepare(input.kind))),
      }),
    })),
    ...steps.map(([step, doc]) =>
      path(`authorities/:kind/${step}`, doc, kind, (op) => ({
        write: op({
          doc,
          access: 'sudo',
          input: id,
          run: async ({ mount }, input) => data(describe(await roomsOf(mount).authorities[step](input.kind, input.authority_id))),
        }),
      })),
    ),
    ...Object.entries(UPSTREAM).map(([step, { doc, run }]) =>
      path(`authorities/upstream/${step}`, doc, {}, (op) => ({
        write: op({
          doc,
          access: 'sudo',
          input: { subject_key_id: or(text('Its subject key identifier, in hex.'), '') },
          async run({ mount }, input) {
            await run(roomsOf(mount).authorities, input.subject_key_id)
            return data({ upstream_authority_subject_key_id: input.subject_key_id })
          },
        }),
      })),
    ),
  ]
}

function describe(one: Authority): JsonObject {
  return {
    authority_id: one.id,
    state: one.state,
    key_type: one.keyType,
    created_at: new Date(one.createdAt).toISOString(),
    expires_at: new Date(one.expiresAt).toISOString(),
    tainted: one.tainted,
    upstream_authority_subject_key_id: one.upstreamId ?? '',
  }
}
