// The file device: records of one turn of the event loop go out in one write, and each is waited for.
import type { AppendFile, Files, Timers } from '../base/ports.ts'

/** Where the lines of one device go. */
export interface Sink {
  /** Resolves when the system has the line; rejects where it can't be written. */
  write(line: string): Promise<void>
  /** Lets go of the file and opens it anew on the next line, as log rotation asks for. */
  reopen(): void
  close(): void
}

export interface FileSinkDeps {
  readonly files: Files
  readonly timers: Timers
}

interface Waiting {
  readonly line: string
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Opens lazily, so a device whose folder is missing fails its records and not the start. */
export function fileSink(path: string, { files, timers }: FileSinkDeps): Sink {
  let file: AppendFile | undefined
  let torn = false
  let waiting: Waiting[] = []

  function flush(): void {
    const batch = waiting
    waiting = []
    try {
      file ??= files.openAppend(path)
      file.append(Buffer.from((torn ? '\n' : '') + batch.map((one) => one.line).join('')))
      torn = false
      for (const one of batch) one.done()
    } catch (error) {
      torn = true
      close()
      for (const one of batch) one.failed(error)
    }
  }

  function close(): void {
    file?.close()
    file = undefined
  }

  return {
    write: (line) =>
      new Promise((done, failed) => {
        if (waiting.length === 0) void timers.turn().then(flush)
        waiting.push({ line, done, failed })
      }),
    reopen: close,
    close,
  }
}
