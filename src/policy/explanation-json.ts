// An explanation as clients read it: facts to work with, and one sentence that says it.
import type { JsonObject } from '../base/json.ts'
import type { Verb } from '../contract/call.ts'
import { BIT, capabilitiesOf, neededFor } from './capability.ts'
import type { AclRequest } from './acl.ts'
import type { Explanation, IdleStanza, MatchingRule, Stanza } from './explain.ts'

export function explanationJson({ path, verb, creates, sudo }: Omit<AclRequest, 'data'>, found: Explanation): JsonObject {
  const { decision, decidedBy, beaten, idle, remedy } = found
  return {
    allowed: decision.allowed,
    operation: operationOf(verb, creates),
    path,
    needs: verb === 'help' ? [] : capabilitiesOf(BIT[neededFor(verb, creates)] | (sudo ? BIT.sudo : 0)),
    reason: reasonOf(found),
    decided_by: decidedBy ? ruleJson(decidedBy) : null,
    beaten: beaten.map(ruleJson),
    idle: idle.map(idleJson),
    change: remedy ? { text: remedy.text, ...(remedy.rule === undefined ? {} : { rule: remedy.rule }) } : null,
  }
}

/** As capabilities call it. */
function operationOf(verb: Verb, creates: boolean): string {
  return verb === 'help' ? verb : neededFor(verb, creates)
}

function ruleJson({ path, capabilities, stanzas, because }: MatchingRule): JsonObject {
  return { path, capabilities: [...capabilities], because, stanzas: stanzas.map(stanzaJson) }
}

function stanzaJson({ policy, line, path, capabilities }: Stanza): JsonObject {
  return { policy, line, path, capabilities: [...capabilities] }
}

function idleJson(stanza: IdleStanza): JsonObject {
  return { ...stanzaJson(stanza), because: stanza.because }
}

/** One sentence, without an end. */
export function reasonOf({ decision, decidedBy }: Explanation): string {
  const { allowed, root, capability, refusal } = decision
  if (root) return 'the policy root allows everything'
  if (allowed && !decidedBy) return 'help is for everybody'
  const rule = JSON.stringify(decidedBy?.path)
  if (!refusal) return `${rule} grants ${capability}, by ${list(decision.policies)}`
  switch (refusal.why) {
    case 'no-rule':
      return 'no rule of these policies matches the path'
    case 'denied':
      return `${rule} is denied, by ${list(denying(decidedBy))}`
    case 'capability':
      return `${rule} does not grant ${list(refusal.missing)}`
    case 'wrapping':
      return `${rule} bounds how long the answer must be wrapped`
    case 'page':
      return `${rule} bounds how many names may be asked for at once`
    case 'parameter-missing':
      return `${rule} asks for the parameter ${JSON.stringify(refusal.parameter)}`
    case 'parameter-denied':
      return `${rule} denies the parameter ${JSON.stringify(refusal.parameter)}, or its value`
    case 'parameter-not-allowed':
      return `${rule} does not allow the parameter ${JSON.stringify(refusal.parameter)}, or its value`
  }
}

function denying(rule: MatchingRule | undefined): string[] {
  return [...new Set(rule?.stanzas.filter(({ capabilities }) => capabilities.includes('deny')).map(({ policy }) => policy))]
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
