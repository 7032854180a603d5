// The spine's contract: one revisioned, sorted store; every change is one atomic commit that others can follow.

/** Counts commits from 1; 0 stands for "no such key" in expectations and "from the start" in `changes`. */
export type Revision = number

/** A key: well-formed text of 1 to MAX_KEY_BYTES bytes; keys sort by their UTF-8 bytes. */
export type Key = string

export const MAX_KEY_BYTES = 1_900
/** The largest value; the bound of the weakest store that must be able to hold it. */
export const MAX_VALUE_BYTES = 1 << 20
/** What the notes of a commit may come to, in characters. */
export const MAX_NOTE_CHARS = 65_536

export interface Entry {
  readonly key: Key
  readonly value: Buffer
  /** The commit that wrote it. */
  readonly revision: Revision
}

/** The keys that start with `prefix`, in order (from the last with `reverse`), strictly after `after` in that order, at most `limit`. */
export interface Span {
  readonly prefix: string
  readonly after?: Key
  readonly limit?: number
  readonly reverse?: boolean
}

/** Writes of one atomic commit, taken as they are at the call. `value: undefined` removes the key. The last op on a key wins. Without ops only `expect` is checked. */
export interface Batch {
  readonly ops: readonly { readonly key: Key; readonly value: Buffer | undefined }[]
  /** The commit happens only if each key's newest revision is this one (0: absent); otherwise Conflict. */
  readonly expect?: readonly { readonly key: Key; readonly revision: Revision }[]
  /** Say to followers what the commit means; kept in the log as long as the change is, and never sealed. They need an op. */
  readonly notes?: readonly string[] | undefined
}

/** What one commit touched, keys in the order of the batch, each once. */
export interface Change {
  readonly revision: Revision
  readonly keys: readonly Key[]
  readonly notes?: readonly string[] | undefined
}

export interface Store {
  /** The newest commit of any process; reading it moves this process's snapshot there. The snapshot may also move between turns of the event loop. */
  readonly revision: Revision
  /** Synchronous, from the snapshot. The value is the caller's own. */
  get(key: Key): Entry | undefined
  /** Synchronous and sorted. Must be used up before the next await. */
  range(span: Span): Iterable<Entry>
  /** Like range, without reading the values. */
  keys(span: Span): Iterable<Key>
  /**
   * Resolves to the commit's revision when it is durable and visible to this process.
   * Rejects with Conflict (nothing was written), or with a Fault where it is known that nothing was written.
   * A result that can't be known never rejects: the store reports it to `onUnknown`, which must end the process.
   */
  commit(batch: Batch): Promise<Revision>
  /** Commits after `since` that are still logged, oldest first. Throws Gap where some are no longer. */
  changesSince(since: Revision): Iterable<Change>
  /** Like changesSince, and then every later commit of any process as it comes, until the signal aborts. */
  changes(since: Revision, signal: AbortSignal): AsyncIterable<Change>
  close(): Promise<void>
}

/** An expectation did not hold; nothing was written. */
export class Conflict extends Error {
  constructor(key: Key) {
    super(`conflict on ${key}`)
    this.name = 'Conflict'
  }
}

/** The follower is further behind than the log reaches: it must start anew from the present state. */
export class Gap extends Error {
  constructor(since: Revision, oldest: Revision) {
    super(`changes after revision ${since} are gone; the log starts at ${oldest}`)
    this.name = 'Gap'
  }
}
