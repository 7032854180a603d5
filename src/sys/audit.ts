// sys/audit: enable, list and disable audit devices; sys/audit-hash: what a text looks like in a device's records.
import { bool, or, pairs, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { Device, Devices } from '../audit/devices.ts'

const input = {
  type: or(text('"file".'), ''),
  description: or(text('What the device is for.'), ''),
  options: or(pairs('file_path: an absolute path, or "stdout".'), {}),
  local: or(bool('Keep the device out of replication.'), false),
}

export function auditPaths(devices: Devices): Path[] {
  return [
    path('audit', 'All audit devices.', {}, (op) => ({
      read: op({ doc: 'List the devices.', access: 'sudo', run: () => data(listing(devices), { spread: true }) }),
    })),
    path('audit/*path', 'An audit device.', { path: text('Where the device is mounted.') }, (op) => ({
      write: op({ doc: 'Enable a device.', access: 'sudo', input, run: (_, given) => enable(devices, given) }),
      delete: op({
        doc: 'Disable a device.',
        access: 'sudo',
        async run(_, given) {
          await devices.disable(`${given.path}/`)
          return empty()
        },
      }),
    })),
    path('audit-hash/*path', 'The HMAC of a text under a device.', { path: text('Where the device is mounted.') }, (op) => ({
      write: op({
        doc: 'Hash a text as the device does.',
        input: { input: text('The text.') },
        run: (_, given) => data({ hash: devices.hash(`${given.path}/`, given.input) }, { spread: true }),
      }),
    })),
  ]
}

function listing(devices: Devices): JsonObject {
  return Object.fromEntries(devices.list().map((device) => [device.path, describe(device)]))
}

function describe({ path: at, type, description, options, local }: Device): JsonObject {
  return { description, local, options: { ...options }, path: at, type }
}

const OPTIONS = ['file_path', 'mode', 'format', 'log_raw']

async function enable(devices: Devices, given: Values<typeof input> & { path: string }): Promise<Reply> {
  if (given.path === '') throw new Fault('invalid', 'missing path')
  if (given.type !== 'file') throw new Fault('invalid', `unknown audit device type "${given.type}"; "file" is supported`)
  checkOptions(given.options)
  await devices.enable({ path: `${given.path}/`, type: 'file', description: given.description, options: given.options, local: given.local })
  return empty()
}

/** Options whose effect would differ from what they say elsewhere are refused, not ignored. */
function checkOptions(options: Readonly<Record<string, string>>): void {
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name))
  if (unknown !== undefined) throw new Fault('invalid', `audit option "${unknown}" is not supported`)
  const { file_path: file = '', format = 'json', log_raw: raw = 'false', mode = '0600' } = options
  if (file === '') throw new Fault('invalid', 'file_path is required')
  if (file !== 'stdout' && !file.startsWith('/')) throw new Fault('invalid', 'file_path must be an absolute path or "stdout"')
  if (format !== 'json') throw new Fault('invalid', 'only the format "json" is supported')
  if (raw !== 'false') throw new Fault('invalid', 'log_raw is not supported: records are always hashed')
  if (mode !== '0600') throw new Fault('invalid', 'audit files always have the mode 0600')
}
