// Entries in a JSON file: as SPIRE's tools read and print them, or as this API shows them.
import { isObject, type Json, type JsonObject } from '../../../base/json.ts'
import { parseBody } from '../../../client/secret.ts'
import { readFile } from '../../data-args.ts'
import { Failure } from '../../failure.ts'
import type { Terminal } from '../../terminal.ts'

/** The API's name of each member. */
const MEMBERS: Readonly<Record<string, string>> = {
  entry_id: 'id',
  entryExpiry: 'expires_at',
  entry_expiry: 'expires_at',
  ...Object.fromEntries(
    [
      ...['id', 'spiffe_id', 'parent_id', 'selectors', 'x509_svid_ttl', 'jwt_svid_ttl', 'federates_with', 'admin', 'downstream', 'expires_at'],
      ...['dns_names', 'store_svid', 'hint', 'subject', 'disable_x509_svid_prefetch', 'jwt_svid_include_jti'],
    ].map((name) => [name, name]),
  ),
}

/** What a server says of an entry, and nobody says to it. */
const TOLD: ReadonlySet<string> = new Set(['revision_number', 'created_at', 'existed', 'waiting_for'])

/** `{"entries": […]}`, or the list alone; `-` is standard input. Throws a Failure that names the entry that can't be read. */
export async function readEntries(terminal: Terminal, path: string): Promise<JsonObject[]> {
  const parsed = await readJson(terminal, path)
  const entries = isObject(parsed) ? parsed['entries'] : parsed
  if (!Array.isArray(entries)) throw new Failure(1, `${named(path)} holds no list of entries`)
  return entries.map((entry, index) => toRequest(entry, `entry ${index + 1} of ${named(path)}`))
}

/** `{"ids": […]}`, or the list alone. */
export async function readIds(terminal: Terminal, path: string): Promise<string[]> {
  const parsed = await readJson(terminal, path)
  const ids = isObject(parsed) ? parsed['ids'] : parsed
  if (!Array.isArray(ids) || ids.some((id) => typeof id !== 'string')) throw new Failure(1, `${named(path)} holds no list of ids`)
  return ids as string[]
}

async function readJson(terminal: Terminal, path: string): Promise<Json> {
  const bytes = path === '-' ? await terminal.readStdin() : await readFile(terminal, path)
  try {
    return parseBody(bytes) as Json
  } catch {
    throw new Failure(1, `${named(path)} holds no JSON`)
  }
}

const named = (path: string): string => (path === '-' ? 'standard input' : path)

function toRequest(entry: Json, what: string): JsonObject {
  if (!isObject(entry)) throw new Failure(1, `${what} is no object`)
  const request: JsonObject = {}
  for (const [name, value] of Object.entries({ ...entry, ...attributes(entry, what) })) {
    if (TOLD.has(name) || name === 'additional_attributes' || value === null) continue
    const member = Object.hasOwn(MEMBERS, name) ? MEMBERS[name] : undefined
    if (member === undefined) throw new Failure(1, `${what} has the unknown member ${JSON.stringify(name)}`)
    request[member] = plain(member, value as Json, what)
  }
  return request
}

function attributes({ additional_attributes: more }: JsonObject, what: string): JsonObject {
  if (more === undefined || more === null) return {}
  if (isObject(more)) return more
  throw new Failure(1, `${what}: additional_attributes is no object`)
}

/** IDs and selectors, which SPIRE prints in parts, as one text each. */
function plain(member: string, value: Json, what: string): Json {
  if (member === 'selectors' && Array.isArray(value)) return value.map((one) => (isObject(one) ? joined(one, ['type', 'value'], ':', what) : one))
  if (member.endsWith('_id') && isObject(value)) return `spiffe://${joined(value, ['trust_domain', 'path'], '', what)}`
  return value
}

function joined(parts: JsonObject, names: readonly string[], between: string, what: string): string {
  const texts = names.map((name) => parts[name])
  const whole = Object.keys(parts).every((name) => names.includes(name)) && texts.every((part) => typeof part === 'string')
  if (!whole) throw new Failure(1, `${what}: ${JSON.stringify(parts)} has not exactly ${names.join(' and ')}`)
  return texts.join(between)
}
