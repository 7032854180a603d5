// `path-help`: what a path is for and what it takes, as text and as OpenAPI.
import type { Shape } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import type { Module, Op, Path } from '../contract/module.ts'
import { openApi } from './openapi.ts'

/** Of one path of a module; `rest` is the path asked about, within the mount. */
export function pathHelp(module: Module, path: Path, rest: string, version: string): JsonObject {
  const help = [`Request:        ${rest}`, `Matching Route: ${path.template}`, '', path.doc, '', ...operations(path), ...parameters(path)].join('\n')
  return { help, see_also: null, openapi: openApi([{ at: '', module: { ...module, paths: [path] } }], version) }
}

/** Of a whole mount. */
export function moduleHelp(module: Module, version: string): JsonObject {
  const width = Math.max(...module.paths.map((path) => path.template.length))
  const routes = module.paths.map((path) => `    ${path.template.padEnd(width)}  ${path.doc}`).sort()
  return {
    help: ['## DESCRIPTION', '', module.doc, '', '## PATHS', '', ...routes, ''].join('\n'),
    see_also: null,
    openapi: openApi([{ at: '', module }], version),
  }
}

function operations(path: Path): string[] {
  return ['## OPERATIONS', '', ...Object.entries(path.ops).map(([verb, op]) => `    ${verb.padEnd(8)}${op.doc}${access(op)}`), '']
}

function access(op: Op): string {
  return { token: '', sudo: ' Needs sudo.', open: ' Needs no token.', share: ' Needs no token with a key share.' }[op.access]
}

function parameters(path: Path): string[] {
  const all: Shape = Object.assign({}, path.params, ...Object.values(path.ops).map((op) => op.input))
  const lines = Object.entries(all).flatMap(([name, field]) => [
    `    ${name} (${field.kind})${field.needed ? ', needed' : ''}`,
    `        ${field.doc}`,
    '',
  ])
  return lines.length > 0 ? ['## PARAMETERS', '', ...lines] : []
}
