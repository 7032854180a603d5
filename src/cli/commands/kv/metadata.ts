// `signet kv metadata`: what is known of a key beside its data.
import { formatDuration } from '../../../base/duration.ts'
import { isObject, type JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { command, group } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { choice, duration, int, list, pairs } from '../../flag.ts'
import { showAnswer, showData, showSecret } from '../../output/show.ts'
import { bannerFor } from '../../output/table.ts'
import type { Terminal } from '../../terminal.ts'
import { showPath } from './read.ts'
import { findVersioned, mountFlag } from './target.ts'

async function metadataPath(terminal: Terminal, client: Client, key: string, mount: string | undefined): Promise<string> {
  const refusal = { text: 'Metadata not supported on KV Version 1', exitCode: 1 } as const
  return (await findVersioned(terminal, client, key, mount, refusal)).at('metadata')
}

const get = command({
  doc: 'Retrieve key metadata from the KV store',
  about: `
    $ signet kv metadata get -mount=secret app`,
  args: ['KEY'],
  flags: mountFlag,
  output: 'field',
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const path = await metadataPath(terminal, client, key, flags.mount)
    const secret = await attempt(`Error reading ${path}`, () => client.read(path))
    if (!secret) throw new Failure(2, `No value found at ${path}`)
    if (terminal.field !== undefined || secret.wrap_info || terminal.format !== 'table') return showSecret(terminal, secret)
    const { versions, ...metadata } = secret.data ?? {}
    if (!isObject(versions)) throw new Failure(2, `No value found at ${path}`)
    showPath(terminal, 'Metadata Path', path)
    terminal.print(bannerFor('Metadata', Object.keys(metadata)))
    showSecret(terminal, { ...secret, data: metadata })
    showVersions(terminal, versions)
  },
})

function showVersions(terminal: Terminal, versions: JsonObject): void {
  const numbers = Object.keys(versions).sort((a, b) => Number(a) - Number(b))
  for (const number of numbers) {
    const version = versions[number]
    if (!isObject(version)) continue
    terminal.print(`\n${bannerFor(`Version ${number}`, Object.keys(version))}`)
    showData(terminal, version)
  }
}

const settings = {
  'max-versions': int("How many versions to keep; the mount's setting, unless given."),
  'cas-required': choice('Refuse every write that does not name the version it follows.'),
  'delete-version-after': duration('How long a version lives before it is deleted.'),
  'custom-metadata': pairs('Anything worth knowing of the key, as key=value. May be given many times.'),
  ...mountFlag,
}

interface Settings {
  readonly 'max-versions': number | undefined
  readonly 'cas-required': boolean | undefined
  readonly 'delete-version-after': number | undefined
}

function given(flags: Settings): JsonObject {
  const { 'max-versions': max, 'cas-required': cas, 'delete-version-after': after } = flags
  return {
    ...(max !== undefined && max >= 0 ? { max_versions: max } : {}),
    ...(cas === undefined ? {} : { cas_required: cas }),
    ...(after !== undefined && after >= 0 ? { delete_version_after: formatDuration(after) } : {}),
  }
}

const put = command({
  doc: 'Set or update key settings in the KV store',
  about: `
    $ signet kv metadata put -mount=secret -max-versions=5 -custom-metadata=owner=ann app`,
  args: ['KEY'],
  flags: settings,
  output: 'format',
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const path = await metadataPath(terminal, client, key, flags.mount)
    const custom = flags['custom-metadata']
    const body = { ...given(flags), ...(custom ? { custom_metadata: custom } : {}) }
    const secret = await attempt(`Error writing data to ${path}`, () => client.write(path, body))
    showAnswer(terminal, secret, `Success! Data written to: ${path}`)
  },
})

const patch = command({
  doc: 'Patch key settings in the KV store',
  about: `
    $ signet kv metadata patch -mount=secret -custom-metadata=owner=bob -remove-custom-metadata=team app`,
  args: ['KEY'],
  flags: { ...settings, 'remove-custom-metadata': list('Key to remove from the custom metadata. May be given many times.') },
  output: 'format',
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const path = await metadataPath(terminal, client, key, flags.mount)
    const removed = Object.fromEntries(flags['remove-custom-metadata'].map((name) => [name, null]))
    const body = { ...given(flags), custom_metadata: { ...flags['custom-metadata'], ...removed } }
    const secret = await attempt(`Error writing data to ${path}`, () => client.patch(path, body))
    showAnswer(terminal, secret, `Success! Data written to: ${path}`)
  },
})

const remove = command({
  doc: 'Delete all versions and metadata for a key in the KV store',
  about: `
    $ signet kv metadata delete -mount=secret app`,
  args: ['PATH'],
  flags: mountFlag,
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const path = await metadataPath(terminal, client, key, flags.mount)
    await attempt(`Error deleting ${path}`, () => client.delete(path))
    terminal.print(`Success! Data deleted (if it existed) at: ${path}`)
  },
})

export const metadata = group("Interact with the KV store's metadata of keys", { delete: remove, get, patch, put })
