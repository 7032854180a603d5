// `signet operator init`: makes the keys of a new server.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { parseBody } from '../../client/secret.ts'
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { also, bool, int, or } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import { wrap } from '../output/wrap.ts'
import type { Terminal } from '../terminal.ts'

export const init = command({
  doc: 'Initialize a server',
  about: `
Makes the root key, splits it into shares and prints them together with the first root token. This is
the only time that any of them can be seen.

    $ signet operator init -key-shares=5 -key-threshold=3

With -status the exit code is 0 where the server is initialized, 2 where it is not, 1 for an error.`,
  flags: {
    status: bool('Tell whether the server is initialized, and do nothing.'),
    'key-shares': also(or(int('How many shares to split the root key into.'), 5), 'n'),
    'key-threshold': also(or(int('How many shares open the server again; at most -key-shares.'), 3), 't'),
  },
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    if (flags.status) return showInitialized(terminal, client)
    const request = { secret_shares: flags['key-shares'], secret_threshold: flags['key-threshold'] }
    const body = await attempt('Error initializing', async () => parse(await client.call('PUT', 'sys/init', { body: request })))
    if (terminal.format === 'table') printKeys(terminal, body, request)
    else showObject(terminal, forMachines(body, request))
    return 0
  },
})

interface Split {
  readonly secret_shares: number
  readonly secret_threshold: number
}

const parse = ({ body }: { readonly body: Uint8Array }): JsonObject => parseBody(body) as JsonObject
const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

async function showInitialized(terminal: Terminal, client: Client): Promise<number> {
  const body = await attempt('Error checking init status', async () => parse(await client.call('GET', 'sys/init')), 1)
  const initialized = body['initialized'] === true
  if (terminal.format === 'table') terminal.print(`Vault is ${initialized ? '' : 'not '}initialized`)
  else showObject(terminal, { Initialized: initialized })
  return initialized ? 0 : 2
}

function printKeys(terminal: Terminal, body: JsonObject, { secret_shares: shares, secret_threshold: threshold }: Split): void {
  const keys = [...listOf(body['keys_base64'])]
  const recovery = listOf(body['recovery_keys_base64'])
  for (const [i, key] of keys.entries()) terminal.print(`Unseal Key ${i + 1}: ${goText(key)}`)
  for (const [i, key] of recovery.entries()) terminal.print(`Recovery Key ${i + 1}: ${goText(key)}`)
  terminal.print(`\nInitial Root Token: ${goText(body['root_token'])}\n`)
  if (keys.length === 0) return terminal.print('Success! Vault is initialized')
  terminal.print(
    wrap(`Initialized with ${shares} key shares and a key threshold of ${threshold}. Give each share above to somebody else, to be kept apart.
      Whenever the server is sealed, restarted or stopped, ${threshold} of them are needed to open it again.`),
  )
  terminal.print(
    `\n${wrap(`The root key itself is stored nowhere: with fewer than ${threshold} shares, what the server holds is lost for good.
      The root token can do everything; revoke it once others can log in.`)}`,
  )
}

/** The same as an object, with the key names that scripts know. */
function forMachines(body: JsonObject, { secret_shares: shares, secret_threshold: threshold }: Split): JsonObject {
  const stored = listOf(body['keys']).length === 0
  return {
    unseal_keys_b64: [...listOf(body['keys_base64'])],
    unseal_keys_hex: [...listOf(body['keys'])],
    unseal_shares: stored ? 1 : shares,
    unseal_threshold: stored ? 1 : threshold,
    recovery_keys_b64: [...listOf(body['recovery_keys_base64'])],
    recovery_keys_hex: [...listOf(body['recovery_keys'])],
    recovery_keys_shares: 0,
    recovery_keys_threshold: 0,
    root_token: body['root_token'] ?? '',
  }
}
