// An explanation of the policies' verdict, as people read it.
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import { columns } from './output/table.ts'
import { goText } from './output/text.ts'

/** Lines without their ends. */
export function explanationLines(told: JsonObject): string[] {
  const verdict = told['allowed'] === true ? 'allowed' : 'refused'
  const rules = [told['decided_by'], ...listOf(told['beaten'])].filter(isObject)
  const idle = listOf(told['idle']).filter(isObject)
  return [
    `${text(told['operation'])} ${text(told['path'])} is ${verdict}: ${text(told['reason'])}.`,
    ...(rules.length > 0 ? ['', columns(rules.map((rule, at) => ruleRow(at === 0 ? 'decides' : 'loses', rule)))] : []),
    ...(idle.length > 0 ? ['', columns(idle.map((stanza) => ['not in force', text(stanza['path']), placeOf(stanza), text(stanza['because'])]))] : []),
    ...absent(told),
    ...change(told['change']),
  ]
}

function ruleRow(role: string, rule: JsonObject): string[] {
  const stanzas = listOf(rule['stanzas']).filter(isObject)
  return [role, text(rule['path']), stanzas.map(placeOf).join(' '), listOf(rule['capabilities']).map(goText).join(','), text(rule['because'])]
}

function placeOf(stanza: JsonObject): string {
  return `${text(stanza['policy'])}:${text(stanza['line'])}`
}

function absent(told: JsonObject): string[] {
  const names = listOf(told['absent_policies']).map(goText)
  return names.length > 0 ? ['', `There is no policy named ${names.join(', ')}.`] : []
}

function change(raw: Json | undefined): string[] {
  if (!isObject(raw)) return []
  const rule = text(raw['rule'])
  return [
    '',
    `To allow it: ${text(raw['text'])}.`,
    ...(rule === ''
      ? []
      : [
          '',
          ...rule
            .trimEnd()
            .split('\n')
            .map((line) => `    ${line}`),
        ]),
  ]
}

function text(value: Json | undefined): string {
  return value === undefined || value === null ? '' : goText(value)
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}
