// Every key of a configuration, and what becomes of those that other products have.
import type { StanzaDoc } from '../../src/app/config/stanzas.ts'
import type { Field, Shape } from '../../src/base/fields.ts'
import { code, shown, table } from './markdown.ts'

/** `others` are the products whose keys are known, too. */
export function configPage(title: string, stanzas: readonly StanzaDoc[], others: string): string {
  return [`# ${title}`, ...stanzas.map((stanza) => section(stanza, others))].join('\n\n')
}

function section({ title, doc, table: { keys, foreign = {} } }: StanzaDoc, products: string): string {
  const others = Object.entries(foreign).map(([name, { why, harmless }]) => [code(name), ACCEPTED[harmless], why])
  return [
    `## ${title}`,
    doc,
    ...(Object.keys(keys).length > 0 ? [keyTable(keys)] : []),
    ...(others.length > 0 ? [`Keys of ${products} that are not there:`, table(['key', 'accepted', 'why, or what to do'], others)] : []),
  ].join('\n\n')
}

function keyTable(keys: Shape): string {
  return table(
    ['key', 'kind', 'what it is', 'default'],
    Object.entries(keys).map(([name, field]) => [code(name), kindOf(field), field.doc, field.needed ? 'needed' : shown(field.fallback)]),
  )
}

const ACCEPTED = { always: 'with a note', off: 'where it is off', on: 'where it is on', never: 'no' } as const

function kindOf({ kind, choices }: Field<unknown>): string {
  return choices ? choices.map(code).join(', ') : kind
}
