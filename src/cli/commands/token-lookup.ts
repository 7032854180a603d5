// `signet token lookup` and `signet token capabilities`.
import type { Json } from '../../base/json.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool } from '../flag.ts'
import { showAnswer, showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import { secretArg } from '../secret-arg.ts'

export const lookup = command({
  doc: 'Display information about a token',
  about: `
Without an argument it is the token in use; "-" takes one from standard input.

    $ signet token lookup
    $ signet token lookup -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da`,
  args: ['[TOKEN | ACCESSOR]'],
  flags: { accessor: bool('The argument is an accessor. What is printed then holds no token.') },
  output: 'format',
  async run(terminal, { args, flags: { accessor } }) {
    if (accessor && args.length === 0) throw new Failure(1, 'Not enough arguments with -accessor (expected 1, got 0)')
    const token = await secretArg(terminal, args[0])
    const client = await terminal.client()
    const secret = await attempt('Error looking up token', () => {
      if (token === '') return client.read('auth/token/lookup-self')
      return accessor ? client.post('auth/token/lookup-accessor', { accessor: token }) : client.post('auth/token/lookup', { token })
    })
    showAnswer(terminal, secret, '')
  },
})

export const capabilities = command({
  doc: 'Print capabilities of a token on a path',
  about: `
Without a token it is the one in use; "-" takes one from standard input.

    $ signet token capabilities secret/data/app
    $ signet token capabilities -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da secret/data/app`,
  args: ['[TOKEN | ACCESSOR]', 'PATH'],
  flags: { accessor: bool('The first argument is an accessor.') },
  output: 'format',
  async run(terminal, { args, flags: { accessor } }) {
    if (accessor && args.length < 2) throw new Failure(1, `Not enough arguments with -accessor (expected 2, got ${args.length})`)
    const path = args.at(-1) as string
    const token = await secretArg(terminal, args.length === 2 ? args[0] : undefined)
    const client = await terminal.client()
    const secret = await attempt('Error listing capabilities', () => {
      if (token === '') return client.post('sys/capabilities-self', { path })
      return accessor ? client.post('sys/capabilities-accessor', { accessor: token, path }) : client.post('sys/capabilities', { token, path })
    })
    const found = list(secret?.data?.[path]) ?? list(secret?.data?.['capabilities'])
    if (!found) throw new Failure(1, 'No capabilities found')
    if (terminal.format === 'table') terminal.print(found.map(goText).sort().join(', '))
    else showObject(terminal, found)
  },
})

function list(value: Json | undefined): Json[] | undefined {
  return Array.isArray(value) ? value : undefined
}
