// `signet plugin`: what can be mounted.
import { isObject, type JsonObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool } from '../flag.ts'
import { showData, showField, showObject } from '../output/show.ts'
import { table } from '../output/table.ts'
import { goText } from '../output/text.ts'

const list = command({
  doc: 'List what can be mounted',
  about: `
All of it is built in: there are no external plugins.

    $ signet plugin list
    $ signet plugin list secret`,
  args: ['[TYPE]'],
  flags: { detailed: bool('Also print how long each is supported.') },
  output: 'format',
  async run(terminal, { args: [type], flags }) {
    const client = await terminal.client()
    const secret = await attempt('Error listing available plugins', () => client.read('sys/plugins/catalog'))
    const data = secret?.data ?? {}
    const all = Array.isArray(data['detailed']) ? data['detailed'].filter((one): one is JsonObject => isObject(one)) : []
    const details = all.filter((one) => type === undefined || one['type'] === type)
    if (terminal.format !== 'table') return showObject(terminal, { details, ...namesOf(data, type) })
    const shown = COLUMNS.filter(({ key }) => (key !== 'type' || type === undefined) && (key !== 'deprecation_status' || flags.detailed))
    const rows = details.map((one) => shown.map(({ key }) => goText(one[key] ?? '')))
    terminal.print(
      table(
        shown.map(({ title }) => title),
        rows,
      ),
    )
  },
})

const COLUMNS = [
  { key: 'name', title: 'Name' },
  { key: 'type', title: 'Type' },
  { key: 'version', title: 'Version' },
  { key: 'deprecation_status', title: 'Deprecation Status' },
] as const

function namesOf(data: JsonObject, type: string | undefined): JsonObject {
  const kinds = type === undefined ? ['auth', 'database', 'secret'] : [type]
  return Object.fromEntries(kinds.filter((kind) => Array.isArray(data[kind])).map((kind) => [kind, data[kind] ?? null]))
}

const info = command({
  doc: 'Read what is known of an engine or method',
  about: `
    $ signet plugin info secret kv`,
  args: ['TYPE', 'NAME'],
  output: 'field',
  async run(terminal, { args: [type = '', name = ''] }) {
    const client = await terminal.client()
    const secret = await attempt(`Error reading plugin named ${name}`, () => client.read(`sys/plugins/catalog/${type}/${name}`))
    if (!secret?.data) throw new Failure(2, `No plugin of type ${type} named ${name}`)
    if (terminal.field !== undefined) showField(terminal, secret.data[terminal.field], terminal.field)
    else showData(terminal, secret.data)
  },
})

export const plugin = group('Read what can be mounted', { info, list })
