// The list of mounts that `secrets list` and `auth list` print.
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import { pick } from './output/json.ts'
import { showObject } from './output/show.ts'
import { table } from './output/table.ts'
import { goText } from './output/text.ts'
import type { Terminal } from './terminal.ts'

type Column = readonly [title: string, cell: (path: string, mount: JsonObject) => string]

export function showMounts(terminal: Terminal, data: JsonObject, columns: readonly Column[]): void {
  const mounts = Object.entries(data).filter((entry): entry is [string, JsonObject] => isObject(entry[1]))
  mounts.sort(([a], [b]) => (a < b ? -1 : 1))
  if (terminal.format !== 'table') return showObject(terminal, Object.fromEntries(mounts.map(([path, mount]) => [path, ordered(mount)])))
  terminal.print(
    table(
      columns.map(([title]) => title),
      mounts.map(([path, mount]) => columns.map(([, cell]) => cell(path, mount))),
    ),
  )
}

const path = (path: string): string => path

/** The value of a mount's field; '' where it has none. */
const value =
  (name: string): Column[1] =>
  (_path, mount) =>
    textOf(mount[name])

/** The value of a field of its configuration. */
export const config =
  (name: string): Column[1] =>
  (_path, mount) =>
    textOf(configOf(mount)[name])

const ttl =
  (name: string): Column[1] =>
  (_path, mount) => {
    if (mount['type'] === 'system' || mount['type'] === 'cubbyhole') return ''
    const seconds = configOf(mount)[name]
    return seconds ? goText(seconds) : 'system'
  }

export const SIMPLE: readonly Column[] = [
  ['Path', path],
  ['Type', value('type')],
  ['Accessor', value('accessor')],
  ['Description', value('description')],
]

export const VERSION: Column = ['Version', value('plugin_version')]

/** All that is known; the one column that differs is given. */
export const detailed = (own: Column): readonly Column[] => [
  ['Path', path],
  ['Plugin', value('type')],
  ['Accessor', value('accessor')],
  ['Default TTL', ttl('default_lease_ttl')],
  ['Max TTL', ttl('max_lease_ttl')],
  own,
  ['Replication', (_path, mount) => (mount['local'] === true ? 'local' : 'replicated')],
  ['Seal Wrap', value('seal_wrap')],
  ['External Entropy Access', value('external_entropy_access')],
  ['Options', (_path, mount) => (isObject(mount['options']) ? goText(mount['options']) : 'map[]')],
  ['Description', value('description')],
  ['UUID', value('uuid')],
  VERSION,
  ['Running Version', value('running_plugin_version')],
  ['Running SHA256', value('running_sha256')],
  ['Deprecation Status', value('deprecation_status')],
]

function textOf(value: Json | undefined): string {
  return value === undefined || value === null ? '' : goText(value)
}

function configOf(mount: JsonObject): JsonObject {
  return isObject(mount['config']) ? mount['config'] : {}
}

// In the order that Vault's tools print them.
const KEYS =
  'uuid type description accessor config options local seal_wrap external_entropy_access plugin_version running_plugin_version running_sha256 deprecation_status'
const CONFIG_KEYS = 'default_lease_ttl max_lease_ttl force_no_cache'

function ordered(mount: JsonObject): JsonObject {
  const listed = pick(mount, KEYS)
  return isObject(listed['config']) ? { ...listed, config: { ...pick(listed['config'], CONFIG_KEYS), ...listed['config'] } } : listed
}
