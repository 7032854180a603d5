// Files that the agent's configuration names.
import { readFileSync } from 'node:fs'
import { Fault } from '../base/fault.ts'
import { fileProblem } from '../cli/failure.ts'

/** Throws `invalid`. */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Fault('invalid', `${path}: ${fileProblem(error)}`)
  }
}

/** Throws `invalid`. */
export const readText = (path: string): string => readBytes(path).toString()
