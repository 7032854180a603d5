// Policy texts, HCL or JSON, to rules; what Vault refuses is refused in its words.
import { coreFault, Fault } from '../base/fault.ts'
import { type HclBody, type HclItem, type HclName, parseHcl } from '../base/hcl.ts'
import { parseRule, RULE_KEYS } from './parse-rule.ts'
import type { Policy, Rule } from './policy.ts'

/**
 * Throws `invalid` with all that is wrong.
 * @example parsePolicy('reader', 'path "kv/*" { capabilities = ["read"] }')
 */
export function parsePolicy(name: string, text: string): Policy {
  return { name, text, rules: prefixed('failed to parse policy: ', () => parseRules(text)) }
}

function parseRules(text: string): Rule[] {
  const body = prefixed('At ', () => parseHcl(text))
  refuseUnknown(body, ['name', 'path'], '')
  return body.items.filter(({ names }) => names[0]?.text === 'path').flatMap(stanzasOf)
}

function stanzasOf({ names: [, label, ...inner], value }: HclItem): Rule[] {
  if (label && value.kind === 'body') return [stanza(label, nest(inner, value))]
  if (value.kind === 'body' && value.items.length === 0) return []
  throw new Fault('invalid', 'path: expected a quoted path and a block')
}

/** A second label reads as a key within the stanza, where it is unknown. */
function nest(labels: readonly HclName[], body: HclBody): HclBody {
  if (labels.length === 0) return body
  return { ...body, items: [{ names: labels, assigned: false, value: body }] }
}

function stanza(label: HclName, body: HclBody): Rule {
  const context = `path ${quoted(label.text)}: `
  refuseUnknown(body, RULE_KEYS, context)
  return prefixed(context, () => parseRule(label, body))
}

function refuseUnknown(body: HclBody, known: readonly string[], context: string): void {
  const unknown = body.items.map(({ names }) => names[0] as HclName).filter(({ text }) => !known.includes(text))
  if (unknown.length === 0) return
  throw coreFault('invalid', ...unknown.slice(0, 10).map(({ text, line }) => `${context}invalid key ${quoted(text)} on line ${line}`))
}

function prefixed<T>(context: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) throw new Fault('invalid', context + error.message)
    throw error
  }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text)
}
