// Reads one stanza of the configuration by its table: known keys are parsed, all else is refused or noted, with its place.
import { Fault } from '../../base/fault.ts'
import type { Field, Shape, Values } from '../../base/fields.ts'
import type { HclBody, HclItem } from '../../base/hcl.ts'
import { toJson, toObject } from '../../base/hcl-object.ts'
import { shown as short } from '../../base/hcl-tree.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import { closest } from '../../cli/suggest.ts'
import type { Foreign } from './foreign.ts'

/** One file, parsed. */
export interface Source {
  readonly file: string
  readonly body: HclBody
}

/** A stanza as it stands in the files; the configuration as a whole is one too, gathered from all of them. */
export interface Block {
  /** How messages call it: `listener "tcp"`. */
  readonly title: string
  readonly labels: readonly string[]
  readonly place: string
  readonly items: readonly Placed[]
  /** Filled when the stanza is read. */
  readonly effect: Effect
  /** Takes what an operator should know about a key that is accepted and has no effect. */
  readonly note: (text: string) => void
}

/** What a stanza comes to, with its defaults and without its secrets. */
export interface Effect {
  readonly name: string
  readonly labels: readonly string[]
  readonly values: JsonObject
  readonly within: Effect[]
}

export interface Placed {
  readonly file: string
  readonly item: HclItem
}

/** The table of a stanza. */
export interface Stanza<S extends Shape, B extends string> {
  readonly keys: S
  /** Stanzas within it, each with how many labels it has. */
  readonly blocks?: Readonly<Record<B, number>>
  /** Keys of Vault and OpenBao that are not ours. */
  readonly foreign?: Readonly<Record<string, Foreign>>
}

export interface Read<S extends Shape, B extends string> {
  readonly values: Values<S>
  readonly blocks: Readonly<Record<B, readonly Block[]>>
}

/** All files as one stanza. */
export function wholeOf(sources: readonly Source[], note: (text: string) => void): Block {
  const items = sources.flatMap(({ file, body }) => body.items.map((item) => ({ file, item })))
  const effect = { name: '', labels: [], values: {}, within: [] }
  return { title: 'the configuration', labels: [], place: sources.map(({ file }) => file).join(', '), items, effect, note }
}

/** Throws `invalid` with the place for what is unknown, set twice, of the wrong kind, or missing. */
export function readStanza<S extends Shape, B extends string = never>(block: Block, stanza: Stanza<S, B>): Read<S, B> {
  const set = new Map<string, Placed>()
  const blocks = Object.fromEntries(Object.keys(stanza.blocks ?? {}).map((name) => [name, [] as Block[]]))
  for (const placed of block.items) {
    const name = nameOf(placed)
    const labels = (stanza.blocks as Readonly<Record<string, number>> | undefined)?.[name]
    if (labels !== undefined) blocks[name]?.push(...blocksOf(block, placed, labels))
    else if (Object.hasOwn(stanza.keys, name)) setOnce(set, placed)
    else foreign(block, placed, stanza)
  }
  const values = Object.fromEntries(Object.entries(stanza.keys).map(([name, field]) => [name, valueOf(block, name, field, set.get(name))]))
  Object.assign(block.effect.values, shown(stanza.keys, values))
  return { values: values as Values<S>, blocks: blocks as unknown as Read<S, B>['blocks'] }
}

const HIDDEN = '(hidden)'

function shown(keys: Shape, values: Readonly<Record<string, unknown>>): JsonObject {
  const said = Object.entries(values).filter(([, value]) => value !== undefined && value !== '')
  return Object.fromEntries(said.map(([name, value]) => [name, keys[name]?.secret && !isReference(value) ? HIDDEN : (value as Json)]))
}

/** Where a secret is, which is none itself. */
function isReference(value: unknown): boolean {
  return typeof value === 'string' && /^(?:env|file):\/\//.test(value)
}

/** The stanza that may be given once. */
export function only([block, second]: readonly Block[]): Block | undefined {
  if (block && second) throw refuse(second, `${second.title} is set already, at ${block.place}`)
  return block
}

