// What a request asks for: verb, path and parameters, read from its method and target (Vault's HTTP API, "verbs").
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { asFolder, type CanonPath, parseTarget } from '../base/path.ts'
import type { Verb } from '../contract/call.ts'
import { parseQuery } from './query.ts'

const VERBS: Readonly<Record<string, Verb>> = {
  GET: 'read',
  HEAD: 'read',
  LIST: 'list',
  SCAN: 'scan',
  HELP: 'help',
  POST: 'write',
  PUT: 'write',
  PATCH: 'patch',
  DELETE: 'delete',
}

/** For the `Allow` header of a 405. */
export const METHODS = Object.keys(VERBS).join(', ')

const BASE = '/v1/'

export interface Ask {
  readonly verb: Verb
  readonly path: CanonPath
  readonly query: JsonObject
}

/** Throws a Fault for a target with more than one reading, a path outside the API, or a method that it doesn't have. */
export function parseAsk(method: string, target: string, limit: number): Ask {
  if (!target.startsWith('/') || /[^\x21-\x7e]|#/.test(target)) throw new Fault('invalid', 'malformed request target')
  const mark = target.indexOf('?')
  const raw = mark < 0 ? target : target.slice(0, mark)
  if (!raw.startsWith(BASE)) throw new Fault('missing')
  const verb = Object.hasOwn(VERBS, method) ? VERBS[method] : undefined
  if (verb === undefined) throw new Fault('unsupported')
  const path = parseTarget(raw.slice(BASE.length))
  const query = mark < 0 ? {} : parseQuery(target.slice(mark + 1), limit)
  if ((verb === 'write' || verb === 'patch') && path.endsWith('/')) throw new Fault('invalid', "cannot write to a path ending in '/'")
  return settle(method === 'GET' ? wanted(query) : verb, path, query)
}

/** What a GET stands for: `?help=1`, `?list=true` and `?scan=true` make it another verb, and are no data then. */
function wanted(query: JsonObject): Verb {
  const { help } = query
  if (help !== undefined && help !== '') return 'help'
  const list = flag(query, 'list')
  const scan = flag(query, 'scan')
  if (list && scan) throw new Fault('invalid')
  if (list) delete query.list
  if (scan) delete query.scan
  return list ? 'list' : scan ? 'scan' : 'read'
}

function settle(verb: Verb, path: CanonPath, query: JsonObject): Ask {
  delete query.help
  return { verb, path: verb === 'list' || verb === 'scan' ? asFolder(path) : path, query }
}

/** Go's ParseBool; what it can't read is refused without a word, as Vault does. */
function flag(query: JsonObject, name: string): boolean {
  const value = query[name]
  if (value === undefined || value === '') return false
  if (typeof value !== 'string' || !/^(?:1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)$/.test(value)) throw new Fault('invalid')
  return /^[1tT]/.test(value)
}
