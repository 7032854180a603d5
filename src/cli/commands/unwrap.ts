// `signet unwrap`: opens an answer that was wrapped in a one-time token.
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { listOf, showAnswer, showList } from '../output/show.ts'
import { secretArg } from '../secret-arg.ts'

export const unwrap = command({
  doc: 'Unwrap a wrapped secret',
  about: `
Works once per wrapping token: if it fails, somebody else may have read the secret. Without an argument
the token in use is unwrapped; "-" takes the token from standard input.

    $ signet unwrap -field=password -`,
  args: ['[TOKEN]'],
  output: 'field',
  async run(terminal, { args: [arg] }) {
    const token = await secretArg(terminal, arg)
    const own = await terminal.client()
    // With no token of one's own, the wrapping token is what one comes with.
    const client = token !== '' && !own.options.token ? own.with({ token }) : own
    const body = token === '' || token === client.options.token ? undefined : { token }
    const secret = await attempt('Error unwrapping', () => client.write('sys/wrapping/unwrap', body))
    if (secret && listOf(secret) && terminal.field === undefined) return showList(terminal, secret)
    showAnswer(terminal, secret, 'Successfully unwrapped. There was no data in the wrapped secret.')
  },
})
