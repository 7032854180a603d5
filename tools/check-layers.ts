// Every room has a level and imports only from lower ones; within a room there are no cycles.
import { isTest, roomOf, type Source, sources } from './sources.ts'

const LEVELS: readonly (readonly string[])[] = [
  ['base'],
  ['crypto', 'store', 'telemetry', 'wire'],
  ['contract'],
  ['engines', 'auth', 'seal', 'tenancy', 'policy', 'quota', 'token', 'lease', 'audit', 'spiffe', 'attest'],
  ['sys', 'derive', 'pipeline', 'client', 'snapshot'],
  ['edge', 'cli', 'modules.ts'],
  ['agent'],
  ['app', 'testing'],
]

const files = sources().filter(({ path }) => !isTest(path))
const problems = [...files.flatMap(misplaced), ...cycles(new Map(files.map((file) => [file.path, file])))]
if (files.length === 0) problems.push('no files were read')
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

function levelOf(room: string): number {
  return LEVELS.findIndex((rooms) => rooms.includes(room))
}

function misplaced({ path, imports }: Source): string[] {
  const room = roomOf(path)
  const level = levelOf(room)
  if (level < 0) return [`${path}: the room ${room} has no level; give it one in tools/check-layers.ts`]
  return imports
    .filter((target) => roomOf(target) !== room && levelOf(roomOf(target)) >= level)
    .map((target) => `${path} (${level}) may not import ${target} (${levelOf(roomOf(target))}); take what you need as a parameter`)
}

function cycles(byPath: ReadonlyMap<string, Source>): string[] {
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      found.push(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
      return
    }
    state.set(path, 'open')
    for (const target of valueImports(byPath.get(path))) visit(target, [...trail, path])
    state.set(path, 'done')
  }
  for (const path of byPath.keys()) visit(path, [])
  return found
}

/** Types alone make no cycle. */
function valueImports(source: Source | undefined): string[] {
  if (!source) return []
  const types = new Set([...source.text.matchAll(/^import type [^;]*? from '(\.[^']+)'/gms)].map((match) => match[1]))
  return source.imports.filter((target) => ![...types].some((type) => type && target.endsWith(type.replace(/^(\.\.?\/)+/, ''))))
}
