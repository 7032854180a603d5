// `signet version-history`: which versions of the server its store was opened by.
import { isObject, type JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { secretObject } from '../output/secret.ts'
import { showObject } from '../output/show.ts'
import { columns } from '../output/table.ts'
import { goText } from '../output/text.ts'

export const versionHistory = command({
  doc: 'Print the versions that the server was upgraded through',
  output: 'format',
  async run(terminal) {
    const client = await terminal.client()
    const secret = await attempt('Error reading version history', () => client.list('sys/version-history'))
    const info = secret?.data?.['key_info']
    const keys = secret?.data?.['keys']
    if (!secret || !isObject(info) || !Array.isArray(keys)) throw new Failure(2, 'Invalid response returned from Vault')
    if (terminal.format !== 'table') return showObject(terminal, secretObject(secret))
    const rows = keys.map((key) => row(goText(key), info[goText(key)] as JsonObject))
    const headers = ['Version', 'Installation Time', 'Build Date']
    terminal.print(columns([headers, headers.map((header) => '-'.repeat(header.length)), ...rows]))
  },
})

function row(version: string, info: JsonObject): readonly string[] {
  return [version, goText(info['timestamp_installed'] ?? ''), goText(info['build_date'] ?? info['commit_date'] ?? '')]
}
