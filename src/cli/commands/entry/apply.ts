// `signet entry apply`: has the server keep the entries of a file, after showing what that changes.
import type { JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { also, bool, text } from '../../flag.ts'
import { showObject } from '../../output/show.ts'
import { goText } from '../../output/text.ts'
import type { Terminal } from '../../terminal.ts'
import { report, sendAll, type Verb } from './batch.ts'
import { ENTRIES } from './describe.ts'
import { readEntries } from './file.ts'
import { findAll } from './find.ts'
import { differences, type Plan, planFor } from './plan.ts'

export const apply = command({
  doc: 'Make and change entries to be as in a file',
  about: `
Prints what is to be done, and does it with -yes. Entries that the file does not have stay, unless
-prune is given. What somebody else changes after the plan was made is not overwritten, but reported.
The file is as for "signet entry create -data"; what "spire-server entry show -output json" and
"signet entry show -format=json" print is taken too.

    $ signet entry apply -f entries.json
    $ signet entry apply -f entries.json -prune -yes`,
  flags: {
    file: also(text('File with all entries as JSON; - is standard input.'), 'f', 'data'),
    prune: bool('Remove the entries that the file does not have.'),
    yes: bool('Do it, and not only say what would be done.'),
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.file === undefined) throw new Failure(1, 'a file is required: -f')
    const wanted = await readEntries(terminal, flags.file)
    const client = await terminal.client()
    const present = await findAll(client, ENTRIES, {})
    const plan = await attempt(`Error in ${flags.file}`, async () => planFor(wanted, present, flags.prune), 1)
    if (terminal.format === 'table') terminal.print(planText(plan))
    else showObject(terminal, { plan: planJson(plan), applied: flags.yes })
    if (isEmpty(plan)) return 0
    if (flags.yes) return carryOut(terminal, client, plan)
    if (terminal.format === 'table') terminal.warn('hint: -yes does it')
    return 0
  },
})

const isEmpty = ({ create, update, remove }: Plan): boolean => create.length + update.length + remove.length === 0

function planText(plan: Plan): string {
  const { create, update, remove, unchanged } = plan
  const lines = [
    ...create.map((one) => `+ ${nameOf(one)}`),
    ...update.flatMap(({ from, to }) => [`~ ${nameOf(to)}`, ...differences(from, to).map(([name, was, is]) => `    ${name}: ${was} -> ${is}`)]),
    ...remove.map((one) => `- ${nameOf(one)}`),
  ]
  const counts = `${create.length} to create, ${update.length} to update, ${remove.length} to remove, ${unchanged} unchanged`
  return `${lines.map((line) => `${line}\n`).join('')}Plan: ${counts}.`
}

function nameOf({ spiffe_id: spiffeId, parent_id: parentId, selectors, id }: JsonObject): string {
  const who = `${goText(spiffeId)} below ${goText(parentId)} ${goText(selectors)}`
  return id === undefined ? who : `${who} (${goText(id)})`
}

function planJson({ create, update, remove, unchanged }: Plan): JsonObject {
  return { create: [...create], update: update.map(({ to }) => to), remove: remove.map(({ id }) => goText(id)), unchanged }
}

/** Removals first: what they give up may be taken by what comes then. */
async function carryOut(terminal: Terminal, client: Client, { create, update, remove }: Plan): Promise<number> {
  const ids = remove.map(({ id }) => goText(id))
  const changes = update.map(({ to, from }) => ({ ...to, revision_number: from['revision_number'] ?? 0 }))
  let done = true
  for (const [verb, items] of [
    ['delete', ids],
    ['update', changes],
    ['create', create],
  ] as const satisfies readonly (readonly [Verb, readonly (JsonObject | string)[]])[]) {
    if (items.length > 0 && !report(terminal, verb, items, await sendAll(client, verb, items))) done = false
  }
  if (done && terminal.format === 'table') terminal.print('Success! The server has the entries of the file.')
  return done ? 0 : 1
}
