// The project's own TypeScript files and what each imports, for the checks.
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export interface Source {
  /** From the project's folder. */
  readonly path: string
  readonly text: string
  /** Files of the project, as paths like `path`; types too. */
  readonly imports: readonly string[]
  /** Packages and `node:` modules whose code is loaded, not only their types. */
  readonly modules: readonly string[]
}

const IMPORT = /^(?:import|export)\s+(type\s+)?(?:[^'"`;]*?\sfrom\s+)?'([^']+)'/gm

export function sources(pattern = 'src/**/*.ts'): Source[] {
  return globSync(pattern).sort().map(read)
}

function read(path: string): Source {
  const text = readFileSync(path, 'utf8')
  const found = [...text.matchAll(IMPORT)].map((match) => ({ type: match[1] !== undefined, from: match[2] as string }))
  return {
    path,
    text,
    imports: found.filter(({ from }) => from.startsWith('.')).map(({ from }) => normalize(join(dirname(path), from))),
    modules: found.filter(({ type, from }) => !type && !from.startsWith('.')).map(({ from }) => from),
  }
}

/** `store` of `src/store/lmdb.ts`; the file itself for those directly under src/. */
export function roomOf(path: string): string {
  const [, room = ''] = path.split('/')
  return room
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('src/testing/')
}
