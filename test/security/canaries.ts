// Texts that are found again wherever they end up, and the calls that carry them into every field that the declarations name.
import { randomBytes } from 'node:crypto'

export interface Canary {
  readonly text: string
  /** May never be shown; the rest may stand in an error or a warning, as Vault's texts do. */
  readonly secret: boolean
  readonly where: string
}

export interface Canaries {
  /** A new text, remembered. */
  plant(where: string, secret: boolean): string
  /** Those that stand in a text, plain, in hex or in base64. */
  found(text: string): Canary[]
}

/** Nine letters and digits, so that whatever stands before it, three of them fill whole groups of base64. */
export function openCanaries(): Canaries {
  const marker = `zq${randomBytes(4).toString('hex').slice(0, 7)}`
  const planted: Canary[] = []
  const forms = [Buffer.from(marker).toString('hex'), ...[0, 1, 2].map((shift) => base64Inside(marker, shift))]
  return {
    plant(where, secret) {
      const text = `${marker}n${planted.length}e`
      planted.push({ text, secret, where })
      return text
    },
    found(text) {
      if (forms.some((form) => text.includes(form))) return [{ text, secret: true, where: 'in another encoding' }]
      return [...text.matchAll(new RegExp(`${marker}n(\\d+)e`, 'g'))].map((match) => planted[Number(match[1])] as Canary)
    },
  }
}

/** The letters of base64 that depend on nothing but the marker, which stands `shift` bytes into a group. */
function base64Inside(marker: string, shift: number): string {
  return Buffer.from(' '.repeat(shift) + marker)
    .toString('base64')
    .slice(shift === 0 ? 0 : 4, -4)
}

/** One declared operation, as the OpenAPI document tells of it. */
export interface Operation {
  readonly method: string
  /** `/secret/data/{path}` */
  readonly template: string
  readonly fields: readonly DeclaredField[]
  /** Takes whatever it is sent. */
  readonly free: boolean
}

export interface DeclaredField {
  readonly name: string
  readonly kind: 'text' | 'number' | 'flag' | 'duration' | 'time' | 'list' | 'pairs' | 'data'
  readonly choices: readonly string[]
  readonly secret: boolean
}

export function operationsOf(document: any): Operation[] {
  return Object.entries<any>(document.paths).flatMap(([template, item]) =>
    METHODS.flatMap((method) => (item[method] ? operations(template, method, item[method]) : [])),
  )
}

const METHODS = ['get', 'post', 'patch', 'delete']

function operations(template: string, method: string, operation: any): Operation[] {
  const schema = Object.values<any>(operation.requestBody?.content ?? {})[0]?.schema
  const query = (operation.parameters ?? []).filter((one: any) => one.in === 'query' && one.name !== 'list')
  const fields = [...query.map((one: any) => toField(one.name, one.schema)), ...toFields(schema?.properties ?? {})]
  const lists = (operation.parameters ?? []).some((one: any) => one.name === 'list')
  const one: Operation = { method: method.toUpperCase(), template, fields, free: schema !== undefined && fields.length === 0 }
  return lists ? [one, { ...one, method: 'LIST' }, { ...one, method: 'SCAN' }] : [one]
}

function toFields(properties: Record<string, unknown>): DeclaredField[] {
  return Object.entries(properties).map(([name, schema]) => toField(name, schema))
}

function toField(name: string, schema: any): DeclaredField {
  const kind = kindOf(schema)
  const opaque = kind === 'data' || (kind === 'pairs' && !SHOWN.includes(name))
  return { name, kind, choices: schema.enum ?? [], secret: opaque || schema['x-vault-display-sensitive'] === true }
}

/** Metadata of a token, which stands in clear in the records of whoever uses it, as in Vault's. */
const SHOWN = ['meta']

function kindOf({ type, format, additionalProperties }: any): DeclaredField['kind'] {
  if (type === 'string') return format === 'duration' ? 'duration' : format === 'date-time' ? 'time' : 'text'
  if (type === 'object' && additionalProperties) return 'pairs'
  return ({ integer: 'number', boolean: 'flag', array: 'list' } as const)[type as 'array'] ?? 'data'
}

/** A value of the kind that the field wants. */
export function fitting({ kind, choices, secret, name }: DeclaredField, { plant }: Canaries): unknown {
  if (kind === 'number') return 1
  if (kind === 'flag') return false
  if (kind === 'duration') return '1h'
  if (kind === 'time') return '2030-01-02T03:04:05Z'
  const text = choices[0] ?? plant(name, secret)
  if (kind === 'text') return text
  if (kind === 'list') return [text]
  return kind === 'pairs' ? { k: text } : { k: text, deep: [{ er: plant(name, secret) }] }
}

/** Values of every kind, most of which the field does not want. */
export function unfitting({ name, secret }: DeclaredField, { plant }: Canaries): unknown[] {
  const text = () => plant(name, secret)
  return [text(), [text(), text()], { k: text() }, [{ k: text() }], [[text()]], `k=${text()}`, `{"k":"${text()}`, `\ud800${text()}`]
}
