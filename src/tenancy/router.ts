// From a path within a mount to the declared op: literal segments before captured ones, captured ones before the rest.
import type { Target, Verb } from '../contract/call.ts'
import type { Module, Path } from '../contract/module.ts'

interface Node {
  readonly literal: Map<string, Node>
  capture: { readonly name: string; readonly node: Node } | undefined
  rest: Rest | undefined
  path: Path | undefined
}

/** What takes all segments that are left, or all but a literal last one. */
interface Rest {
  readonly name: string
  path: Path | undefined
  readonly endings: Map<string, Path>
}

export interface Found {
  readonly path: Path
  readonly params: Record<string, string>
}

/** Finds which declared path a mount-relative path (without its trailing slash) is. */
export type Match = (rest: string) => Found | undefined

const compiled = new WeakMap<Module, Match>()

/**
 * The op that `verb` means at `rest`. Only lists name a folder, with a slash at the end: any other verb there is refused,
 * since policy decided on a path that differs from the one without the slash.
 */
export function target(module: Module, rest: string, verb: Verb): Target {
  const folder = rest.endsWith('/')
  if (folder && verb !== 'list' && verb !== 'scan') return { found: 'no-path' }
  const found = matcher(module)(folder ? rest.slice(0, -1) : rest)
  if (!found) return { found: 'no-path' }
  if (verb === 'help') return { found: 'no-op' }
  const op = found.path.ops[verb]
  return op ? { found: 'op', op, params: found.params } : { found: 'no-op' }
}

/** The declared path that serves `rest`, for help. */
export function matcher(module: Module): Match {
  const known = compiled.get(module)
  if (known) return known
  const match = compile(module.paths)
  compiled.set(module, match)
  return match
}

function compile(paths: readonly Path[]): Match {
  const root = node()
  for (const path of paths) add(root, path)
  return (rest) => find(root, rest === '' ? [] : rest.split('/'), 0, {})
}

function node(): Node {
  return { literal: new Map(), capture: undefined, rest: undefined, path: undefined }
}

function add(root: Node, path: Path): void {
  const segments = path.template === '' ? [] : path.template.split('/')
  let at = root
  for (const [depth, segment] of segments.entries()) {
    if (segment.startsWith('*')) return addRest(at, segment.slice(1), segments.slice(depth + 1), path)
    at = segment.startsWith(':') ? capture(at, segment.slice(1)) : child(at, segment)
  }
  if (at.path) throw new Error(`${path.template} is declared twice`)
  at.path = path
}

function addRest(at: Node, name: string, ending: readonly string[], path: Path): void {
  at.rest ??= { name, path: undefined, endings: new Map() }
  if (at.rest.name !== name || ending.length > 1) throw new Error(`${path.template} can't be told from its neighbours`)
  if (ending[0] === undefined) at.rest.path = path
  else at.rest.endings.set(ending[0], path)
}

function capture(at: Node, name: string): Node {
  at.capture ??= { name, node: node() }
  if (at.capture.name !== name) throw new Error(`a segment named ${name} is named ${at.capture.name} elsewhere`)
  return at.capture.node
}

function child(at: Node, segment: string): Node {
  const known = at.literal.get(segment)
  if (known) return known
  const made = node()
  at.literal.set(segment, made)
  return made
}

function find(at: Node, segments: readonly string[], depth: number, params: Record<string, string>): Found | undefined {
  if (depth === segments.length && at.path) return { path: at.path, params }
  const segment = segments[depth]
  if (segment !== undefined) {
    const literal = at.literal.get(segment)
    const deeper = literal && find(literal, segments, depth + 1, params)
    if (deeper) return deeper
    const captured = at.capture && find(at.capture.node, segments, depth + 1, { ...params, [at.capture.name]: segment })
    if (captured) return captured
  }
  return at.rest && findRest(at.rest, segments.slice(depth), params)
}

function findRest({ name, path, endings }: Rest, segments: readonly string[], params: Record<string, string>): Found | undefined {
  const ending = segments.length > 1 ? endings.get(segments.at(-1) as string) : undefined
  if (ending) return { path: ending, params: { ...params, [name]: segments.slice(0, -1).join('/') } }
  return path && { path, params: { ...params, [name]: segments.join('/') } }
}
