// spiffe/entries/explain: which entries describe a workload, and what the others that nearly do ask for.
import { list, maybe, or, text, type Values } from '../../base/fields.ts'
import { data, type Reply } from '../../contract/reply.ts'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import { explainEntries } from '../explain.ts'
import type { Spiffe } from '../rooms.ts'
import { checkSelector, parseSelector } from '../selectors.ts'
import { describeEntry } from './entry-json.ts'

export const explainInput = {
  selectors: or(list('What is known of the workload, as type:value.'), []),
  parent_id: maybe(text('The agent that it runs under, or an ID that agents have; entries are looked at wherever they are for, otherwise.')),
}

/** The entries that match are what an agent would be given for the workload. */
export function explain(rooms: Pick<Spiffe, 'entries' | 'agents' | 'authorised'>, input: Values<typeof explainInput>): Reply {
  const selectors = input.selectors.map(parseSelector)
  selectors.forEach((one) => checkSelector(one))
  const parent = input.parent_id === undefined ? undefined : parseSpiffeId(input.parent_id)
  const { matches, near } = explainEntries(rooms, { selectors, parent })
  return data({
    matches: matches.map(describeEntry),
    near: near.map(({ entry, missing, elsewhere }) => ({
      entry: describeEntry(entry),
      missing: missing.map(({ selector, instead }) => ({ selector, instead: [...instead] })),
      elsewhere,
    })),
  })
}
