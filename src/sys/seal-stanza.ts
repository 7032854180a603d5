// The parameter `seal` of a new namespace: one stanza, as HCL or JSON, that says how the key of its own seal is shared.
import { Fault } from '../base/fault.ts'
import { type HclBody, type HclItem, type HclValue, parseHcl } from '../base/hcl.ts'

export interface Split {
  readonly shares: number
  readonly threshold: number
}

interface Stanza {
  readonly type: string
  readonly body: HclBody
}

/**
 * Throws `invalid` for what is no seal that a namespace can have; whether so many shares can be made is checked when they are.
 * @example parseSealStanza('seal "shamir" { shares = 5 threshold = 3 }') // { shares: 5, threshold: 3 }
 */
export function parseSealStanza(text: string): Split {
  const [stanza, ...more] = parsed(text).items.flatMap(stanzasOf)
  if (!stanza || more.length > 0) throw new Fault('invalid', 'seal config must contain exactly one seal stanza')
  if (stanza.type !== 'shamir') throw new Fault('invalid', 'namespaces currently only support shamir seals')
  return { shares: count(stanza.body, 'shares'), threshold: count(stanza.body, 'threshold') }
}

function parsed(text: string): HclBody {
  try {
    return parseHcl(text)
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid', `unable to parse seal config: At ${error.message}`) : error
  }
}

function stanzasOf({ names: [word, label], value }: HclItem): Stanza[] {
  if (word?.text !== 'seal' && word?.text !== 'kms') return []
  if (label) return bodies(value).map((body) => ({ type: label.text, body }))
  return bodies(value).flatMap(({ items }) =>
    items.flatMap(({ names: [type], value: inner }) => bodies(inner).map((body) => ({ type: type?.text ?? '', body }))),
  )
}

function bodies(value: HclValue): HclBody[] {
  if (value.kind === 'list') return value.items.flatMap(bodies)
  return value.kind === 'body' ? [value] : []
}

function count({ items }: HclBody, name: string): number {
  const value = items.findLast(({ names: [one] }) => one?.text === name)?.value
  if (!value) return 0
  const number = value.kind === 'literal' && /^\d+$/.test(String(value.value)) ? Number(value.value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw new Fault('invalid', `value of ${name} parameter must be integer`)
  return number
}
