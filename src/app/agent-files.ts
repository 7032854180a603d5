// Files that the agent's configuration names.
import { readFileSync } from 'node:fs'
import { Fault } from '../base/fault.ts'
import { fileProblem } from '../cli/failure.ts'

/** Throws `invalid`. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Fault('invalid', `${path}: ${fileProblem(error)}`)
  }
}
