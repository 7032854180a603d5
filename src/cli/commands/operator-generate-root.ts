// `signet operator generate-root`: a new root token for those who hold enough key shares.
import { base62 } from '../../base/ids.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { columns } from '../output/table.ts'
import { goText } from '../output/text.ts'
import { wrap } from '../output/wrap.ts'
import { readPgpKey } from '../pgp-keys.ts'
import { secretArg } from '../secret-arg.ts'
import type { Terminal } from '../terminal.ts'
import { getBody, nonceFlag, putBody, shareFor, shareInstead } from './operator-shares.ts'

const ROOT = 'sys/generate-root'
/** Of a namespace with a seal of its own: for those whom a policy lets. */
const IN_NAMESPACE = 'sys/generate-root-token'
/** Of a server in recovery mode, where nobody has a token yet: anybody may begin. */
const RECOVERY = 'sys/generate-recovery-token'

export const generateRoot = command({
  doc: 'Make a new root token with key shares',
  about: `
Begins with -init, which prints a one-time password; then takes as many key shares as unsealing does. The
last of them brings the token, encoded: -decode makes it readable with the one-time password.

    $ signet operator generate-root -init
    $ signet operator generate-root
    Operation nonce: f67f4da3-4ae4-68fb-4716-91da6b609c3e
    Key Share (will be hidden):
    $ signet operator generate-root -decode=… -otp=…

With -init -pgp-key=FILE it comes encrypted for the holder of that key: base64 -d, then gpg -d.

In a namespace with a seal of its own (-namespace) its shares make a token that is root there; a token is needed to begin.

Without a token a key share does to begin and to give up: it is asked for, or given as KEY.

With -recovery-token it asks a server in recovery mode (signet server -recovery) for the token that sys/raw
is open to there.`,
  args: ['[KEY]'],
  flags: {
    init: bool('Begin.'),
    cancel: bool('Give up; the shares given so far are forgotten.'),
    status: bool('Print how far it is.'),
    decode: text('An encoded token to make readable with -otp; "-" takes it from standard input.'),
    'generate-otp': bool('Print a one-time password for -init, and do nothing.'),
    otp: text('One-time password for -init or -decode.'),
    'pgp-key': text('With -init: file with the PGP public key that the token is printed encrypted with, in place of a one-time password.'),
    nonce: nonceFlag,
    'recovery-token': bool('Make a recovery token, on a server in recovery mode.'),
  },
  output: 'format',
  async run(terminal, { args: [arg], flags }) {
    const client = await terminal.client()
    const at = flags['recovery-token'] ? RECOVERY : client.options.namespace ? IN_NAMESPACE : ROOT
    const guard = async () => (at === ROOT ? await shareInstead(terminal, client, arg) : {})
    if (flags['generate-otp']) return generateOtp(terminal, client, at)
    if (flags.decode !== undefined) return decode(terminal, flags.decode, flags.otp)
    if (flags.cancel) return cancel(terminal, client, at, await guard())
    if (flags.init) {
      const request = { ...(await guardOf(terminal, flags)), ...(await guard()) }
      return show(terminal, await attempt('Error initializing root generation', () => put(client, `${at}/attempt`, request)))
    }
    const status = await statusAt(client, at)
    if (flags.status) return show(terminal, status)
    if (status['started'] !== true) {
      const recovering = at === RECOVERY ? ' -recovery-token' : ''
      throw new Failure(1, 'No root generation is in progress.', { hints: [`start one: signet operator generate-root -init${recovering}`] })
    }
    const share = await shareFor(terminal, arg, flags.nonce, goText(status['nonce']))
    show(terminal, await attempt('Error posting unseal key', () => put(client, `${at}/update`, share)))
  },
})

function statusAt(client: Client, at: string): Promise<JsonObject> {
  return attempt('Error getting root generation status', async () => bare(await getBody(client, `${at}/attempt`)))
}

async function put(client: Client, path: string, body: JsonObject): Promise<JsonObject> {
  return bare(await putBody(client, path, body))
}

/** Some of the paths answer in an envelope. */
function bare(body: JsonObject): JsonObject {
  return isObject(body['data']) ? body['data'] : body
}

/** What keeps the token from other eyes. */
async function guardOf(terminal: Terminal, { otp, 'pgp-key': pgpKey }: Readonly<{ otp: string | undefined; 'pgp-key': string | undefined }>) {
  if (otp !== undefined && pgpKey !== undefined) throw new Failure(1, 'Error initializing: cannot specify both -otp and -pgp-key')
  if (pgpKey !== undefined) return { pgp_key: await readPgpKey(terminal, pgpKey) }
  return otp === undefined ? {} : { otp }
}

async function generateOtp(terminal: Terminal, client: Client, at: string): Promise<void> {
  const status = await statusAt(client, at)
  const length = Number(status['otp_length'])
  const otp = base62(terminal.ports.random, length)
  if (terminal.format === 'table') terminal.printRaw(otp)
  else showObject(terminal, { otp, otp_length: length })
}

/** XOR of the encoded bytes with the password: no server is asked, so none learns the token. */
async function decode(terminal: Terminal, given: string, otp: string | undefined): Promise<void> {
  if (!otp) throw new Failure(1, 'Missing otp: use -otp to supply it')
  const encoded = Buffer.from(await secretArg(terminal, given), 'base64')
  if (encoded.length === 0) throw new Failure(1, 'Missing encoded value: use -decode=<string> to supply it')
  const key = Buffer.from(otp)
  if (key.length !== encoded.length) {
    throw new Failure(1, `Error decoding root token: the encoded token has ${encoded.length} bytes, the one-time password ${key.length}`)
  }
  const token = Buffer.from(encoded.map((byte, at) => byte ^ (key[at] as number))).toString()
  if (terminal.format === 'table') terminal.printRaw(token)
  else showObject(terminal, { token })
}

async function cancel(terminal: Terminal, client: Client, at: string, body: JsonObject): Promise<void> {
  await attempt('Error canceling root token generation', () => client.call('DELETE', `${at}/attempt`, Object.keys(body).length > 0 ? { body } : {}))
  terminal.print('Success! Root token generation canceled (if it was started)')
}

function show(terminal: Terminal, status: JsonObject): void {
  if (terminal.format !== 'table') return showObject(terminal, status)
  const { otp, encoded_token: token = status['encoded_root_token'], otp_length: length, pgp_fingerprint: fingerprint } = status
  if (otp) {
    terminal.warn(
      wrap('A One-Time-Password has been generated for you and is shown in the OTP field. It is needed to decode the token, so keep it safe.'),
    )
  }
  terminal.print(
    columns([
      ['Nonce', goText(status['nonce'])],
      ['Started', goText(status['started'])],
      ['Progress', `${goText(status['progress'])}/${goText(status['required'])}`],
      ['Complete', goText(status['complete'])],
      ...(fingerprint ? [['PGP Fingerprint', goText(fingerprint)]] : []),
      ...(token ? [['Encoded Token', goText(token)]] : []),
      ...(otp ? [['OTP', goText(otp)]] : []),
      ...(length ? [['OTP Length', goText(length)]] : []),
    ]),
  )
}
