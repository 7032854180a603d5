// Secrets of a seal's stanza that lie elsewhere: file://PATH, or env://NAME.
import { Fault } from '../../base/fault.ts'
import type { Shape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'

export interface ReferencePorts {
  /** The bytes of a file; throws where it can't be read. */
  readonly readFile: (path: string) => Buffer
  readonly env: (name: string) => string | undefined
}

/** What a parameter refers to; undefined where it is the secret itself. Throws `invalid` where there is nothing. */
export function readReference(parameter: string, source: string, { readFile, env }: ReferencePorts): Buffer | undefined {
  if (source.startsWith('file://')) return fileContent(parameter, source.slice(7), readFile)
  if (!source.startsWith('env://')) return undefined
  const value = env(source.slice(6))
  if (value === undefined) throw new Fault('invalid', `${parameter}: the environment has no ${source.slice(6)}`)
  return Buffer.from(value)
}

/** The same stanza with the texts that its secret parameters refer to, without the space around them. */
export function resolveTexts(shape: Shape, given: JsonObject, ports: ReferencePorts): JsonObject {
  const resolved = Object.entries(given).map(([name, value]) => {
    const found = shape[name]?.secret && typeof value === 'string' ? readReference(name, value, ports) : undefined
    return [name, found ? found.toString().trim() : value] as const
  })
  return Object.fromEntries(resolved)
}

function fileContent(parameter: string, path: string, readFile: ReferencePorts['readFile']): Buffer {
  try {
    return readFile(path)
  } catch (error) {
    throw new Fault('invalid', `${parameter}: ${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`)
  }
}
