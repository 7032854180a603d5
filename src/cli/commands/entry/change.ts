// `signet entry create`, `update` and `delete`.
import type { JsonObject } from '../../../base/json.ts'
import { parseSecret } from '../../../client/secret.ts'
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { bool, text } from '../../flag.ts'
import { showObject } from '../../output/show.ts'
import type { Terminal } from '../../terminal.ts'
import { refusedWhy, report, type Result, sendAll, type Verb } from './batch.ts'
import { checkDescription, describing, ENTRIES, toEntry, trustDomain } from './describe.ts'
import { reason, revokedText } from '../svid-revoke.ts'
import { readEntries, readIds } from './file.ts'

const data = text('File with many entries as JSON, in place of the flags; - is standard input.')

export const create = command({
  doc: 'Create registration entries',
  about: `
Says which workload gets which SPIFFE ID. One that is there already is an error, and stays as it is.

    $ signet entry create -spiffeID=spiffe://example.org/web -parentID=spiffe://example.org/node -selector=unix:uid:1000
    $ signet entry create -node -spiffeID=spiffe://example.org/node -selector=x509pop:subject:cn:web-1
    $ signet entry create -data=entries.json`,
  flags: {
    ...describing,
    entryID: text('Id of the entry; made at random otherwise.'),
    node: bool('It describes nodes, which get this ID besides their own, and not workloads.'),
    data,
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.data !== undefined) return sendFile(terminal, 'create', flags.data)
    if (flags.node && flags.federatesWith.length > 0) throw new Failure(1, 'node entries can not federate')
    checkDescription({ ...flags, parentID: flags.node ? 'the server' : flags.parentID })
    const client = await terminal.client()
    const parent = flags.node ? { parent_id: `spiffe://${await trustDomain(client)}/spire/server` } : {}
    const entry = { ...toEntry(flags), ...parent, ...(flags.entryID === undefined ? {} : { id: flags.entryID }) }
    const made = await attempt('Error creating entry', () => client.post(ENTRIES, entry))
    const { existed, ...told } = made?.data ?? {}
    return finish(terminal, 'create', [entry], [{ ok: true, existed: existed === true, entry: told }])
  },
})

export const update = command({
  doc: 'Update registration entries',
  about: `
The flags say all of what the entry shall be from now on: what is left out is as in a new one.
"signet write spiffe/entries/ID key=value" changes one thing of it.

    $ signet entry update -entryID=web -spiffeID=spiffe://example.org/web -parentID=spiffe://example.org/node \\
        -selector=unix:uid:1000 -x509SVIDTTL=600`,
  flags: { entryID: text('Id of the entry.'), ...describing, data },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.data !== undefined) return sendFile(terminal, 'update', flags.data)
    if (!flags.entryID) throw new Failure(1, 'entry ID is required')
    checkDescription(flags)
    const client = await terminal.client()
    const entry = toEntry(flags)
    const after = await attempt('Error updating entry', () => client.post(`${ENTRIES}/${flags.entryID}`, entry))
    return finish(terminal, 'update', [entry], [{ ok: true, entry: after?.data ?? {} }])
  },
})

export const remove = command({
  doc: 'Delete registration entries',
  about: `
Their identities are not renewed, and with -revoke the X509-SVIDs that they gave are believed no more.

    $ signet entry delete -entryID=web -revoke`,
  flags: {
    entryID: text('Id of the entry.'),
    file: text('File with many ids as JSON, {"ids": [...]}; - is standard input.'),
    revoke: bool('Revoke the X509-SVIDs that they gave.'),
    reason,
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.file === undefined && !flags.entryID) throw new Failure(1, 'an entry ID is required')
    const ids = flags.file === undefined ? [flags.entryID as string] : await readIds(terminal, flags.file)
    const client = await terminal.client()
    const revoking = { ...(flags.revoke ? { revoke: true } : {}), ...(flags.reason === undefined ? {} : { reason: flags.reason }) }
    if (flags.file !== undefined) return finish(terminal, 'delete', ids, await sendAll(client, 'delete', ids, revoking))
    const { body } = await attempt('Error deleting entry', () => client.call('DELETE', `${ENTRIES}/${ids[0]}`, { query: asQuery(revoking) }))
    const code = finish(terminal, 'delete', ids, [{ ok: true }])
    if (flags.revoke && terminal.format === 'table') terminal.print(revokedText(parseSecret(body)?.data ?? {}))
    return code
  },
})

const asQuery = (given: JsonObject): Record<string, string> => Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))

async function sendFile(terminal: Terminal, verb: 'create' | 'update', path: string): Promise<number> {
  const entries = await readEntries(terminal, path)
  const unnamed = verb === 'update' ? entries.findIndex(({ id }) => id === undefined) : -1
  if (unnamed >= 0) throw new Failure(1, `entry ${unnamed + 1} has no entry_id`)
  return finish(terminal, verb, entries, await sendAll(await terminal.client(), verb, entries))
}

function finish(terminal: Terminal, verb: Verb, items: readonly (JsonObject | string)[], results: readonly Result[]): number {
  const shown = results.map((result, index) => ({ ...result, ok: refusedWhy(result) === undefined, ...itemOf(items[index]) }))
  if (terminal.format !== 'table') showObject(terminal, { results: shown as unknown as JsonObject[] })
  return report(terminal, verb, items, results) ? 0 : 1
}

const itemOf = (item: JsonObject | string | undefined): JsonObject => (typeof item === 'string' ? { id: item } : {})
