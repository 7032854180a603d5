// `signet path-help`: what a path is for, as the server describes it.
import { isObject, type JsonObject } from '../../base/json.ts'
import { parseBody } from '../../client/secret.ts'
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { cleanPath } from '../mount-path.ts'
import { goText } from '../output/text.ts'

export const pathHelp = command({
  doc: 'Retrieve API help for paths',
  about: `
Prints the help of an engine, or of one of its paths; with -format=json the OpenAPI document.

    $ signet path-help transit/keys/app`,
  args: ['PATH'],
  output: 'format',
  async run(terminal, { args: [first = ''] }) {
    const client = await terminal.client()
    const answer = await attempt('Error retrieving help', () => client.call('GET', cleanPath(first), { query: { help: '1' } }))
    const parsed = parseBody(answer.body)
    const help: JsonObject = isObject(parsed) ? parsed : {}
    terminal.print(terminal.format === 'json' ? JSON.stringify(help['openapi'] ?? null) : goText(help['help']))
  },
})
