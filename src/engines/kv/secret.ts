// What KV keeps: one small record for each secret and one for each version, so that no read or write grows with the history.
import type { JsonObject } from '../../base/json.ts'
import { records } from '../../store/records.ts'
import type { Entry, Key } from '../../store/store.ts'
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

/** Where the secrets are, by path: what LIST walks. */
export const SECRETS = 'meta/'
export const secrets = records<Secret>(SECRETS)
// The number is always the last segment, so no path's versions can be mistaken for another's.
const versions = records<Version>('ver/')

export function getVersion(from: Reader, path: string, secret: Secret, number: number): Version | undefined {
  if (number < 1 || number < secret.oldest || number > secret.current) return undefined
  if (secret.data) return { createdAt: secret.createdAt, data: secret.data }
  return versions.get(from, `${path}/${number}`)
}

export function putVersion(tx: Tx, path: string, number: number, version: Version): void {
  versions.put(tx, `${path}/${number}`, version)
}

/** Removes the versions of a secret before `end`. */
export function dropVersions(tx: Tx, path: string, secret: Secret, end: number): void {
  for (let number = Math.max(secret.oldest, 1); number < end; number++) versions.delete(tx, `${path}/${number}`)
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
