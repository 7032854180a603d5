// OpenAPI 3 from the declarations: what `sys/internal/specs/openapi` and `?help=1` answer.
import type { Field, Shape } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import type { Module, Op, OpVerb, Path } from '../contract/module.ts'

/** A module and the path it is mounted at, ending in a slash. */
export interface Mounted {
  readonly at: string
  readonly module: Module
}

const METHOD: Partial<Record<OpVerb, string>> = { read: 'get', list: 'get', write: 'post', patch: 'patch', delete: 'delete' }

/** A whole document (OpenAPI 3.0.3). */
export function openApi(mounted: readonly Mounted[], version: string): JsonObject {
  const paths: JsonObject = {}
  for (const { at, module } of mounted) {
    for (const path of module.paths) paths[`/${at}${braced(path.template)}`] = pathItem(at, path)
  }
  return {
    openapi: '3.0.3',
    info: { title: 'Signet', description: 'Every route is under `/v1/`.', version, license: { name: 'Apache-2.0' } },
    paths,
  }
}

function braced(template: string): string {
  return template.replace(/[:*](\w+)/g, '{$1}')
}

function pathItem(at: string, path: Path): JsonObject {
  const captured = [...path.template.matchAll(/[:*](\w+)/g)].map((match) => match[1] as string)
  const item: JsonObject = { description: path.doc }
  if (captured.length > 0) item['parameters'] = captured.map((name) => parameter(name, path.params[name]))
  for (const [verb, op] of Object.entries(path.ops) as [OpVerb, Op][]) {
    const method = METHOD[verb]
    if (method === undefined) continue
    const known = item[method] as JsonObject | undefined
    item[method] = known ? listToo(known) : operation(at, path, verb, op)
  }
  return item
}

function parameter(name: string, field: Field<unknown> | undefined): JsonObject {
  return { name, in: 'path', required: true, description: field?.doc ?? '', schema: field ? schema(field) : { type: 'string' } }
}

/** A path that can be both read and listed is one GET with a `list` parameter. */
function listToo(read: JsonObject): JsonObject {
  const parameters = (read['parameters'] as JsonObject[] | undefined) ?? []
  return { ...read, parameters: [...parameters, { name: 'list', in: 'query', schema: { type: 'string', enum: ['true'] } }] }
}

function operation(at: string, path: Path, verb: OpVerb, op: Op): JsonObject {
  const out: JsonObject = {
    operationId: operationId(at, path.template, verb),
    summary: op.doc,
    tags: [at.split('/')[0] as string],
    responses: responses(op),
  }
  if (op.access === 'open' || op.access === 'share') out['security'] = []
  if (op.access === 'sudo') out['x-vault-sudo'] = true
  if (verb === 'write' || verb === 'patch') return { ...out, ...requestBody(verb, op) }
  const query = Object.entries(op.input).map(([name, field]) => ({ name, in: 'query', description: field.doc, schema: schema(field) }))
  const parameters = verb === 'list' ? [...query, { name: 'list', in: 'query', required: true, schema: { type: 'string', enum: ['true'] } }] : query
  return parameters.length > 0 ? { ...out, parameters } : out
}

function operationId(at: string, template: string, verb: OpVerb): string {
  return `${at}${template}-${verb}`.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-|-$/g, '')
}

function requestBody(verb: OpVerb, op: Op): JsonObject {
  if (Object.keys(op.input).length === 0 && !op.arbitrary) return {}
  const type = verb === 'patch' ? 'application/merge-patch+json' : 'application/json'
  return { requestBody: { content: { [type]: { schema: objectSchema(op.input) } } } }
}

function responses(op: Op): JsonObject {
  const content = Object.keys(op.output).length > 0 ? { content: { 'application/json': { schema: objectSchema(op.output) } } } : {}
  return {
    '200': { description: 'OK', ...content },
    '204': { description: 'No content' },
    '400': { description: 'Bad request' },
    '403': { description: 'Permission denied' },
    '404': { description: 'Nothing there' },
  }
}

function objectSchema(shape: Shape): JsonObject {
  const properties = Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, schema(field)]))
  const required = Object.entries(shape)
    .filter(([, field]) => field.needed)
    .map(([name]) => name)
  return { type: 'object', properties, ...(required.length > 0 ? { required } : {}) }
}

const TYPES: Record<Field<unknown>['kind'], JsonObject> = {
  text: { type: 'string' },
  bool: { type: 'boolean' },
  int: { type: 'integer' },
  float: { type: 'number' },
  seconds: { type: 'string', format: 'duration' },
  list: { type: 'array', items: { type: 'string' } },
  pairs: { type: 'object', additionalProperties: { type: 'string' } },
  object: { type: 'object' },
  any: {},
  time: { type: 'string', format: 'date-time' },
  choice: { type: 'string' },
}

function schema(field: Field<unknown>): JsonObject {
  return {
    ...TYPES[field.kind],
    description: field.doc,
    ...(field.choices ? { enum: [...field.choices] } : {}),
    ...(field.fallback === undefined ? {} : { default: field.fallback as string }),
    ...(field.secret ? { 'x-vault-display-sensitive': true } : {}),
  }
}
