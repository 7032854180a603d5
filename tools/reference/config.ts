// Every key of a server's configuration, and what becomes of those that Vault and OpenBao have.
import { STANZAS } from '../../src/app/config/stanzas.ts'
import type { Field } from '../../src/base/fields.ts'
import { code, shown, table } from './markdown.ts'

export function configPage(): string {
  return ['# Configuration of a server', ...STANZAS.map(section)].join('\n\n')
}

function section({ title, doc, table: { keys, foreign = {} } }: (typeof STANZAS)[number]): string {
  const others = Object.entries(foreign).map(([name, { why, harmless }]) => [code(name), ACCEPTED[harmless], why])
  return [
    `## ${title}`,
    doc,
    table(
      ['key', 'kind', 'what it is', 'default'],
      Object.entries(keys).map(([name, field]) => [code(name), kindOf(field), field.doc, field.needed ? 'needed' : shown(field.fallback)]),
    ),
    ...(others.length > 0 ? ['Keys of Vault and OpenBao that are not there:', table(['key', 'accepted', 'why, or what to do'], others)] : []),
  ].join('\n\n')
}

const ACCEPTED = { always: 'with a note', off: 'where it is off', on: 'where it is on', never: 'no' } as const

function kindOf({ kind, choices }: Field<unknown>): string {
  return choices ? choices.map(code).join(', ') : kind
}
