// A file that several processes append to, as something to write lines to: noticed when it is deleted, replaced, cut or half written.
import type { AppendFile, Clock, Files, FileState, OpenOptions } from '../base/ports.ts'
import { appendSynced } from './synced.ts'
import type { Out, Ready } from './sink.ts'

export interface FileOptions extends OpenOptions {
  /** Keep the record only once it is on disk, and not when the system has it. */
  readonly synced: boolean
}

/** What may happen to a file behind its writer's back. */
export type Mishap = 'deleted' | 'replaced' | 'cut'

export interface FileDeps {
  readonly files: Files
  readonly clock: Pick<Clock, 'monotonic'>
  readonly mishap: (what: Mishap) => void
}

/** How often it is looked whether the path still leads to this file. */
const LOOK_MS = 1_000
/** How much of what is there is read for the ends of earlier chains. */
const TAIL_BYTES = 4 << 20
const NEWLINE = 0x0a
/** What every audit record of this API starts with. */
const RECORD = Buffer.from('{"time":"')

/** Opens lazily, so a device whose folder is missing fails its records and not the start. */
export class FileOut implements Out {
  readonly #path: string
  readonly #options: FileOptions
  readonly #deps: FileDeps
  #file: AppendFile | undefined
  /** The file's size when it was looked at or appended to last, and whether it ended with a whole line then. */
  #size = 0
  #whole = false
  #lookedAt = 0

  constructor(path: string, options: FileOptions, deps: FileDeps) {
    this.#path = path
    this.#options = options
    this.#deps = deps
  }

  ready(): Ready {
    const before = this.#file?.state()
    const mishap = before && this.#look(before)
    if (mishap) this.#deps.mishap(mishap)
    if (mishap === 'deleted' || mishap === 'replaced') this.reopen()
    const fresh = this.#file === undefined || mishap !== undefined
    const file = (this.#file ??= this.#open())
    const { size } = before && !fresh ? before : file.state()
    const torn = size > 0 && !(this.#whole && size === this.#size) ? halfLine(file, size) : undefined
    this.#size = size
    this.#whole = torn === undefined
    return { fresh, torn }
  }

  append(bytes: Buffer): void | Promise<void> {
    const file = this.#file as AppendFile
    this.#whole = false
    if (this.#options.synced) return appendSynced(file, bytes)
    file.append(bytes)
    this.#whole = true
    this.#size += bytes.length
  }

  tail(): Buffer {
    const file = this.#file as AppendFile
    const { size } = file.state()
    const from = Math.max(0, size - TAIL_BYTES)
    const bytes = file.read(from, size - from)
    return from === 0 ? bytes : bytes.subarray(bytes.indexOf(NEWLINE) + 1)
  }

  reopen(): void {
    this.#file?.close()
    this.#file = undefined
    this.#size = 0
  }

  async sync(): Promise<void> {
    if (!this.#options.synced) await this.#file?.sync()
  }

  close(): void {
    this.reopen()
  }

  #open(): AppendFile {
    const file = this.#deps.files.openAppend(this.#path, this.#options)
    const first = file.read(0, RECORD.length)
    if (!first.equals(RECORD.subarray(0, first.length))) {
      file.close()
      throw new Error(`${this.#path} holds something else than audit records`)
    }
    this.#lookedAt = this.#deps.clock.monotonic()
    return file
  }

  #look(state: FileState): Mishap | undefined {
    if (state.links === 0) return 'deleted'
    if (state.size < this.#size) return 'cut'
    return this.#isDue() && this.#isReplaced(state) ? 'replaced' : undefined
  }

  #isDue(): boolean {
    const now = this.#deps.clock.monotonic()
    if (now - this.#lookedAt < LOOK_MS) return false
    this.#lookedAt = now
    return true
  }

  #isReplaced({ id }: FileState): boolean {
    return this.#deps.files.idOf(this.#path) !== id
  }
}

/** What comes after the last whole line; undefined where nothing does. */
function halfLine(file: AppendFile, size: number): Buffer | undefined {
  if (file.read(size - 1, 1)[0] === NEWLINE) return undefined
  const from = Math.max(0, size - TAIL_BYTES)
  const bytes = file.read(from, size - from)
  return bytes.subarray(bytes.lastIndexOf(NEWLINE) + 1)
}

/** Standard output, by way of whoever owns it. */
export function printOut(print: (text: string) => Promise<void>): Out {
  return { ready: () => ({ fresh: false, torn: undefined }), append: (bytes) => print(bytes.toString()), close() {} }
}
