// `signet kv put`, `patch` and `rollback`.
import type { JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { ApiError } from '../../../client/failure.ts'
import type { Secret } from '../../../client/secret.ts'
import { command } from '../../command.ts'
import { readData } from '../../data-args.ts'
import { attempt, Failure } from '../../failure.ts'
import { int, list, or, text } from '../../flag.ts'
import { showAnswer } from '../../output/show.ts'
import type { Terminal } from '../../terminal.ts'
import { dataOf, metadataOf, showWritten } from './read.ts'
import { findTarget, findVersioned, mountFlag } from './target.ts'

export const put = command({
  doc: 'Set or update data in the KV store',
  about: `
Replaces all that was stored under the key. In version 2 the data before stays as an older version.

    $ signet kv put -mount=secret app user=ann password=@password.txt
    $ signet kv put -mount=secret -cas=0 app user=ann`,
  args: ['KEY', '[DATA K=V...]'],
  flags: { cas: or(int('Write only if the newest version is this one; 0: only if there is none.'), -1), ...mountFlag },
  output: 'field',
  async run(terminal, { args: [key = '', ...words], flags }) {
    if (words.length === 0) throw new Failure(1, 'Must supply data')
    const data = await readData(terminal, words)
    const client = await terminal.client()
    const target = await findTarget(terminal, client, key, flags.mount)
    const path = target.at('data')
    const body = target.v2 ? { data, options: flags.cas > -1 ? { cas: flags.cas } : {} } : data
    const secret = await attempt(`Error writing data to ${path}`, () => client.write(path, body))
    showWritten(terminal, secret, path)
  },
})

export const patch = command({
  doc: 'Set or update data in the KV store without overwriting',
  about: `
Changes the keys that are given and leaves the others as they are. Version 2 only.

    $ signet kv patch -mount=secret app password=new
    $ signet kv patch -mount=secret -remove-data=password app`,
  args: ['KEY', '[DATA K=V...]'],
  flags: {
    cas: or(int('Write only if the newest version is this one.'), 0),
    method: text('"patch" sends an HTTP PATCH; "rw" reads, changes and writes. Unless given: the first, and the second where it may not.'),
    'remove-data': list('Key to remove from the data. May be given many times.'),
    ...mountFlag,
  },
  output: 'field',
  async run(terminal, { args: [key = '', ...words], flags }) {
    if (words.length === 0 && flags['remove-data'].length === 0) throw new Failure(1, 'Must supply data')
    const method = flags.method ?? ''
    if (!['', 'patch', 'rw'].includes(method)) throw new Failure(2, `Unsupported method provided to -method flag: ${method}`)
    // A null removes its key (RFC 7396).
    const removed = Object.fromEntries(flags['remove-data'].map((name) => [name, null]))
    const data: JsonObject = { ...(await readData(terminal, words)), ...removed }
    const client = await terminal.client()
    const refusal = { text: 'K/V engine mount must be version 2 for patch support', exitCode: 2 } as const
    const path = (await findVersioned(terminal, client, key, flags.mount, refusal)).at('data')
    const secret =
      method === 'rw' ? await readThenWrite(terminal, client, path, data) : await merge(terminal, client, path, data, flags.cas, method === '')
    showWritten(terminal, secret, path)
  },
})

async function merge(
  terminal: Terminal,
  client: Client,
  path: string,
  data: JsonObject,
  cas: number,
  mayFallBack: boolean,
): Promise<Secret | undefined> {
  try {
    return await client.patch(path, { data, options: cas > 0 ? { cas } : {} })
  } catch (error) {
    const unable = error instanceof ApiError && (error.status === 403 || error.status === 405)
    if (!unable || !mayFallBack) return attempt(`Error writing data to ${path}`, () => Promise.reject(error))
    const secret = await readThenWrite(terminal, client, path, data)
    if (error.status === 403) terminal.warn(`Data was read and written whole: with the "patch" capability on ${path} it would have been patched.`)
    return secret
  }
}

async function readThenWrite(terminal: Terminal, client: Client, path: string, changes: JsonObject): Promise<Secret | undefined> {
  const live = client.with({ request: terminal.ports.request })
  const before = await attempt(`Error doing pre-read at ${path}`, () => live.read(path))
  const { metadata, data } = metadataOf(before, path, 'patch')
  const merged = Object.fromEntries(Object.entries({ ...dataOf(data, path, 'patch'), ...changes }).filter(([, value]) => value !== null))
  const options = { cas: metadata['version'] ?? 0 }
  return attempt(`Error writing data to ${path}`, () => client.write(path, { data: merged, options }))
}

export const rollback = command({
  doc: 'Roll back to a previous version of data',
  about: `
Writes the data of an older version again, as the newest one.

    $ signet kv rollback -mount=secret -version=2 app`,
  args: ['KEY'],
  flags: { version: int('The version whose data becomes current again.'), ...mountFlag },
  output: 'field',
  async run(terminal, { args: [key = ''], flags }) {
    if (flags.version === undefined) throw new Failure(1, 'Version flag must be specified')
    if (flags.version <= 0) throw new Failure(1, `Invalid value ${flags.version} for the version flag`)
    const client = await terminal.client()
    const refusal = { text: 'K/V engine mount must be version 2 for rollback support', exitCode: 2 } as const
    const path = (await findVersioned(terminal, client, key, flags.mount, refusal)).at('data')
    const live = client.with({ request: terminal.ports.request })
    const newest = metadataOf(await attempt(`Error doing pre-read at ${path}`, () => live.read(path)), path, 'rollback')
    const data = await oldData(live, path, flags.version)
    const body = { data, options: { cas: newest.metadata['version'] ?? 0 } }
    const secret = await attempt(`Error writing data to ${path}`, () => client.write(path, body))
    showAnswer(terminal, secret, `Success! Data written to: ${path}`)
  },
})

async function oldData(client: Client, path: string, version: number): Promise<JsonObject> {
  const secret = await attempt(`Error doing pre-read at ${path}`, () => client.read(path, { version: String(version) }))
  const { metadata, data } = metadataOf(secret, path, 'rollback')
  if (metadata['destroyed'] === true) throw new Failure(2, 'Cannot roll back to a version that has been destroyed')
  if (metadata['deletion_time']) throw new Failure(2, 'Cannot roll back to a version that has been deleted')
  return dataOf(data, path, 'rollback')
}
