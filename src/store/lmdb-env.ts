// The LMDB environment of a store: its three databases, and how keys and revisions are encoded in them.
import { type Database, getLastVersion, open, type RootDatabase, type Transaction } from 'lmdb'
import { type Change, type Entry, type Key, MAX_KEY_BYTES, type Revision, type Span } from './store.ts'

/** Address space, not memory or disk: past it the map moves, so it is far more than any store needs. */
const MAP_SIZE = 2 ** 36
const FORMAT = 1

/** With an option that the binding has, but does not declare. */
interface Data extends Database<Buffer, Key | Buffer> {
  getBinaryFast(key: Key, from?: { readonly transaction: Transaction }): Buffer | undefined
}

export interface LmdbEnv {
  readonly root: RootDatabase<Buffer, never>
  /** Key to value; the value's first 8 bytes, which the binding splits off as its version, are the revision. */
  readonly data: Data
  /** What each group of commits touched, under the newest revision of the group. */
  readonly log: Database<Buffer, Revision>
  readonly meta: Database<Buffer, Key>
}

export function openEnv(path: string, mapSize: number = MAP_SIZE): LmdbEnv {
  const root = open<Buffer, never>({
    path,
    mapSize,
    encoding: 'binary',
    noSubdir: false,
    overlappingSync: false, // a resolved transaction is on disk; and what was rejected is gone
    eventTurnBatching: false, // its empty first instruction has a promise of its own, whose rejection nobody could handle
    pageSize: 8192, // a secret with its versions mostly fits in one, so a commit writes fewer pages
    maxDbs: 3,
    maxReaders: 512,
    ...{ permissionsMode: 0o600 },
    // noMemInit stays off: it would write what the process left in freed memory to the file
  })
  const openDb = (name: string, options: object) => root.openDB(name, { encoding: 'binary', cache: false, ...options })
  const env: LmdbEnv = {
    root,
    data: openDb('data', { keyEncoder: TEXT, useVersions: true }) as Data,
    log: openDb('log', { keyEncoder: REVISION }) as Database<Buffer, Revision>,
    meta: openDb('meta', { keyEncoder: TEXT }) as Database<Buffer, Key>,
  }
  claimFormat(env)
  return env
}

function claimFormat({ root, meta }: LmdbEnv): void {
  const found = number(meta, 'format')
  if (found === 0) root.transactionSync(() => void meta.put('format', toNumber(FORMAT)))
  else if (found !== FORMAT) throw new Error(`the store is of format ${found}; this version reads format ${FORMAT}`)
}

/** Moves this process's snapshot to the newest commit of any process. */
export function refresh({ root }: LmdbEnv): void {
  root.resetReadTxn()
}

export function newestRevision(env: LmdbEnv): Revision {
  return number(env.meta, 'revision')
}

/** Within a transaction. */
export function putRevision(env: LmdbEnv, revision: Revision): void {
  void env.meta.put('revision', toNumber(revision))
}

function number(meta: Database<Buffer, Key>, key: Key): number {
  return meta.getBinaryFast(key)?.readDoubleBE(0) ?? 0
}

function toNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleBE(value)
  return bytes
}

/** Revisions with the keys that each touched and its notes, as JSON: `[[7,["a"]],[8,["b","c"],["note"]]]`. */
export function encodeChanges(changes: readonly Change[]): Buffer {
  return Buffer.from(JSON.stringify(changes.map(({ revision, keys, notes }) => (notes ? [revision, keys, notes] : [revision, keys]))))
}

export function decodeChanges(value: Buffer): Change[] {
  const logged: [Revision, Key[], string[]?][] = JSON.parse(value.toString())
  return logged.map(([revision, keys, notes]) => (notes ? { revision, keys, notes } : { revision, keys }))
}

/** From the snapshot of now, unless it is told which. */
export function readEntry({ data }: LmdbEnv, key: Key, transaction?: Transaction): Entry | undefined {
  const shared = data.getBinaryFast(key, transaction && { transaction })
  if (shared === undefined) return undefined
  const revision = getLastVersion()
  return { key, value: copy(shared), revision }
}

/** The binding reads every value into one buffer, which the next read overwrites. */
function copy(shared: Buffer): Buffer {
  const own = Buffer.allocUnsafe(shared.length)
  own.set(new Uint8Array(shared.buffer, shared.byteOffset, shared.length))
  return own
}

/** The revision of a key, 0 where it is absent. */
export function revisionOf({ data }: LmdbEnv, key: Key): Revision {
  return data.getBinaryFast(key) === undefined ? 0 : getLastVersion()
}

/** A span as LMDB's bounds: the first key and one past the last, in the direction of travel. */
export function bounds({ prefix, after, reverse = false }: Span): object {
  const first = Buffer.from(prefix)
  // No key is longer, so cutting `after` there leaves out the same keys.
  const from = after === undefined ? undefined : Buffer.from(after).subarray(0, MAX_KEY_BYTES)
  if (reverse) {
    const past = prefix === '' ? undefined : beyond(first)
    const start = from && (!past || Buffer.compare(from, past) < 0) ? from : past
    return { start, end: prefix === '' ? undefined : first, reverse, exclusiveStart: start !== undefined, inclusiveEnd: true }
  }
  const end = prefix === '' ? undefined : beyond(first)
  if (from && from.length > 0 && Buffer.compare(from, first) >= 0) return { start: from, end, exclusiveStart: true }
  return { start: prefix === '' ? undefined : first, end }
}

/** The first text of bytes after all that start with `prefix`: no byte of UTF-8 is 0xff. */
function beyond(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix)
  next[next.length - 1] = (next[next.length - 1] as number) + 1
  return next
}

/** Plain UTF-8, so that LMDB's order of bytes is the order of keys; bounds come as bytes. */
const TEXT = {
  writeKey(key: Key | Buffer, target: Buffer, at: number): number {
    if (typeof key === 'string') return at + target.write(key, at)
    target.set(key, at)
    return at + key.length
  },
  readKey: (source: Buffer, start: number, end: number): Key => source.toString('utf8', start, end),
}

/** Positive doubles sort like their big-endian bytes. */
const REVISION = {
  writeKey: (key: Revision, target: Buffer, at: number): number => target.writeDoubleBE(key, at),
  readKey: (source: Buffer, start: number): Revision => source.readDoubleBE(start),
}
