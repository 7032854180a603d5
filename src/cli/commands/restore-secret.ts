// `signet operator snapshot restore-secret`: one secret out of a snapshot, written to the server that runs.
import { isObject, type JsonObject } from '../../base/json.ts'
import { openClient } from '../../client/client.ts'
import { command, type Command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool, int, text } from '../flag.ts'
import { showData } from '../output/show.ts'
import type { OfflineSnapshot } from '../ports.ts'
import type { Terminal } from '../terminal.ts'
import { unsealOffline } from '../unseal-offline.ts'
import { findTarget } from './kv/target.ts'

type Open = (terminal: Terminal, file: string) => Promise<OfflineSnapshot>

export function restoreSecret(open: Open): Command {
  return command({
    doc: 'Write one secret of a snapshot file to the server',
    about: `
Opens the snapshot here, with the key shares of the server that it is of, and writes the one secret to
the server that VAULT_ADDR names, as its newest version; nothing else there changes.
The shares are asked for on the terminal, or taken from standard input, one a line.

    $ signet operator snapshot restore-secret backup.snap secret/app
    $ signet operator snapshot restore-secret -version=3 -to=secret/app-as-it-was backup.snap secret/app`,
    args: ['FILE', 'PATH'],
    flags: {
      print: bool('Print the secret in place of writing it.'),
      to: text('Write it here, and not where it was.'),
      version: int('Take this version (KV version 2), and not the newest.'),
    },
    output: 'format',
    async run(terminal, { args: [file = '', path = ''], flags }) {
      const snapshot = await open(terminal, file)
      await unsealOffline(terminal, snapshot)
      const inside: Terminal = { ...terminal, ports: { ...terminal.ports, request: snapshot.request } }
      const data = await attempt(`Error reading ${path} in the snapshot`, () => read(inside, path, flags.version), 1)
      await snapshot.close()
      if (flags.print) return showData(terminal, data)
      const to = flags.to ?? path
      await attempt(`Error writing ${to}`, () => write(terminal, to, data))
      terminal.print(`Success! Restored ${path} of the snapshot to ${to}`)
    },
  })
}

/** `inside` asks the snapshot. */
async function read(inside: Terminal, path: string, version: number | undefined): Promise<JsonObject> {
  const client = openClient({ address: 'http://snapshot', request: inside.ports.request })
  const target = await findTarget(inside, client, path, undefined)
  if (!target.v2 && version !== undefined) throw new Failure(1, 'KV version 1 keeps no versions')
  const secret = await client.read(target.at('data'), version === undefined ? {} : { version: String(version) })
  const data = target.v2 ? secret?.data?.['data'] : secret?.data
  if (!isObject(data)) throw new Failure(1, 'there is no such secret, or not in that version')
  return data
}

async function write(terminal: Terminal, path: string, data: JsonObject): Promise<void> {
  const client = await terminal.client()
  const target = await findTarget(terminal, client, path, undefined)
  await client.write(target.at('data'), target.v2 ? { data } : data)
}
