// spiffe/entries/batch: many entries removed, changed and made in one request, each with a result of its own.
import { any, bool, list, or, parseShape, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { data, type Reply } from '../../contract/reply.ts'
import type { Entries, EntryOutcome, EntryStep } from '../entries.ts'
import type { Spiffe } from '../rooms.ts'
import { needRecords, reasonInput, revokeAll } from './revoke.ts'
import { changedEntry, changedEntryInput, newEntry, newEntryInput, shownEntry } from './entry-json.ts'

export const batchInput = {
  delete: or(list('Ids of entries to remove.'), []),
  update: or(any('A list of changes, each with the id of its entry.'), []),
  create: or(any('A list of new entries.'), []),
  revoke: or(bool('Revoke the X509-SVIDs that removed entries gave.'), false),
  reason: reasonInput('cessation_of_operation'),
}

const MAX_STEPS = 1_000
const changeShape = { id: text('Id of the entry.'), ...changedEntryInput }

export async function runBatch(rooms: Spiffe, input: Values<typeof batchInput>, namespace: string): Promise<Reply> {
  const removals = input.delete.map((id): EntryStep => ({ kind: 'remove', id }))
  const changes = listOf(input.update, 'update').map((raw) => step(() => toChange(raw)))
  const creations = listOf(input.create, 'create').map((raw) => step(() => toCreation(raw, namespace)))
  const steps = [...removals, ...changes, ...creations]
  if (steps.length > MAX_STEPS) throw new Fault('invalid', `at most ${MAX_STEPS} entries at once`)
  if (input.revoke) needRecords(rooms)
  const results = (await applyAll(rooms.entries, steps)).map((outcome) => describe(rooms, outcome))
  const made = removals.length + changes.length
  const done = { delete: results.slice(0, removals.length), update: results.slice(removals.length, made), create: results.slice(made) }
  if (!input.revoke) return data(done)
  // Of those that were gone already too: what a crash cut short is done where it is asked for again.
  return data({ ...done, ...(await revokeAll(rooms, await rooms.issued.find('entry', ...input.delete), input.reason)) })
}

function listOf(raw: Json, name: string): JsonObject[] {
  if (!Array.isArray(raw)) throw new Fault('invalid', `${name} must be a list`)
  const items = raw.filter((one) => isObject(one))
  if (items.length !== raw.length) throw new Fault('invalid', `${name} must be a list of objects`)
  return items
}

/** What can't be read is the fault of one step, and stops no other. */
function step(read: () => EntryStep): EntryStep | Fault {
  try {
    return read()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
}

function toChange(raw: JsonObject): EntryStep {
  const { id, ...input } = parseShape(changeShape, known(raw, changeShape))
  return { kind: 'update', id, change: (before) => changedEntry(before, input) }
}

function toCreation(raw: JsonObject, namespace: string): EntryStep {
  return { kind: 'create', spec: newEntry(parseShape(newEntryInput, known(raw, newEntryInput)), namespace) }
}

/** A warning about one of a thousand would not be read. */
function known(raw: JsonObject, shape: JsonObject | object): JsonObject {
  const unknown = Object.keys(raw).find((name) => !Object.hasOwn(shape, name))
  if (unknown !== undefined) throw new Fault('invalid', `unknown parameter "${unknown}"`)
  return raw
}

async function applyAll(entries: Pick<Entries, 'apply'>, steps: readonly (EntryStep | Fault)[]): Promise<EntryOutcome[]> {
  const done = (await entries.apply(steps.filter((one) => !(one instanceof Fault)) as EntryStep[])).values()
  return steps.map((one) => (one instanceof Fault ? { fault: one } : (done.next().value as EntryOutcome)))
}

function describe(rooms: Pick<Spiffe, 'bundles'>, { fault, entry, existed }: EntryOutcome): JsonObject {
  if (fault) return { ok: false, error: fault.message }
  return { ok: true, ...(entry ? { entry: shownEntry(rooms, entry) } : {}), ...(existed === undefined ? {} : { existed }) }
}
