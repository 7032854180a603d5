// An HCL tree as plain objects, for configuration: HCL's own JSON form.
import { faultAt } from './hcl-cursor.ts'
import type { HclBody, HclItem, HclValue } from './hcl-tree.ts'
import { shown } from './hcl-tree.ts'
import type { Json, JsonObject } from './json.ts'

/**
 * Blocks and objects become arrays of objects, labels a level each, in order; all else becomes its value.
 * Throws `invalid` where an argument is set twice.
 * @example toObject(parseHcl('ui = true listener "tcp" { address = ":8200" }')) // { ui: true, listener: [{ tcp: [{ address: ':8200' }] }] }
 */
export function toObject(body: HclBody): JsonObject {
  const members = new Map<string, Json>()
  const assigned = new Set<string>()
  for (const item of body.items) {
    const [name] = item.names
    if (!name) continue
    const before = members.get(name.text)
    if (before !== undefined && (item.assigned || assigned.has(name.text))) throw faultAt(name, `"${shown(name.text)}" is set twice`)
    if (item.assigned) assigned.add(name.text)
    if (Array.isArray(before)) before.push(blockOf(item))
    else members.set(name.text, item.assigned ? toJson(item.value) : [blockOf(item)])
  }
  return Object.fromEntries(members)
}

/** The block under its labels, outermost first. */
function blockOf({ names, value }: HclItem): Json {
  const inner = value.kind === 'body' ? toObject(value) : toJson(value)
  return names.slice(1).reduceRight<Json>((within, label) => Object.fromEntries([[label.text, [within]]]), inner)
}

/** One value; an object is an array of one. */
export function toJson(value: HclValue): Json {
  if (value.kind === 'literal') return value.value
  if (value.kind === 'body') return [toObject(value)]
  return value.items.map((item) => (item.kind === 'body' ? toObject(item) : toJson(item)))
}
