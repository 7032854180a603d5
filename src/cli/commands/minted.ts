// What was minted, as files of a folder: each with its permissions, and a line that says where it is.
import type { JsonObject } from '../../base/json.ts'
import { Failure, fileProblem } from '../failure.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'

export const FOR_ALL = 0o644
export const OWNER_ONLY = 0o600

export interface MintedFile {
  readonly file: string
  /** The field of what was minted. */
  readonly name: string
  /** Permission bits. */
  readonly mode: number
  /** What it is called. */
  readonly what: string
}

export async function writeMinted(terminal: Terminal, folder: string, minted: JsonObject, files: readonly MintedFile[]): Promise<void> {
  for (const { file, name, mode, what } of files) {
    const path = `${folder.replace(/\/+$/, '')}/${file}`
    await terminal.ports.files.write(path, goText(minted[name]), mode).catch((error: unknown) => {
      throw new Failure(1, `unable to write ${path}: ${fileProblem(error)}`)
    })
    terminal.print(`${what} written to ${path}`)
  }
}
