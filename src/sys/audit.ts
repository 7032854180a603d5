// sys/audit: enable, list and disable audit devices; sys/audit-hash: what a text looks like in a device's records.
import { bool, or, pairs, secret, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { Device } from '../audit/device.ts'
import type { Devices } from '../audit/devices.ts'
import { isDeviceType } from '../audit/options.ts'

const input = {
  type: or(text('"file", "socket" or "syslog".'), ''),
  description: or(text('What the device is for.'), ''),
  options: or(pairs('Where the records go, and how they look.'), {}),
  local: or(bool('Keep the device out of replication.'), false),
}

export function auditPaths(devices: Devices): Path[] {
  const param = { path: text('Where the device is mounted.') }
  return [
    path('audit', 'All audit devices.', {}, (op) => ({
      read: op({ doc: 'List the devices.', access: 'sudo', run: () => data(listing(devices), { spread: true }) }),
    })),
    path('audit/*path', 'An audit device.', param, (op) => ({
      write: op({ doc: 'Enable a device.', access: 'sudo', input, run: (_, given) => enable(devices, given) }),
      delete: op({
        doc: 'Disable a device.',
        access: 'sudo',
        async run(_, given) {
          await devices.disable(devicePath(given.path))
          return empty()
        },
      }),
    })),
    path('audit-hash/*path', 'The HMAC of a text under a device.', param, (op) => ({
      write: op({
        doc: 'Hash a text as the device does.',
        input: { input: or(secret(text('The text.')), '') },
        run: (_, given) => hash(devices, given.path, given.input),
      }),
    })),
  ]
}

function devicePath(given: string): string {
  if (given === '') throw new Fault('invalid', 'audit device path must be specified')
  return `${given.replace(/\/$/, '')}/`
}

function hash(devices: Devices, at: string, input: string): Reply {
  if (input === '') throw new Fault('invalid', 'the "input" parameter is empty')
  return data({ hash: devices.hash(devicePath(at), input) }, { spread: true })
}

function listing(devices: Devices): JsonObject {
  return Object.fromEntries(devices.list().map((device) => [device.path, describe(device)]))
}

function describe({ path: at, type, description, options, local }: Device): JsonObject {
  return { description, local, options: { ...options }, path: at, type }
}

async function enable(devices: Devices, given: Values<typeof input> & { path: string }): Promise<Reply> {
  const { type, description, options, local } = given
  const at = devicePath(given.path)
  if (!isDeviceType(type)) throw new Fault('invalid', `unknown backend type: ${JSON.stringify(type)}`)
  return empty(...(await devices.enable({ path: at, type, description, options, local })))
}
