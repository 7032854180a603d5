// `signet login`: proves who one is, and keeps the token for later commands.
import type { Client } from '../../client/client.ts'
import type { Secret } from '../../client/secret.ts'
import { command } from '../command.ts'
import { tokenOfEnvironment } from '../connect.ts'
import { readTexts } from '../data-args.ts'
import { lookup } from '../environment.ts'
import { attempt, Failure } from '../failure.ts'
import { bool, or, text } from '../flag.ts'
import { LOGIN_METHODS, type LoginMethod } from '../login/methods.ts'
import { cleanPath } from '../mount-path.ts'
import { showSecret } from '../output/show.ts'
import { wrap } from '../output/wrap.ts'
import { closest } from '../suggest.ts'
import type { Terminal } from '../terminal.ts'
import { storeToken } from '../token-file.ts'

export const login = command({
  doc: 'Authenticate locally',
  about: `
Logs in and writes the token to a file in the home folder, which later commands read. What a method
wants to know is given as key=value pairs: see "signet auth help TYPE".

    $ signet login
    $ signet login -method=userpass username=ann
    $ signet login -method=approle -path=machines role_id=@role.txt secret_id=-`,
  args: ['[AUTH K=V...]'],
  flags: {
    method: or(text('Type of the auth method.'), 'token'),
    path: text('Where the method is mounted; its type, unless given.'),
    'no-store': bool('Do not write the token to the file, print it only.'),
    'no-print': bool('Do not print the token, write it to the file only.'),
    'token-only': bool('Print nothing but the token, and do not write it to the file.'),
  },
  output: 'field',
  async run(given, { args, flags }) {
    const terminal = flags['token-only'] ? { ...given, field: 'token' } : given
    const store = !(flags['no-store'] || flags['token-only'])
    if (!store && flags['no-print']) throw new Failure(1, '-no-store and -no-print cannot be used together')
    const type = cleanPath(flags.method) || 'token'
    const method = methodOf(type)
    const config = await readTexts(terminal, words(type, args), 'Error parsing configuration')
    const client = await terminal.anonymous()
    const mount = cleanPath(config['mount'] || flags.path || type)
    const answer = await attempt('Error authenticating', () => method.login(terminal, client, mount, config))
    const secret = await openLogin(client, answer, store)
    if (secret.auth?.mfa_requirement) {
      terminal.warn('The login needs a second factor: validate it at sys/mfa/validate.\n')
      return showSecret(terminal, secret)
    }
    if (!secret.auth) return showSecret(flags['token-only'] ? { ...terminal, field: 'wrapping_token' } : terminal, secret)
    if (store) await keep(terminal, secret, secret.auth.client_token)
    else if (!flags['token-only']) terminal.warn(`${wrap('The token was not stored: set VAULT_TOKEN to it, or give it to each request.')}\n`)
    if (!flags['no-print']) showLogin(terminal, secret, store)
  },
})

function methodOf(type: string): LoginMethod {
  const method = LOGIN_METHODS.get(type)
  if (method) return method
  const near = closest(type, [...LOGIN_METHODS.keys()])
  const hints = near === undefined ? ['"signet auth list" shows what the server has; others log in by their API'] : [`did you mean -method=${near}?`]
  throw new Failure(1, `Unknown auth method: ${type}`, { hints })
}

/** A token may be given without its key. */
function words(type: string, args: readonly string[]): readonly string[] {
  const [first = '', ...rest] = args
  return type === 'token' && first !== '' && !first.includes('=') ? [`token=${first}`, ...rest] : args
}

/** The login itself, out of the wrapping where the token is to be kept. */
async function openLogin(client: Client, answer: Secret | undefined, unwrap: boolean): Promise<Secret> {
  if (answer?.auth) return answer
  if (!answer?.wrap_info) throw new Failure(2, 'Error extracting token: no auth or wrapping info in response')
  if (answer.wrap_info.wrapped_accessor === '') throw new Failure(2, 'Error extracting token: wrapped response does not contain a token')
  if (!unwrap) return answer
  const opener = client.with({ token: answer.wrap_info.token, wrapTtl: '' })
  const inner = await attempt('Error extracting token', () => opener.write('sys/wrapping/unwrap'))
  return openLogin(client, inner, unwrap)
}

async function keep(terminal: Terminal, secret: Secret, token: string): Promise<void> {
  const { files, home } = terminal.ports
  try {
    await storeToken(files, home, token)
  } catch (error) {
    terminal.warn('The login succeeded, but its token could not be stored. It is shown below.\n')
    showSecret({ ...terminal, field: undefined }, secret)
    throw new Failure(2, `Error storing token: ${(error as Error).message}`)
  }
  if (tokenOfEnvironment(terminal.ports) === '') return
  const name = lookup(terminal.ports.env, 'TOKEN')?.name ?? ''
  terminal.warn(`${wrap(`WARNING! ${name} in the environment holds a token, which takes precedence over the stored one.`)}\n`)
}

function showLogin(terminal: Terminal, secret: Secret, stored: boolean): void {
  if (stored && terminal.field === undefined && terminal.format === 'table') {
    terminal.print(
      `${wrap('Success! You are now authenticated. The token below is stored: later commands use it, there is no need to log in again.')}\n`,
    )
  }
  showSecret(terminal, secret)
}
