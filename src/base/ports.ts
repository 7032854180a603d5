// The effects that rooms receive as parameters: time, timers, randomness and appendable files. Only app/ makes real ones.

/** Wall time in milliseconds since 1970, and a monotonic time in milliseconds that never goes back. */
export interface Clock {
  now(): number
  monotonic(): number
}

/** Callbacks after a delay in milliseconds; the returned function cancels. Neither keeps a process alive. */
export interface Timers {
  after(delay: number, run: () => void): () => void
  every(interval: number, run: () => void): () => void
  /** Resolves on the next turn of the event loop, after pending input was handled. */
  turn(): Promise<void>
}

/** Cryptographically strong randomness; `bytes` is fresh from the system on each call, so a cloned machine never repeats it. */
export interface Random {
  bytes(size: number): Buffer
}

/** A file that is only ever appended to. `append` has handed the bytes to the system when it returns, or throws. */
export interface AppendFile {
  append(bytes: Uint8Array): void
  close(): void
}

export interface Files {
  /** Opens or creates (mode 0600) a regular file for appending, never through a symbolic link. Throws where it can't. */
  openAppend(path: string): AppendFile
}

export interface Ports {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
}
