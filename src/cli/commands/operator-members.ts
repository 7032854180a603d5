// `signet operator members` and `step-down`: the servers of a cluster.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { addressOf, type Connection } from '../connect.ts'
import { attempt } from '../failure.ts'
import { showObject } from '../output/show.ts'
import { table } from '../output/table.ts'
import { goText } from '../output/text.ts'

export const members = command({
  doc: 'List the servers of the cluster',
  output: 'format',
  async run(terminal) {
    const client = await terminal.client()
    const secret = await attempt('Error listing members', () => client.read('sys/ha-status'))
    const nodes = secret?.data?.['nodes'] ?? []
    if (terminal.format !== 'table') return showObject(terminal, { Nodes: nodes })
    const rows = (Array.isArray(nodes) ? nodes : []).filter((node): node is JsonObject => isObject(node)).map(row)
    terminal.print(table(HEADERS, rows))
  },
})

const HEADERS = ['Host Name', 'API Address', 'Cluster Address', 'Active Node', 'Version', 'Upgrade Version', 'Last Echo']

function row(node: JsonObject): readonly string[] {
  const cell = (value: Json | undefined) => (value === undefined || value === null ? '' : goText(value))
  return ['hostname', 'api_address', 'cluster_address', 'active_node', 'version', 'upgrade_version', 'last_echo'].map((key) => cell(node[key]))
}

export const stepDown = command({
  doc: 'Make the server give up active duty',
  about: `
A standby takes over, where there is one.`,
  async run(terminal, { flags }) {
    const client = await terminal.client()
    await attempt('Error stepping down', () => client.write('sys/step-down'))
    terminal.print(`Success! Stepped down: ${addressOf(flags as unknown as Connection)}`)
  },
})
