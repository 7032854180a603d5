// spiffe/entries: registration entries, made, found, changed and removed.
import { bool, int, or, text, type Values } from '../../base/fields.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import type { EntrySpec } from '../entry.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { batchInput, runBatch } from './entry-batch.ts'
import { explain, explainInput } from './entry-explain.ts'
import { changedEntry, changedEntryInput, newEntry, newEntryInput, shownEntry } from './entry-json.ts'
import { entryFilter, entryMatcher, findPage } from './filters.ts'
import { needRecords, reasonInput, revokeAll } from './revoke.ts'

const filterInput = { after: or(text('Id to begin after.'), ''), limit: or(int('How many at most.'), 0), ...entryFilter }

const removeInput = {
  revoke: or(bool('Revoke the X509-SVIDs that it gave.'), false),
  reason: reasonInput('cessation_of_operation'),
}
const MAX_PAGE = 1_000
const ALL = { after: '', limit: Number.POSITIVE_INFINITY }
const id = { id: text('Id of the entry.') }

export function entryPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('entries', 'Registration entries: who gets which identity.', {}, (op) => ({
      list: op({
        doc: 'List entries in the order of their ids.',
        input: filterInput,
        run: ({ mount }, input) => find(roomsOf(mount), input),
      }),
      write: op({
        doc: 'Make an entry.',
        input: newEntryInput,
        run: (ctx, input) => create(roomsOf(ctx.mount), ctx, newEntry(input, ctx.mount.namespace)),
      }),
    })),
    path('count/entries', 'How many entries there are.', {}, (op) => ({
      read: op({
        doc: 'Count entries.',
        input: entryFilter,
        run: ({ mount }, input) => data({ count: findPage(roomsOf(mount).entries.page, entryMatcher(input), ALL).length }),
      }),
    })),
    path('entries/batch', 'Many entries at once.', {}, (op) => ({
      write: op({
        doc: 'Remove, change and make entries, in this order; each is done whole or not at all, and has a result of its own.',
        input: batchInput,
        run: ({ mount }, input) => runBatch(roomsOf(mount), input, mount.namespace),
      }),
    })),
    path('entries/explain', 'Why a workload has its identities.', {}, (op) => ({
      write: op({
        doc: 'Tell which entries describe a workload, and what is missing from those that nearly do.',
        input: explainInput,
        run: ({ mount }, input) => explain(roomsOf(mount), input),
      }),
    })),
    path('entries/:id', 'A registration entry.', id, (op) => ({
      read: op({
        doc: 'Read an entry.',
        run({ mount }, input) {
          const entry = roomsOf(mount).entries.get(input.id)
          return entry ? data(shownEntry(roomsOf(mount), entry)) : missing()
        },
      }),
      write: op({
        doc: 'Change an entry: what is not said stays as it is.',
        input: changedEntryInput,
        async run({ mount }, input) {
          return data(shownEntry(roomsOf(mount), await roomsOf(mount).entries.update(input.id, (before) => changedEntry(before, input))))
        },
      }),
      delete: op({
        doc: 'Remove an entry; its identities are not renewed, and where that is said revoked.',
        input: removeInput,
        run: ({ mount }, input) => remove(roomsOf(mount), input),
      }),
    })),
  ]
}

async function create(rooms: Spiffe, ctx: Ctx, spec: EntrySpec): Promise<Reply> {
  const { entry, existed } = await rooms.entries.create(spec)
  if (existed) ctx.warn('an entry with this SPIFFE ID, parent and selectors was there already; it is unchanged')
  return data({ ...shownEntry(rooms, entry), existed })
}

/** First it is gone, and then what it gave is looked for. What a crash cuts short is done where it is asked for again. */
async function remove(rooms: Spiffe, { id: entry, revoke, reason }: Values<typeof removeInput> & { readonly id: string }): Promise<Reply> {
  if (revoke) needRecords(rooms)
  const removed = await rooms.entries.remove(entry)
  if (!revoke) return removed ? empty() : missing()
  const found = await rooms.issued.find('entry', entry)
  if (!removed && found.length === 0) return missing()
  return data(await revokeAll(rooms, found, reason))
}

function find(rooms: Spiffe, input: Values<typeof filterInput>): Reply {
  const limit = input.limit > 0 ? Math.min(input.limit, MAX_PAGE) : MAX_PAGE
  const found = findPage(rooms.entries.page, entryMatcher(input), { after: input.after, limit })
  return keys(
    found.map((one) => one.id),
    Object.fromEntries(found.map((one) => [one.id, shownEntry(rooms, one)])),
  )
}
