// Prints what a command found, in the format that was asked for.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Secret } from '../../client/secret.ts'
import { Failure } from '../failure.ts'
import type { Terminal } from '../terminal.ts'
import { sorted, toJson } from './json.ts'
import { dataRows, secretField, secretObject, secretRows } from './secret.ts'
import { table } from './table.ts'
import { fieldText, goText } from './text.ts'
import { wrap } from './wrap.ts'
import { toYaml } from './yaml.ts'

/** A secret, or the field of it that `-field` names. */
export function showSecret(terminal: Terminal, secret: Secret): void {
  if (terminal.field !== undefined) return showField(terminal, secretField(secret, terminal.field), terminal.field)
  if (terminal.format !== 'table') return showObject(terminal, secretObject(secret))
  showWarnings(terminal, secret)
  showRows(terminal, secretRows(secret))
}

/** What a write came back with: a secret, or nothing but success, which only people want to read. */
export function showAnswer(terminal: Terminal, secret: Secret | undefined, done: string): void {
  if (secret) showSecret(terminal, secret)
  else if (terminal.format === 'table') terminal.print(done)
}

/** Key and value of one object. */
export function showData(terminal: Terminal, data: JsonObject): void {
  if (terminal.format !== 'table') return showObject(terminal, sorted(data))
  showRows(terminal, dataRows(data))
}

/** JSON or YAML; in a table's place the caller prints its own. */
export function showObject(terminal: Terminal, value: Json): void {
  terminal.print(terminal.format === 'yaml' ? toYaml(value) : toJson(value))
}

export function showField(terminal: Terminal, value: Json | undefined, field: string): void {
  if (value === undefined || value === null) throw new Failure(1, `Field ${JSON.stringify(field)} not present in secret`)
  terminal.printRaw(fieldOutput(terminal, value))
}

function fieldOutput(terminal: Terminal, value: Json): string {
  if (terminal.format === 'json') return toJson(sorted(value))
  return terminal.format === 'yaml' ? `${toYaml(value)}\n` : goText(value)
}

export function showWarnings(terminal: Terminal, secret: Secret): void {
  if (!secret.warnings || secret.warnings.length === 0) return
  terminal.warn('WARNING! The following warnings were returned from Vault:\n')
  for (const warning of secret.warnings) terminal.warn(`${wrap(`* ${warning}`, 2)}\n`)
}

/** The keys of a list; with -detailed also what the server tells of each. */
export function showList(terminal: Terminal, secret: Secret): void {
  const keys = (listOf(secret) ?? []).map(goText).sort()
  if (terminal.format !== 'table') return showObject(terminal, terminal.detailed ? secretObject(secret) : (listOf(secret) as Json))
  showWarnings(terminal, secret)
  if (keys.length === 0) return
  const info = (terminal.detailed ? (secret.data?.['key_info'] ?? {}) : {}) as Record<string, JsonObject>
  const names = [...new Set(keys.flatMap((key) => Object.keys(info[key] ?? {})))].sort()
  const detail = (key: string, name: string): string => (info[key]?.[name] === undefined ? 'n/a' : fieldText(name, info[key][name]))
  terminal.print(
    table(
      ['Keys', ...names],
      keys.map((key) => [key, ...names.map((name) => detail(key, name))]),
    ),
  )
}

/** The keys, where the secret is a list. */
export function listOf(secret: Secret | undefined): readonly Json[] | undefined {
  const keys = secret?.data?.['keys']
  return Array.isArray(keys) ? keys : undefined
}

function showRows(terminal: Terminal, rows: readonly (readonly [string, string])[]): void {
  if (rows.length > 0) terminal.print(table(['Key', 'Value'], rows))
}
