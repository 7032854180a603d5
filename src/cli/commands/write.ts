// `signet write` and `signet patch`: data to one path.
import type { JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import type { Secret } from '../../client/secret.ts'
import { command } from '../command.ts'
import { readData } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { also, bool } from '../flag.ts'
import { cleanPath } from '../mount-path.ts'
import { showAnswer } from '../output/show.ts'
import type { Terminal } from '../terminal.ts'

const flags = { force: also(bool('Go on without any key=value pair, for paths that need none.'), 'f') }

export const write = command({
  doc: 'Write data, configuration, and secrets',
  about: `
Data is given as key=value pairs. A value "@file" is the content of a file, "-" is standard input,
and a lone "@file" or "-" holds all of the data as JSON.

    $ signet write transit/keys/app type=aes256-gcm96
    $ signet write auth/userpass/users/ann password=@password.txt
    $ echo '{"a":1}' | signet write cubbyhole/note -`,
  args: ['PATH', '[DATA K=V...]'],
  flags,
  output: 'field',
  run: (terminal, { args, flags }) => send(terminal, args, flags.force, (client, path, data) => client.write(path, data)),
})

export const patch = command({
  doc: 'Patch data, configuration, and secrets',
  about: `
Sends a JSON merge patch (RFC 7396): what is not named stays as it is.

    $ signet patch secret/data/app data=@changes.json`,
  args: ['PATH', '[DATA K=V...]'],
  flags,
  output: 'field',
  run: (terminal, { args, flags }) => send(terminal, args, flags.force, (client, path, data) => client.patch(path, data)),
})

type Send = (client: Client, path: string, data: JsonObject) => Promise<Secret | undefined>

async function send(terminal: Terminal, [first = '', ...rest]: readonly string[], force: boolean, how: Send): Promise<void> {
  if (rest.length === 0 && !force) throw new Failure(1, 'Must supply data or use -force')
  const path = cleanPath(first)
  const data = await readData(terminal, rest)
  const client = await terminal.client()
  const secret = await attempt(`Error writing data to ${path}`, () => how(client, path, data))
  showAnswer(terminal, secret, `Success! Data written to: ${path}`)
}
