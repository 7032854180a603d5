// Configuration files from disk: each parsed by itself, so that a message can say where it is wrong.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../base/fault.ts'
import { parseHcl } from '../../base/hcl.ts'
import { fileProblem } from '../../cli/failure.ts'
import type { Source } from './stanza.ts'

/** Files as they are, folders as their `.hcl` and `.json` files by name. Throws `invalid` for what can't be read or parsed. */
export function readSources(paths: readonly string[]): Source[] {
  return paths.flatMap(filesOf).map((file) =>
    parseSource(
      file,
      attempt(file, () => readFileSync(file, 'utf8')),
    ),
  )
}

export function parseSource(file: string, text: string): Source {
  try {
    return { file, body: parseHcl(text) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Fault('invalid', `${file}:${error.message}`)
  }
}

function filesOf(path: string): string[] {
  if (!attempt(path, () => statSync(path)).isDirectory()) return [path]
  const names = attempt(path, () => readdirSync(path)).filter((name) => /\.(hcl|json)$/.test(name))
  if (names.length === 0) throw new Fault('invalid', `${path}: there is no .hcl or .json file in this folder`)
  return names.sort().map((name) => join(path, name))
}

function attempt<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw new Fault('invalid', `${path}: ${fileProblem(error)}`)
  }
}
