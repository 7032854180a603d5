// `signet operator init`: makes the keys of a new server.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { ApiError } from '../../client/failure.ts'
import { parseBody } from '../../client/secret.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { also, bool, int, list, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import { wrap } from '../output/wrap.ts'
import { readPgpKey, readPgpKeys } from '../pgp-keys.ts'
import { readSealStatus } from '../seal-status.ts'
import type { Terminal } from '../terminal.ts'

export const init = command({
  doc: 'Initialize a server',
  about: `
Makes the root key, splits it into shares and prints them together with the first root token. This is
the only time that any of them can be seen.

    $ signet operator init -key-shares=5 -key-threshold=3

Where seals are configured that open the server by themselves, the shares are for recovery:

    $ signet operator init -recovery-shares=5 -recovery-threshold=3

With -status the exit code is 0 where the server is initialized, 2 where it is not, 1 for an error.`,
  flags: {
    status: bool('Tell whether the server is initialized, and do nothing.'),
    'key-shares': also(int('How many shares to split the root key into; 5, unless given. Not where the server unseals by itself.'), 'n'),
    'key-threshold': also(int('How many shares open the server again; at most -key-shares; 3, unless given.'), 't'),
    'recovery-shares': int('How many recovery shares to make where the server unseals by itself; 5, unless given, and 0 for none.'),
    'recovery-threshold': int('How many of them are needed; at most -recovery-shares; 3, unless given.'),
    'pgp-keys': list('Files with a PGP public key for each share, apart by commas: each share is printed encrypted with its key.'),
    'recovery-pgp-keys': list('The same for the recovery shares.'),
    'root-token-pgp-key': text('File with the PGP public key with which the root token is printed encrypted.'),
    'recovery-unseal': bool('Recovery shares open the server too, for the day on which no seal is left that does.'),
  },
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    if (flags.status) return showInitialized(terminal, client)
    const auto = await unsealsByItself(terminal, client)
    const split = auto
      ? { shares: flags['recovery-shares'] ?? 5, threshold: flags['recovery-threshold'] ?? (flags['recovery-shares'] === 0 ? 0 : 3), auto }
      : { shares: flags['key-shares'] ?? 5, threshold: flags['key-threshold'] ?? 3, auto }
    const own = auto ? ['recovery_shares', 'recovery_threshold'] : ['secret_shares', 'secret_threshold']
    const request = {
      [own[0] as string]: split.shares,
      [own[1] as string]: split.threshold,
      ...foreign(auto ? { secret_shares: flags['key-shares'], secret_threshold: flags['key-threshold'] } : recoveryOf(flags)),
      ...(flags['recovery-unseal'] ? { recovery_unseal: true } : {}),
      ...(await keysOf(terminal, flags)),
    }
    const body = await attempt('Error initializing', async () => parse(await client.call('PUT', 'sys/init', { body: request })))
    if (terminal.format === 'table') printKeys(terminal, body, split)
    else showObject(terminal, forMachines(body, split))
    return 0
  },
})

interface Split {
  readonly shares: number
  readonly threshold: number
  /** The shares are for recovery; seals open the server. */
  readonly auto: boolean
}

/** Sent even where -output-curl-string withholds the request itself. */
async function unsealsByItself(terminal: Terminal, client: Client): Promise<boolean> {
  try {
    return (await readSealStatus(client.with({ request: terminal.ports.request })))['recovery_seal'] === true
  } catch (error) {
    if (error instanceof ApiError) return false
    throw new Failure(2, `Error initializing: ${(error as Error).message}`, { cause: error })
  }
}

/** What was asked for although the seal has no use for it: the server says so. */
function foreign(given: Readonly<Record<string, number | undefined>>): JsonObject {
  return Object.fromEntries(Object.entries(given).filter((pair): pair is [string, number] => pair[1] !== undefined))
}

function recoveryOf(flags: Readonly<{ 'recovery-shares': number | undefined; 'recovery-threshold': number | undefined }>) {
  return { recovery_shares: flags['recovery-shares'], recovery_threshold: flags['recovery-threshold'] }
}

interface KeyFlags {
  readonly 'pgp-keys': readonly string[]
  readonly 'recovery-pgp-keys': readonly string[]
  readonly 'root-token-pgp-key': string | undefined
}

async function keysOf(terminal: Terminal, flags: KeyFlags): Promise<JsonObject> {
  const { 'pgp-keys': shares, 'recovery-pgp-keys': recovery, 'root-token-pgp-key': root } = flags
  return {
    ...(shares.length > 0 ? { pgp_keys: await readPgpKeys(terminal, shares) } : {}),
    ...(recovery.length > 0 ? { recovery_pgp_keys: await readPgpKeys(terminal, recovery) } : {}),
    ...(root === undefined ? {} : { root_token_pgp_key: await readPgpKey(terminal, root) }),
  }
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

function printKeys(terminal: Terminal, body: JsonObject, { shares, threshold, auto }: Split): void {
  for (const [i, key] of listOf(body['keys_base64']).entries()) terminal.print(`Unseal Key ${i + 1}: ${goText(key)}`)
  for (const [i, key] of listOf(body['recovery_keys_base64']).entries()) terminal.print(`Recovery Key ${i + 1}: ${goText(key)}`)
  terminal.print(`\nInitial Root Token: ${goText(body['root_token'])}\n`)
  if (!auto) return terminal.print(aboutKeys(shares, threshold))
  terminal.print('Success! Vault is initialized')
  if (shares > 0) terminal.print(`\n${wrap(aboutRecovery(shares, threshold))}`)
}

function aboutKeys(shares: number, threshold: number): string {
  return `${wrap(`Initialized with ${shares} key shares and a key threshold of ${threshold}. Give each share above to somebody else, to be kept apart.
      Whenever the server is sealed, restarted or stopped, ${threshold} of them are needed to open it again.`)}

${wrap(`The root key itself is stored nowhere: with fewer than ${threshold} shares, what the server holds is lost for good.
      The root token can do everything; revoke it once others can log in.`)}`
}

function aboutRecovery(shares: number, threshold: number): string {
  return `Recovery key initialized with ${shares} key shares and a key threshold of ${threshold}. Give each share above to somebody else,
    to be kept apart: ${threshold} of them make root tokens and new recovery shares.`
}

/** The same as an object, with the key names that scripts know. */
function forMachines(body: JsonObject, { shares, threshold, auto }: Split): JsonObject {
  return {
    unseal_keys_b64: [...listOf(body['keys_base64'])],
    unseal_keys_hex: [...listOf(body['keys'])],
    unseal_shares: auto ? 1 : shares,
    unseal_threshold: auto ? 1 : threshold,
    recovery_keys_b64: [...listOf(body['recovery_keys_base64'])],
    recovery_keys_hex: [...listOf(body['recovery_keys'])],
    recovery_keys_shares: auto ? shares : 0,
    recovery_keys_threshold: auto ? threshold : 0,
    root_token: body['root_token'] ?? '',
  }
}
