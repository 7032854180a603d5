// What the agent may look at of a process that connected to it; app/ reads it from the system.

export interface Process {
  /** As the system said when it connected. */
  readonly pid: number
  readonly uid: number
  readonly gid: number
  /** While it has not ended. A process that got its number since is not it. */
  isAlive(): boolean
  /** Which program runs in it as whom: another text after it became another user or replaced its program. */
  image(): string
  /** A file in its folder of /proc. Throws the system's error. */
  read(name: string): Buffer
  /** Where its program lies, as it sees it. Throws the system's error. */
  programPath(): string
  /** SHA-256 of its program in hex; undefined where that has more bytes. Rejects with the system's error. */
  programHash(most: number): Promise<string | undefined>
  close(): void
}

/** Why a number is no process that could be a workload. */
export class NoWorkload extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NoWorkload'
  }
}

/** Names of this machine's users and groups; undefined where a number has none. */
export interface Accounts {
  userOf(uid: number): Name
  groupOf(gid: number): Name
}

type Name = string | undefined | Promise<string | undefined>
