// `signet token renew` and `signet token revoke`.
import type { Client } from '../../client/client.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { also, bool, duration, text } from '../flag.ts'
import { showAnswer } from '../output/show.ts'
import { secretArg } from '../secret-arg.ts'

export const renew = command({
  doc: 'Renew a token lease',
  about: `
Without an argument it is the token in use; "-" takes one from standard input.

    $ signet token renew -increment=30m`,
  args: ['[TOKEN | ACCESSOR]'],
  flags: {
    accessor: bool('The argument is an accessor. What is printed then holds no token.'),
    increment: also(duration('How much longer the token should live. The server may grant less.'), 'i'),
  },
  output: 'format',
  async run(terminal, { args, flags }) {
    const increment = Math.max(0, flags.increment ?? 0)
    const token = await secretArg(terminal, args[0])
    const client = await terminal.client()
    const secret = await attempt('Error renewing token', () => {
      if (token === '') return client.write('auth/token/renew-self', { increment })
      if (flags.accessor) return client.post('auth/token/renew-accessor', { accessor: token, increment })
      return client.write('auth/token/renew', { token, increment })
    })
    showAnswer(terminal, secret, '')
  },
})

type Mode = 'tree' | 'orphan' | 'path' | 'self' | 'accessor'

/** How each kind of revocation is asked for. */
const REVOCATIONS: Readonly<Record<Mode, (client: Client, token: string) => Promise<unknown>>> = {
  tree: (client, token) => client.write('auth/token/revoke', { token }),
  orphan: (client, token) => client.write('auth/token/revoke-orphan', { token }),
  path: (client, prefix) => client.write(`sys/leases/revoke-prefix/${prefix}`),
  self: (client) => client.write('auth/token/revoke-self'),
  accessor: (client, accessor) => client.post('auth/token/revoke-accessor', { accessor }),
}

export const revoke = command({
  doc: 'Revoke a token and its children',
  about: `
The token "-" comes from standard input.

    $ signet token revoke -self
    $ signet token revoke -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da
    $ signet token revoke -mode=path auth/userpass/login`,
  args: ['[TOKEN | ACCESSOR]'],
  flags: {
    accessor: bool('The argument is an accessor.'),
    self: bool('Revoke the token in use.'),
    mode: text('"orphan" leaves the children alive; "path" revokes all tokens that were made at the path that is the argument.'),
  },
  async run(terminal, { args, flags }) {
    const mode = modeOf(args.length, flags)
    const token = await secretArg(terminal, args[0])
    const client = await terminal.client()
    await attempt('Error revoking token', () => REVOCATIONS[mode](client, token))
    terminal.print('Success! Revoked token (if it existed)')
  },
})

function modeOf(args: number, { accessor, self, mode = '' }: { accessor: boolean; self: boolean; mode: string | undefined }): Mode {
  if (mode !== '' && mode !== 'orphan' && mode !== 'path') throw new Failure(1, `Invalid mode: ${mode}`)
  if (self && args > 0) throw new Failure(1, `Too many arguments with -self (expected 0, got ${args})`)
  if (!self && args < 1) throw new Failure(1, `Not enough arguments (expected 1 or -self, got ${args})`)
  if (self && accessor) throw new Failure(1, 'Cannot use -self with -accessor!')
  if (self && mode !== '') throw new Failure(1, 'Cannot use -self with -mode!')
  if (accessor && mode !== '') throw new Failure(1, `Cannot use -accessor with -mode=${mode}!`)
  return self ? 'self' : accessor ? 'accessor' : mode === '' ? 'tree' : mode
}
