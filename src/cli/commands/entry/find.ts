// `signet entry show` and `count`: entries by id, or by what they say.
import { isObject, type JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { choice, type FlagValues, list, oneOf, or, text } from '../../flag.ts'
import { showObject } from '../../output/show.ts'
import { goText } from '../../output/text.ts'
import { ENTRIES } from './describe.ts'
import { counted, entryText } from './print.ts'

const MATCHES = ['exact', 'any', 'superset', 'subset']
export const matchFlag = (what: string) => or(oneOf(text(`How ${what} compare: ${MATCHES.join(', ')}.`), ...MATCHES), 'superset')

const filters = {
  spiffeID: text('Those with this SPIFFE ID.'),
  parentID: text('Those right below this parent.'),
  selector: list('Those with this selector. May be given many times.'),
  matchSelectorsOn: matchFlag('selectors'),
  federatesWith: list('Those that federate with this trust domain. May be given many times.'),
  matchFederatesWithOn: matchFlag('trust domains'),
  downstream: choice('Those for servers below this one; -downstream=false for the others.'),
  hint: text('Those with this hint.'),
}

export type Query = Record<string, string | string[]>

function toQuery(given: FlagValues<typeof filters>): Query {
  const said = {
    spiffe_id: given.spiffeID,
    parent_id: given.parentID,
    selectors: listed(given.selector),
    selectors_match: given.matchSelectorsOn,
    federates_with: listed(given.federatesWith),
    federates_with_match: given.matchFederatesWithOn,
    downstream: given.downstream === undefined ? undefined : String(given.downstream),
    hint: given.hint,
  }
  return Object.fromEntries(Object.entries(said).filter((pair): pair is [string, string | string[]] => pair[1] !== undefined))
}

/** With an empty one: a text alone would be split at its commas. */
export function listed(texts: readonly string[]): string[] | undefined {
  return texts.length > 0 ? [...texts, ''] : undefined
}

export const show = command({
  doc: 'Display registration entries',
  about: `
    $ signet entry show
    $ signet entry show -entryID=web
    $ signet entry show -selector=unix:uid:1000 -matchSelectorsOn=any`,
  flags: { entryID: text('The one with this id.'), ...filters },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.entryID !== undefined && (flags.parentID || flags.spiffeID || flags.selector.length > 0)) {
      throw new Failure(1, "the -entryID flag can't be combined with others")
    }
    const client = await terminal.client()
    const found = flags.entryID === undefined ? await findAll(client, ENTRIES, toQuery(flags)) : [await readOne(client, flags.entryID)]
    const entries = found.sort(bySpiffeId)
    if (terminal.format !== 'table') return showObject(terminal, { entries })
    terminal.print(`Found ${counted(entries.length, 'entry', 'entries')}`)
    for (const entry of entries) terminal.print(entryText(entry))
  },
})

async function readOne(client: Client, id: string): Promise<JsonObject> {
  const secret = await attempt(`Error fetching entry ID ${id}`, () => client.read(`${ENTRIES}/${id}`))
  if (!secret?.data) throw new Failure(2, `No entry has the ID ${id}`)
  return secret.data
}

/** All of a list that the server gives in pages. */
export async function findAll(client: Client, path: string, query: Query): Promise<JsonObject[]> {
  const found: JsonObject[] = []
  for (let after = ''; ; ) {
    const page = await attempt(`Error listing ${path}`, () => client.list(path, { ...query, ...(after === '' ? {} : { after }) }))
    const keys = page?.data?.['keys']
    const info = page?.data?.['key_info']
    if (!Array.isArray(keys) || keys.length === 0 || !isObject(info)) return found
    found.push(...keys.map((key) => info[goText(key)]).filter(isObject))
    after = goText(keys.at(-1))
  }
}

function bySpiffeId(a: JsonObject, b: JsonObject): number {
  const [left, right] = [a, b].map((one) => `${goText(one['spiffe_id'])} ${goText(one['parent_id'])} ${goText(one['id'])}`) as [string, string]
  return left < right ? -1 : 1
}

export const count = command({
  doc: 'Count registration entries',
  about: `
    $ signet entry count -parentID=spiffe://example.org/node`,
  flags: filters,
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const secret = await attempt('Error counting entries', () => client.read('spiffe/count/entries', toQuery(flags)))
    const number = Number(secret?.data?.['count'] ?? 0)
    if (terminal.format !== 'table') return showObject(terminal, { count: number })
    terminal.print(counted(number, 'registration entry', 'registration entries'))
  },
})
