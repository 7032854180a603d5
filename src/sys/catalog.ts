// sys/plugins/catalog: what is built in. There are no external plugins, so it can only be read.
import { maybe, or, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty, keys, missing } from '../contract/reply.ts'
import { RUNNING_VERSION } from './version.ts'

const KINDS = ['auth', 'database', 'secret'] as const

/** There already, once a namespace, and never mounted. */
const UNMOUNTABLE = ['secret/cubbyhole']

const register = {
  command: or(text('Refused: there are no external plugins.'), ''),
  sha256: or(text('Refused: there are no external plugins.'), ''),
  version: maybe(text('Refused: there are no external plugins.')),
}

/** `kinds` as class and type: `secret/kv`. */
export function catalogPaths(kinds: readonly string[]): Path[] {
  const all = kinds.filter((one) => !UNMOUNTABLE.includes(one)).sort()
  const namesOf = (kind: string) => all.filter((one) => one.startsWith(`${kind}/`)).map((one) => one.slice(kind.length + 1))
  const has = (kind: string, name: string) => namesOf(kind).includes(name)
  const kind = text(`Kind of plugin: ${KINDS.join(', ')}.`)
  return [
    path('plugins/catalog', 'Everything that can be mounted.', {}, (op) => ({
      read: op({
        doc: 'List what is built in, by kind.',
        run: () => data({ ...byKind(namesOf), detailed: all.map(describe) }),
      }),
    })),
    path('plugins/catalog/:kind', 'Everything of one kind.', { kind }, (op) => ({
      list: op({ doc: 'List the names.', access: 'sudo', run: (_, input) => keys(namesOf(checked(input.kind))) }),
    })),
    path('plugins/catalog/:kind/:name', 'One engine or method.', { kind, name: text('Its name.') }, (op) => ({
      read: op({
        doc: 'Read what is known of it.',
        access: 'sudo',
        run: (_, input) => (has(checked(input.kind), input.name) ? data(details(input.name)) : missing()),
      }),
      write: op({
        doc: 'Refused: there are no external plugins.',
        access: 'sudo',
        input: register,
        run: () => {
          throw new Fault('invalid', 'there are no external plugins: what can be mounted is built in')
        },
      }),
      delete: op({
        doc: 'Nothing, as only what is built in is there.',
        access: 'sudo',
        run(_, input) {
          if (has(checked(input.kind), input.name)) throw new Fault('invalid', `${input.name} is built in and can't be removed`)
          return empty()
        },
      }),
    })),
  ]
}

function byKind(namesOf: (kind: string) => string[]): JsonObject {
  return Object.fromEntries(KINDS.map((kind) => [kind, namesOf(kind)]).filter(([, names]) => names?.length))
}

function describe(one: string): JsonObject {
  const [type = '', name = ''] = one.split('/')
  return { builtin: true, deprecation_status: 'supported', name, type, version: RUNNING_VERSION }
}

function details(name: string): JsonObject {
  return { args: null, builtin: true, command: '', deprecation_status: 'supported', name, sha256: '', version: RUNNING_VERSION }
}

function checked(kind: string): string {
  if (!KINDS.some((one) => one === kind)) throw new Fault('invalid', `missing or invalid plugin type ${JSON.stringify(kind)}`)
  return kind
}
