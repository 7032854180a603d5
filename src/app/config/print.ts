// A configuration in effect, printed: as HCL for people, as JSON for programs and for sys/config/state/sanitized.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Effect } from './stanza.ts'

/** HCL that says the same, defaults included; what is secret is not in it. */
export function printHcl({ values, within }: Effect): string {
  return [...keysOf(values, ''), ...within.map((one) => `\n${block(one, '')}`)].join('\n')
}

function block({ name, labels, values, within }: Effect, indent: string): string {
  const inner = `${indent}  `
  const head = [name, ...labels.map((label) => JSON.stringify(label))].join(' ')
  return [`${indent}${head} {`, ...keysOf(values, inner), ...within.map((one) => block(one, inner)), `${indent}}`].join('\n')
}

function keysOf(values: JsonObject, indent: string): string[] {
  const width = Math.max(0, ...Object.keys(values).map((name) => name.length))
  return Object.entries(values).map(([name, value]) => `${indent}${name.padEnd(width)} = ${literal(value)}`)
}

function literal(value: Json): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([key, one]) => `${JSON.stringify(key)} = ${literal(one)}`)
    .join(', ')} }`
}

/** Stanzas of one kind as a list under its plural, each with `type` and `config`; storage alone, as there is one. */
export function toSanitized({ values, within }: Effect): JsonObject {
  const lists: Record<string, JsonObject[]> = { listeners: [], seals: [] }
  const rest: JsonObject = {}
  for (const one of within) {
    const config = { ...one.values, ...Object.fromEntries(one.within.map((inner) => [inner.name, toSanitized(inner)])) }
    const [type] = one.labels
    if (type === undefined) rest[one.name] = config
    else if (one.name === 'storage') rest['storage'] = { type, ...config }
    else (lists[`${one.name}s`] ??= []).push({ type, config })
  }
  if (lists['seals']?.length === 0) lists['seals'] = [{ type: 'shamir', config: {} }]
  return { ...values, ...rest, ...lists }
}
