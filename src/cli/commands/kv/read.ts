// `signet kv get`, `list` and `scan`.
import { isObject, type Json, type JsonObject } from '../../../base/json.ts'
import type { Secret } from '../../../client/secret.ts'
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { int } from '../../flag.ts'
import { showData, showField, showSecret, showWarnings } from '../../output/show.ts'
import { secretField } from '../../output/secret.ts'
import { banner, bannerFor } from '../../output/table.ts'
import type { Terminal } from '../../terminal.ts'
import { showListing } from '../list.ts'
import { findTarget, mountFlag } from './target.ts'

export const get = command({
  doc: 'Retrieve data from the KV store',
  about: `
    $ signet kv get -mount=secret app
    $ signet kv get -mount=secret -version=1 app
    $ signet kv get -mount=secret -field=password app`,
  args: ['KEY'],
  flags: { version: int('The version to read; the newest, unless given.'), ...mountFlag },
  output: 'field',
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const target = await findTarget(terminal, client, key, flags.mount)
    const path = target.at('data')
    const query = target.v2 && (flags.version ?? 0) > 0 ? { version: String(flags.version) } : {}
    const secret = await attempt(`Error reading ${path}`, () => client.read(path, query))
    if (!secret) throw new Failure(2, `No value found at ${path}`)
    if (terminal.field !== undefined)
      return target.v2 && !secret.wrap_info ? showV2Field(terminal, secret, path, terminal.field) : showSecret(terminal, secret)
    if (secret.wrap_info || terminal.format !== 'table') return showSecret(terminal, secret)
    showTables(terminal, secret, target.v2 ? path : undefined)
  },
})

/** Fields are those of the data; `data` itself is the whole of it, unless a field has that name. */
function showV2Field(terminal: Terminal, secret: Secret, path: string, field: string): void {
  const data = secret.data?.['data']
  if (!isObject(data)) throw new Failure(2, `No data found at ${path}`)
  showField(terminal, field in data || field !== 'data' ? data[field] : secretField(secret, field), field)
}

function showTables(terminal: Terminal, secret: Secret, path: string | undefined): void {
  showWarnings(terminal, secret)
  if (path !== undefined) showPath(terminal, 'Secret Path', path)
  const { metadata, data } = secret.data ?? {}
  if (isObject(metadata)) {
    showTitled(terminal, 'Metadata', metadata)
    terminal.print('')
  }
  const shown = path === undefined ? secret.data : data
  if (isObject(shown)) showTitled(terminal, 'Data', shown)
}

export function showPath(terminal: Terminal, title: string, path: string): void {
  terminal.print(`${banner(title, path.length)}\n${path}\n`)
}

export function showTitled(terminal: Terminal, title: string, data: JsonObject): void {
  terminal.print(bannerFor(title, Object.keys(data)))
  showData(terminal, data)
}

/** What a write of version 2 answers: where the secret is, and the metadata of the new version. */
export function showWritten(terminal: Terminal, secret: Secret | undefined, path: string): void {
  if (!secret) {
    if (terminal.format === 'table') terminal.print(`Success! Data written to: ${path}`)
  } else if (terminal.field !== undefined || secret.wrap_info || terminal.format !== 'table') showSecret(terminal, secret)
  else {
    showPath(terminal, 'Secret Path', path)
    showTitled(terminal, 'Metadata', secret.data ?? {})
  }
}

export const list = command({
  doc: 'List data or secrets',
  about: `
    $ signet kv list -mount=secret app/`,
  args: ['[PATH]'],
  flags: mountFlag,
  output: 'detailed',
  run: (terminal, { args, flags }) => listing(terminal, args[0], flags.mount, 'list'),
})

export const scan = command({
  doc: 'Scan (recursively list) data or secrets',
  about: `
    $ signet kv scan -mount=secret`,
  args: ['[PATH]'],
  flags: mountFlag,
  output: 'detailed',
  run: (terminal, { args, flags }) => listing(terminal, args[0], flags.mount, 'scan'),
})

async function listing(terminal: Terminal, arg: string | undefined, mount: string | undefined, verb: 'list' | 'scan'): Promise<number> {
  if (arg === undefined && !mount) throw new Failure(1, 'Not enough arguments (expected 1, got 0)')
  const client = await terminal.client()
  const path = (await findTarget(terminal, client, arg ?? '', mount)).at('metadata')
  return showListing(terminal, path, verb, () => client[verb](path))
}

/** The metadata of a version that is there to be read; what else is `missing`. */
export function metadataOf(secret: Secret | undefined, path: string, doing: string): { metadata: JsonObject; data: Json | undefined } {
  if (!secret?.data) throw new Failure(2, `No value found at ${path}`)
  const { metadata, data } = secret.data
  if (!isObject(metadata)) throw new Failure(2, `No metadata found at ${path}; ${doing} only works on existing data`)
  return { metadata, data }
}

export function dataOf(data: Json | undefined, path: string, doing: string): JsonObject {
  if (isObject(data)) return data
  throw new Failure(2, `No data found at ${path}; ${doing} only works on existing data`)
}
