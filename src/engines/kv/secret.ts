// What KV keeps: one small record for each secret and one for each version, so that no read or write grows with the history.
import type { JsonObject } from '../../base/json.ts'
import { records } from '../../store/records.ts'
import type { Entry, Key, Span, Store } from '../../store/store.ts'
import type { Tx } from '../../store/transact.ts'

/** What a mount says of all its secrets, and each secret of itself. */
export interface Settings {
  readonly maxVersions?: number | undefined
  readonly casRequired?: boolean | undefined
  readonly metadataCasRequired?: boolean | undefined
  /** Seconds until a new version counts as deleted; negative, at a mount, is never for every secret. */
  readonly deleteAfter?: number | undefined
}

/** A secret without its contents. Times are wall milliseconds. */
export interface Secret extends Settings {
  readonly createdAt: number
  readonly updatedAt: number
  /** The newest version's number; 0 where only metadata was ever written. */
  readonly current: number
  /** The first version that is kept; 0 until the first is dropped. */
  readonly oldest: number
  /** Counts writes of the metadata, for its own check-and-set. */
  readonly metadataVersion?: number | undefined
  readonly custom?: Readonly<Record<string, string>> | undefined
  /** What an unversioned mount wrote: version 1, until the first change gives it a record of its own. */
  readonly data?: JsonObject
}

export interface Version {
  readonly createdAt: number
  /** When it was deleted on request: for good, whatever the clock says later. */
  readonly deletedAt?: number | undefined
  /** When it will count as deleted. */
  readonly expiresAt?: number | undefined
  /** Undefined once destroyed. */
  readonly data?: JsonObject | undefined
}

type Reader = { get(key: Key): Entry | undefined }

/** Where the secrets are, by path, each with its versions right behind it. */
export const SECRETS = 'meta/'
export const secrets = records<Secret>(SECRETS)
const versions = records<Version>(SECRETS)

/** No path has it: versions lie right behind their secret, the newest first, so that writing one mostly changes the same page of the store. */
const MARK = '\0'
const LAST_VERSION = 2 ** 32 - 1
/** Sorts after every version of a secret, and before every other path. */
const PAST_VERSIONS = '\u0001'
/** As many versions are walked over before the rest is jumped. */
const STRIDE = 16

export function versionId(path: string, number: number): string {
  return `${path}${MARK}${(LAST_VERSION - number).toString(36).padStart(7, '0')}`
}

/** The keys of secrets only, as `Store.keys` gives them. */
export function secretKeys(store: Pick<Store, 'keys'>): Pick<Store, 'keys'> {
  return { keys: (span) => withoutVersions(store, span) }
}

function* withoutVersions(store: Pick<Store, 'keys'>, { limit = Number.POSITIVE_INFINITY, ...span }: Span): Generator<Key> {
  const jump = span.reverse ? MARK : PAST_VERSIONS
  let left = limit
  for (let after = span.after, done = false; !done; ) {
    let walked = 0
    done = true
    for (const key of store.keys(after === undefined ? span : { ...span, after })) {
      const mark = key.indexOf(MARK)
      if (mark < 0) {
        if (left-- <= 0) return
        yield key
        walked = 0
      } else if (++walked > STRIDE) {
        after = key.slice(0, mark) + jump
        done = false
        break
      }
    }
  }
}

export function getVersion(from: Reader, path: string, secret: Secret, number: number): Version | undefined {
  if (number < 1 || number < secret.oldest || number > secret.current) return undefined
  if (secret.data) return { createdAt: secret.createdAt, data: secret.data }
  return versions.get(from, versionId(path, number))
}

export function putVersion(tx: Tx, path: string, number: number, version: Version): void {
  versions.put(tx, versionId(path, number), version)
}

/** Removes the versions of a secret before `end`. */
export function dropVersions(tx: Tx, path: string, secret: Secret, end: number): void {
  for (let number = Math.max(secret.oldest, 1); number < end; number++) versions.delete(tx, versionId(path, number))
}

/** The secret, ready for change: what an unversioned mount left gets a version record. */
export function openSecret(tx: Tx, path: string): Secret | undefined {
  const found = secrets.get(tx, path)
  if (!found?.data) return found
  const { data, ...secret } = found
  putVersion(tx, path, 1, { createdAt: found.createdAt, data })
  secrets.put(tx, path, secret)
  return secret
}

/** Contents that may be shown: neither destroyed, nor deleted, nor past their time. */
export function contents(version: Version, now: number): JsonObject | undefined {
  if (version.deletedAt !== undefined) return undefined
  return version.expiresAt !== undefined && version.expiresAt <= now ? undefined : version.data
}
