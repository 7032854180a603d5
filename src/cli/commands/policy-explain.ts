// `signet policy explain`: why something is allowed or not.
import type { JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { readData } from '../data-args.ts'
import { explanationLines } from '../explanation.ts'
import { attempt, Failure } from '../failure.ts'
import { duration, list, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { secretArg } from '../secret-arg.ts'

export const explain = command({
  doc: 'Explain why something is allowed or not',
  about: `
Of the token in use, or with the right to, of another token or of some policies. OPERATION is read, list, scan, create,
update, patch or delete. A request that was refused is explained by the id that its error came with.

    $ signet policy explain read secret/data/app
    $ signet policy explain -policy=app -policy=default update auth/token/renew-self increment=3600
    $ signet policy explain -accessor=9793c9b3-e04a-46f3-e7b8-748d7da248da delete secret/data/app
    $ signet policy explain -id=1c2b6f0a-3b1e-4a5f-9d3a-0c8f3f1d2e4b`,
  args: ['[OPERATION]', '[PATH]', '[K=V...]'],
  flags: {
    id: text('Explain id of a refused request.'),
    token: text('Token that asks; "-" takes one from standard input.'),
    accessor: text('Accessor of the token that asks.'),
    policy: list('Policy of whoever asks. May be given many times.'),
    wrapped: duration('How long the answer shall be wrapped.'),
  },
  output: 'format',
  async run(terminal, { args: [operation, path, ...words], flags }) {
    const { id, accessor, policy } = flags
    const token = await secretArg(terminal, flags.token)
    const whose = { ...(token ? { token } : {}), ...(accessor ? { accessor } : {}), ...(policy.length > 0 ? { policies: [...policy] } : {}) }
    const question = id === undefined ? asked(operation, path, await readData(terminal, words), flags.wrapped) : { id }
    if (id !== undefined && operation !== undefined) throw new Failure(1, '-id says all; nothing may be asked besides')
    const client = await terminal.client()
    const endpoint = Object.keys(whose).length > 0 ? 'sys/policies/explain' : 'sys/policies/explain-self'
    const secret = await attempt('Error explaining', () => client.post(endpoint, { ...question, ...whose }))
    const told = secret?.data ?? {}
    if (terminal.format === 'table') for (const line of explanationLines(told)) terminal.print(line)
    else showObject(terminal, told)
  },
})

function asked(operation: string | undefined, path: string | undefined, parameters: JsonObject, wrapped: number | undefined): JsonObject {
  if (operation === undefined || path === undefined) throw new Failure(1, 'OPERATION and PATH are needed, or -id')
  return { operation, path, ...(Object.keys(parameters).length > 0 ? { parameters } : {}), ...(wrapped ? { wrap_ttl: wrapped } : {}) }
}
