// A file in pieces.
import { Fault } from '../base/fault.ts'
import { Failure, fileProblem } from './failure.ts'
import type { Terminal } from './terminal.ts'

/** Throws what the system has against the file as a Failure. */
export async function* reading(terminal: Terminal, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* terminal.ports.files.chunks(file)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Failure(1, `${file}: ${fileProblem(error)}`)
  }
}