/** A refusal that names the place of a stanza. */
export function refuse({ place }: Block, message: string): Fault {
  return new Fault('invalid', `${place}: ${message}`)
}

/** A refusal that names the place of one key. */
export function refuseItem(placed: Placed, message: string): Fault {
  return new Fault('invalid', `${placeOf(placed)}: ${message}`)
}

function nameOf({ item }: Placed): string {
  return item.names[0]?.text ?? ''
}

function placeOf({ file, item }: Placed): string {
  const { line, column } = item.names[0] ?? item.value
  return `${file}:${line}:${column}`
}

function setOnce(set: Map<string, Placed>, placed: Placed): void {
  const name = nameOf(placed)
  const before = set.get(name)
  if (before) throw new Fault('invalid', `${placeOf(placed)}: "${name}" is set already, at ${placeOf(before)}`)
  set.set(name, placed)
}

function valueOf(block: Block, name: string, field: Field<unknown>, placed: Placed | undefined): unknown {
  if (!placed) {
    if (field.needed) throw refuse(block, `${block.title} needs ${name}`)
    return field.fallback
  }
  try {
    return field.parse(rawOf(placed))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault('invalid', `${placeOf(placed)}: ${name} in ${block.title}: ${error.message}`)
  }
}

function rawOf({ item: { names, value } }: Placed): Json {
  if (names.length > 1) throw new Fault('invalid', 'it takes no label')
  return value.kind === 'body' ? toObject(value) : toJson(value)
}

/** The blocks that an item stands for: JSON and nested HCL may say labels and blocks in either's place. */
function blocksOf(parent: Block, { file, item }: Placed, labels: number): Block[] {
  const [name] = item.names
  const given = item.names.slice(1, labels + 1)
  if (item.value.kind !== 'body' || !name) throw new Fault('invalid', `${placeOf({ file, item })}: "${name?.text}" must be a block`)
  if (given.length < labels) {
    const inner = item.value.items
    if (inner.length === 0 || inner.some(({ value }) => value.kind !== 'body')) {
      throw new Fault('invalid', `${placeOf({ file, item })}: "${name.text}" needs a label: ${name.text} "…" { … }`)
    }
    return inner.flatMap((one) => blocksOf(parent, { file, item: { ...one, names: [...item.names, ...one.names] } }, labels))
  }
  const rest = item.names.slice(labels + 1)
  const items = rest.length > 0 ? [{ ...item, names: rest }] : item.value.items
  const effect = { name: name.text, labels: given.map(({ text }) => text), values: {}, within: [] }
  parent.effect.within.push(effect)
  return [
    {
      title: [name.text, ...given.map(({ text }) => JSON.stringify(short(text)))].join(' '),
      labels: effect.labels,
      place: placeOf({ file, item }),
      items: items.map((one) => ({ file, item: one })),
      effect,
      note: parent.note,
    },
  ]
}

/** A key that is not ours: another product's, known by name, or a mistake. */
function foreign<B extends string>(block: Block, placed: Placed, { keys, blocks = {} as never, foreign: others = {} }: Stanza<Shape, B>): void {
  const name = nameOf(placed)
  const known = Object.hasOwn(others, name) ? others[name] : undefined
  const where = `${placeOf(placed)}: "${short(name)}" in ${block.title}`
  if (known && isHarmless(known, placed)) return block.note(`${where} is not needed: ${known.why}`)
  if (known) throw new Fault('invalid', `${where} is not offered: ${known.why}`)
  const meant = closest(name, [...Object.keys(keys), ...Object.keys(blocks)])
  throw new Fault('invalid', `${where} is not known${meant === undefined ? '' : `; did you mean "${meant}"?`}`)
}

function isHarmless({ harmless }: Foreign, { item: { value } }: Placed): boolean {
  if (harmless === 'always' || harmless === 'never') return harmless === 'always'
  const off = value.kind === 'literal' && [false, 'false', 0, '0', ''].includes(value.value)
  const on = value.kind === 'literal' && [true, 'true', 1, '1'].includes(value.value)
  return harmless === 'off' ? off : on
}
