// What has to be done so that a server has the entries of a file: made, changed, and if so wished removed.
import { parseSeconds } from '../../../base/duration.ts'
import { Fault } from '../../../base/fault.ts'
import type { Json, JsonObject } from '../../../base/json.ts'
import { goText } from '../../output/text.ts'

export interface Plan {
  readonly create: readonly JsonObject[]
  /** Each with its id and the revision that the plan was made for. */
  readonly update: readonly { readonly to: JsonObject; readonly from: JsonObject }[]
  readonly remove: readonly JsonObject[]
  readonly unchanged: number
}

/** What an entry says where nothing is said, in the form in which the server tells it. */
const DEFAULTS: JsonObject = {
  selectors: [],
  x509_svid_ttl: 0,
  jwt_svid_ttl: 0,
  federates_with: [],
  admin: false,
  downstream: false,
  expires_at: null,
  dns_names: [],
  store_svid: false,
  hint: '',
  subject: '',
  disable_x509_svid_prefetch: false,
  jwt_svid_include_jti: false,
}

const COMPARED = ['spiffe_id', 'parent_id', ...Object.keys(DEFAULTS)]

/** An entry of the file is one of the server's by its id; where it has none, by SPIFFE ID, parent and selectors. */
export function planFor(wanted: readonly JsonObject[], present: readonly JsonObject[], prune: boolean): Plan {
  const byId = new Map(present.map((one) => [goText(one['id']), one]))
  const byIdentity = new Map(present.map((one) => [identity(one), one]))
  const kept = new Set<JsonObject>()
  const create: JsonObject[] = []
  const update: { to: JsonObject; from: JsonObject }[] = []
  for (const given of wanted.map(whole)) {
    const from = given['id'] === undefined ? byIdentity.get(identity(given)) : byId.get(goText(given['id']))
    if (!from) create.push(given)
    else if (differences(from, given).length > 0) update.push({ to: { ...given, id: from['id'] as Json }, from })
    if (from) kept.add(from)
  }
  const remove = prune ? present.filter((one) => !kept.has(one)) : []
  return { create, update, remove, unchanged: kept.size - update.length }
}

/** What is not the same: the name, how it is, how it shall be. */
export function differences(from: JsonObject, to: JsonObject): readonly (readonly [name: string, from: string, to: string])[] {
  const differing = COMPARED.filter((name) => JSON.stringify(from[name]) !== JSON.stringify(to[name]))
  return differing.map((name) => [name, goText(from[name]), goText(to[name])])
}

/** As the server would tell it. */
function whole(given: JsonObject): JsonObject {
  const entry: JsonObject = { ...DEFAULTS, ...given }
  for (const name of ['x509_svid_ttl', 'jwt_svid_ttl']) entry[name] = parseSeconds(entry[name] as string | number)
  entry['expires_at'] = toTime(entry['expires_at'] as Json)
  entry['selectors'] = inOrder(entry['selectors'] as Json)
  entry['federates_with'] = inOrder(entry['federates_with'] as Json, (name) => name.replace(/^spiffe:\/\//, ''))
  return entry
}

function toTime(value: Json): Json {
  const text = value === null ? '0' : goText(value)
  if (text === '0') return null
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text)
  if (Number.isNaN(ms)) throw new Fault('invalid', `${JSON.stringify(text)} is no time`)
  return new Date(ms).toISOString()
}

function inOrder(value: Json, each: (text: string) => string = (text) => text): Json {
  return Array.isArray(value) ? [...new Set(value.map(goText).map(each))].sort() : value
}

function identity(entry: JsonObject): string {
  return JSON.stringify([entry['spiffe_id'], entry['parent_id'], entry['selectors']])
}
