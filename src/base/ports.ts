// The effects that rooms receive as parameters: time, timers, randomness, files and sockets. Only app/ makes real ones.

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

/** What a file is like at one moment. */
export interface FileState {
  readonly size: number
  /** Names that lead to it; 0 once it was deleted. */
  readonly links: number
  /** Device and inode: which file it is, under whatever name. */
  readonly id: string
}

/** A file that is only ever appended to, maybe by several processes. */
export interface AppendFile {
  /** Has handed the bytes to the system when it returns; throws Torn where the system took only a part of them. */
  append(bytes: Uint8Array): void
  state(): FileState
  /** At most `size` bytes from `at`. */
  read(at: number, size: number): Buffer
  /** Resolves when all that was appended is on disk. */
  sync(): Promise<void>
  close(): void
}

/** A file that is read while others append to it. */
export type ReadFile = Pick<AppendFile, 'state' | 'read' | 'close'>

/** An append that stopped short, or that can't be relied on: the file holds the first `written` bytes of it. */
export class Torn extends Error {
  readonly written: number
  /** Whether what was written is as safe as it should be; false where it is there and may be lost. */
  readonly promised: boolean

  constructor(written: number, cause: unknown, promised = true) {
    super(cause instanceof Error ? cause.message : 'the append stopped short', { cause })
    this.name = 'Torn'
    this.written = written
    this.promised = promised
  }
}

export interface OpenOptions {
  /** Permission bits: of a new file, and made those of one that was there. The owner's alone (0600) where unset; 0 leaves an old file's. */
  readonly mode?: number
  /** Folders that the file must lie in or below, once links are followed; anywhere where unset. */
  readonly within?: readonly string[]
}

export interface Files {
  /** Opens or creates a regular file for appending, never through a symbolic link, never one that can be executed. Throws where it can't. */
  openAppend(path: string, options?: OpenOptions): AppendFile
  /** Opens a regular file, never through a symbolic link; undefined where it is absent. Throws where it can't. */
  openRead(path: string): ReadFile | undefined
  /** Which file a path leads to now; undefined where none. */
  idOf(path: string): string | undefined
}

/** A folder of this machine's own, for what must survive a restart. Everything is synchronous, and throws the system's errors. */
export interface Folder {
  readonly path: string
  /** Names in it, or in a folder below. */
  list(below?: string): readonly string[]
  /** Makes a folder below; nothing where it is there. */
  make(name: string): void
  /** A file below, with mode 0600. */
  open(name: string): AppendFile
  /** '' where it is absent. */
  readText(name: string): string
  /** Replaces a small file. Not synced: after a power cut it may be the old one, or empty. */
  writeText(name: string, text: string): void
  /** With all that is in it; nothing where it is absent. */
  remove(name: string): void
  /** Holds the name against every other process until released or until this process is gone; undefined where another holds it. */
  lock(name: string): (() => void) | undefined
}

/** Where bytes are sent. */
export type Address =
  | { readonly transport: 'tcp'; readonly host: string; readonly port: number }
  | { readonly transport: 'udp'; readonly host: string; readonly port: number }
  /** A stream or a datagram socket of this machine, whichever is there. */
  | { readonly transport: 'unix'; readonly path: string }

/** A way out to one peer. */
export interface Outlet {
  /** Each `send` is one message of its own; else all are one stream. */
  readonly datagrams: boolean
  /** Resolves when the system took all of it; rejects where the peer is gone or, of a datagram, too slow. */
  send(bytes: Uint8Array): Promise<void>
  /** Bytes that the system took and the other side's has not confirmed; 0 for datagrams. */
  unconfirmed(): number
  /** Calls once when the peer is gone. */
  onGone(run: () => void): void
  close(): void
}

export interface Sockets {
  /** Rejects where nobody answers within so many milliseconds. */
  connect(to: Address, timeoutMs: number): Promise<Outlet>
}

export interface Ports {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly files: Files
  readonly sockets: Sockets
  /** Writes whole lines to standard output, not mixed with those of other processes of this server; resolves when they are out. */
  readonly print: (text: string) => Promise<void>
  /** Name of this machine. */
  readonly host: string
}
