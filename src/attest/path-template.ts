// Templates of agent paths: what of SPIRE's agent_path_template (Go's text/template) names fields, and nothing that computes.
import { Fault } from '../base/fault.ts'

/**
 * What a template may name. A `text` becomes one segment or part of one; a `path` may have slashes; a `map` is asked by key and a
 * `list` by number.
 */
export type TemplateFields = Readonly<Record<string, 'text' | 'path' | 'map' | 'list'>>
export type TemplateValues = Readonly<Record<string, string | Readonly<Record<string, string>> | readonly string[]>>

interface Reference {
  readonly field: string
  /** Of a map or list. */
  readonly key: string | undefined
  readonly steps: readonly Step[]
}

type Step = (value: string) => string

/** Literal text, and references in turn with it. */
export interface PathTemplate {
  readonly type: string
  readonly fields: TemplateFields
  readonly parts: readonly (string | Reference)[]
}

const MAX_TEMPLATE = 1_024
const FIELD = /^\.(\w+(?:\.\w+)*)$/
const KEYED = /^index\s+\.(\w+(?:\.\w+)*)\s+(?:"([^"\\]*)"|(\d+))$/
const STEP = /^(lower|upper|trimPrefix|trimSuffix|replace)((?:\s+"[^"\\]*")*)$/

/** With the count of their arguments (names and order of sprig, which SPIRE uses). */
const STEPS: Readonly<Record<string, { readonly takes: number; readonly make: (...args: string[]) => Step } | undefined>> = {
  lower: { takes: 0, make: () => (value) => value.toLowerCase() },
  upper: { takes: 0, make: () => (value) => value.toUpperCase() },
  trimPrefix: {
    takes: 1,
    make:
      (prefix = '') =>
      (value) =>
        value.startsWith(prefix) ? value.slice(prefix.length) : value,
  },
  trimSuffix: {
    takes: 1,
    make:
      (suffix = '') =>
      (value) =>
        suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  },
  replace: {
    takes: 2,
    make:
      (from = '', to = '') =>
      (value) =>
        from === '' ? value : value.replaceAll(from, to),
  },
}

/**
 * Throws `invalid` for what is no template, names what the attestor does not know, or leads out of the attestor's own IDs.
 * @example parseTemplate('/x509pop/{{ .Subject.CommonName | lower }}', 'x509pop', { 'Subject.CommonName': 'text' })
 */
export function parseTemplate(text: string, type: string, own: TemplateFields): PathTemplate {
  const fields = { ...own, PluginName: 'text', TrustDomain: 'text' } as const
  if (text.length > MAX_TEMPLATE) throw invalid(`has at most ${MAX_TEMPLATE} characters`)
  const parts = text.split(/\{\{([^{}]*)\}\}/).map((part, index) => (index % 2 === 0 ? part : parseReference(part.trim(), fields)))
  if (parts.some((part) => typeof part === 'string' && /[{}]/.test(part))) throw invalid('has a brace that belongs to nothing')
  const template = { type, fields, parts }
  const [first, second, third] = parts
  const leads = first === '/' && typeof second === 'object' && second.field === 'PluginName' ? `/${type}${String(third)}` : String(first)
  if (!leads.startsWith(`/${type}/`)) throw invalid(`must begin with "/${type}/" or "/{{ .PluginName }}/"`)
  return template
}

/** The path below `/spire/agent/<type>/`, which is still to be parsed. Throws `denied` where a value is missing or has a slash. */
export function renderTemplate({ type, fields, parts }: PathTemplate, values: TemplateValues, trustDomain: string): string {
  const all: TemplateValues = { ...values, PluginName: type, TrustDomain: trustDomain }
  const path = parts.map((part) => (typeof part === 'string' ? part : render(part, fields, all))).join('')
  return path.slice(`/${type}/`.length)
}

function render({ field, key, steps }: Reference, fields: TemplateFields, values: TemplateValues): string {
  const whole = values[field]
  const found = typeof whole === 'string' ? whole : own(whole, key ?? '')
  const name = key === undefined ? field : `${field} ${key}`
  if (found === undefined || found === '') throw new Fault('denied', `agent path: the node has no ${name}`)
  const value = steps.reduce((text, step) => step(text), found)
  if (fields[field] !== 'path' && value.includes('/')) throw new Fault('denied', `agent path: ${name} has a slash`)
  return value
}

function own(values: TemplateValues[string] | undefined, key: string): string | undefined {
  return typeof values === 'object' && Object.hasOwn(values, key) ? (values as Readonly<Record<string, string>>)[key] : undefined
}

function parseReference(text: string, fields: TemplateFields): Reference {
  const [head = '', ...pipe] = text.split('|').map((part) => part.trim())
  const steps = pipe.map(parseStep)
  const field = FIELD.exec(head)?.[1]
  if (field !== undefined) return plainReference(field, fields, steps)
  const [, name = '', key, number] = KEYED.exec(head) ?? []
  const kind = kindOf(fields, name, head)
  if (kind !== 'map' && kind !== 'list') throw invalid(`"${name}" has nothing to index`)
  if ((kind === 'map') !== (key !== undefined)) throw invalid(`"${name}" is asked by ${kind === 'map' ? 'a key in quotes' : 'a number'}`)
  return { field: name, key: key ?? number, steps }
}

/** `.Field`, or `.Map.key`. */
function plainReference(name: string, fields: TemplateFields, steps: readonly Step[]): Reference {
  if (Object.hasOwn(fields, name) && fields[name] !== 'map' && fields[name] !== 'list') return { field: name, key: undefined, steps }
  const dot = name.lastIndexOf('.')
  const map = name.slice(0, dot)
  if (dot > 0 && Object.hasOwn(fields, map) && fields[map] === 'map') return { field: map, key: name.slice(dot + 1), steps }
  kindOf(fields, name, name)
  throw invalid(`"${name}" needs an index`)
}

function kindOf(fields: TemplateFields, name: string, shown: string): TemplateFields[string] {
  const kind = Object.hasOwn(fields, name) ? fields[name] : undefined
  if (!kind) throw invalid(`has no "${shown}" (known: ${Object.keys(fields).join(', ')})`)
  return kind
}

function parseStep(text: string): Step {
  const [, name = '', quoted = ''] = STEP.exec(text) ?? []
  const args = Array.from(quoted.matchAll(/"([^"]*)"/g), ([, arg = '']) => arg)
  const known = Object.hasOwn(STEPS, name) ? STEPS[name] : undefined
  if (!known || known.takes !== args.length) throw invalid(`cannot do "${text}" (known: ${Object.keys(STEPS).join(', ')})`)
  return known.make(...args)
}

function invalid(why: string): Fault {
  return new Fault('invalid', `agent_path_template ${why}`)
}
