// `signet audit`: the devices that every request is written to.
import { isObject, type JsonObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { readTexts } from '../data-args.ts'
import { attempt } from '../failure.ts'
import { bool, or, text } from '../flag.ts'
import { cleanPath, mountPath } from '../mount-path.ts'
import { pick } from '../output/json.ts'
import { showObject } from '../output/show.ts'
import { table } from '../output/table.ts'
import { goText } from '../output/text.ts'
import { verify } from './audit-verify.ts'
import { view } from './audit-view.ts'

const enable = command({
  doc: 'Enable an audit device',
  about: `
    $ signet audit enable file file_path=/var/log/signet/audit.log`,
  args: ['TYPE', '[CONFIG K=V...]'],
  flags: {
    description: or(text('What the device is for.'), ''),
    path: text('Where the device is mounted; its type, unless given.'),
    local: bool('Only on this server, never replicated.'),
  },
  async run(terminal, { args: [type = '', ...rest], flags }) {
    const path = mountPath(flags.path || type.trim())
    const options = await readTexts(terminal, rest)
    const client = await terminal.client()
    const body = { type: type.trim(), description: flags.description, options, local: flags.local }
    await attempt('Error enabling audit device', () => client.write(`sys/audit/${path}`, body))
    terminal.print(`Success! Enabled the ${type.trim()} audit device at: ${path}`)
  },
})

const disable = command({
  doc: 'Disable an audit device',
  args: ['PATH'],
  async run(terminal, { args: [given = ''] }) {
    const path = mountPath(cleanPath(given))
    const client = await terminal.client()
    await attempt('Error disabling audit device', () => client.delete(`sys/audit/${path}`))
    terminal.print(`Success! Disabled audit device (if it was enabled) at: ${path}`)
  },
})

const list = command({
  doc: 'List enabled audit devices',
  flags: { detailed: bool('Also print options and replication.') },
  output: 'format',
  async run(terminal, { flags: { detailed } }) {
    const client = await terminal.client()
    const secret = await attempt('Error listing audits', () => client.read('sys/audit'))
    const devices = Object.entries(secret?.data ?? {}).filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
    devices.sort(([a], [b]) => (a < b ? -1 : 1))
    if (terminal.format !== 'table') showObject(terminal, Object.fromEntries(devices.map(([path, device]) => [path, pick(device, KEYS)])))
    else if (devices.length === 0) {
      terminal.print('No audit devices are enabled.')
      return 2
    } else terminal.print(detailed ? detailedTable(devices) : simpleTable(devices))
    return 0
  },
})

const KEYS = 'type description options local path'

function simpleTable(devices: readonly [string, JsonObject][]): string {
  return table(
    ['Path', 'Type', 'Description'],
    devices.map(([path, device]) => [path, goText(device['type']), goText(device['description'] ?? '')]),
  )
}

function detailedTable(devices: readonly [string, JsonObject][]): string {
  const options = (device: JsonObject): string =>
    Object.entries(isObject(device['options']) ? device['options'] : {})
      .map(([key, value]) => `${key}=${goText(value)}`)
      .join(' ')
  return table(
    ['Path', 'Type', 'Description', 'Replication', 'Options'],
    devices.map(([path, device]) => [
      path,
      goText(device['type']),
      goText(device['description'] ?? ''),
      device['local'] === true ? 'local' : 'replicated',
      options(device),
    ]),
  )
}

export const audit = group('Interact with audit devices', { disable, enable, list, verify, view })
