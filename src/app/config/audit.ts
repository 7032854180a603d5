// audit "TYPE" "PATH": devices that the configuration declares, and what may be made through the API.
import { bool, list, maybe, or, pairs, text } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { checkFree, type DeviceSpec } from '../../audit/device.ts'
import { isDeviceType, parseOptions } from '../../audit/options.ts'
import type { AuditSettings } from '../audit.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

/** Keys beside the stanzas, at the top of the configuration. */
export const AUDIT_KEYS = {
  audit_file_directories: maybe(list('Folders that audit files must lie in.')),
  unsafe_allow_api_audit_creation: maybe(bool('Whether audit devices can be enabled through the API, as they can unless it is false.')),
}

const KEYS = {
  description: or(text('What the device is for.'), ''),
  local: or(bool('Keep the device out of replication.'), false),
  options: or(pairs('Where the records go, and how they look.'), {}),
}

export const AUDIT = { keys: KEYS }

interface Top {
  readonly audit_file_directories: readonly string[] | undefined
  readonly unsafe_allow_api_audit_creation: boolean | undefined
}

export function parseAudit(whole: Block, blocks: readonly Block[], top: Top): AuditSettings {
  const devices: DeviceSpec[] = []
  for (const block of blocks) devices.push(parseDevice(block, devices))
  const folders = top.audit_file_directories
  const relative = folders?.find((folder) => !folder.startsWith('/'))
  if (relative !== undefined) throw refuse(whole, `audit_file_directories has ${JSON.stringify(relative)}, which is not an absolute path`)
  return { devices, apiCreation: top.unsafe_allow_api_audit_creation ?? true, folders }
}

const PATH = /^[^/\s"*+]+(?:\/[^/\s"*+]+)*\/?$/

function parseDevice(block: Block, before: readonly DeviceSpec[]): DeviceSpec {
  const [type = '', path = ''] = block.labels
  if (!isDeviceType(type)) throw refuse(block, `${block.title}: unknown backend type: ${JSON.stringify(type)}`)
  if (!PATH.test(path)) throw refuse(block, `${block.title}: the path must be one or more words between slashes`)
  const { description, local, options } = readStanza(block, AUDIT).values
  const spec = { path: path.endsWith('/') ? path : `${path}/`, type, description, options, local }
  try {
    checkFree(before, spec.path)
    parseOptions(type, options)
  } catch (error) {
    throw error instanceof Fault ? refuse(block, `${block.title}: ${error.message}`) : error
  }
  return spec
}
