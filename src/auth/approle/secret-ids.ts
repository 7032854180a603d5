// What is kept of a secret ID: only its digest, under the role it belongs to, found again by accessor and by when it expires.
import type { JsonObject } from '../../base/json.ts'
import { formatTime } from '../../base/duration.ts'
import { records } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import type { Tx } from '../../store/transact.ts'
import type { Digest } from '../salt.ts'

/** Times are wall milliseconds, durations seconds. */
export interface SecretId {
  readonly accessor: string
  /** Logins left; 0 is without limit. One without any left is not kept. */
  readonly numUses: number
  readonly ttl: number
  readonly createdAt: number
  readonly updatedAt: number
  /** Undefined for one that never expires. */
  readonly expiresAt: number | undefined
  readonly metadata: Readonly<Record<string, string>>
  readonly cidrs: readonly string[]
  readonly tokenBoundCidrs: readonly string[]
}

/** Where a secret ID is kept. */
export interface Place {
  readonly role: string
  readonly hash: string
}

type Reader = Pick<Store, 'get'>

const secretIds = records<SecretId>('secret-id/')
const accessors = records<Place>('accessor/')
/** By the time they expire; the key says all. */
const expiries = records<true>('expiry/')

/** `role` is the role's uuid. */
export function placeOf(digest: Digest, role: string, secretId: string): Place {
  return { role, hash: digest(`secret-id/${secretId}`) }
}

export function placeOfAccessor(from: Reader, digest: Digest, accessor: string): Place | undefined {
  return accessors.get(from, accessorId(digest, accessor))
}

/** Undefined from the moment it expires, whether or not it was tidied away. */
export function findSecretId(from: Reader, place: Place, now: number): SecretId | undefined {
  const found = secretIds.get(from, idOf(place))
  return found?.expiresAt !== undefined && found.expiresAt <= now ? undefined : found
}

export function addSecretId(tx: Tx, digest: Digest, place: Place, secretId: SecretId): void {
  secretIds.put(tx, idOf(place), secretId)
  accessors.put(tx, accessorId(digest, secretId.accessor), place)
  if (secretId.expiresAt !== undefined) expiries.put(tx, expiryId(place, secretId.expiresAt), true)
}

/** Counts one login. The last one removes the secret ID, in the transaction that found it. */
export function useSecretId(tx: Tx, digest: Digest, place: Place, secretId: SecretId, now: number): void {
  if (secretId.numUses === 1) removeSecretId(tx, digest, place)
  else if (secretId.numUses > 1) secretIds.put(tx, idOf(place), { ...secretId, numUses: secretId.numUses - 1, updatedAt: now })
}

export function removeSecretId(tx: Tx, digest: Digest, place: Place): void {
  const secretId = secretIds.get(tx, idOf(place))
  if (!secretId) return
  secretIds.delete(tx, idOf(place))
  accessors.delete(tx, accessorId(digest, secretId.accessor))
  if (secretId.expiresAt !== undefined) expiries.delete(tx, expiryId(place, secretId.expiresAt))
}

/** At most `limit` secret IDs of a role, by the order of their digests. */
export function placesOfRole(store: Pick<Store, 'keys'>, role: string, limit = Number.POSITIVE_INFINITY): Place[] {
  const prefix = `${role}/`
  return secretIds.ids(store, { prefix, ...(Number.isFinite(limit) ? { limit } : {}) }).map((id) => ({ role, hash: id.slice(prefix.length) }))
}

/** What is due to be removed by now, the earliest first, `limit` at most. */
export function expired(store: Pick<Store, 'keys'>, now: number, limit: number): string[] {
  return expiries.ids(store, { limit }).filter((due) => due.slice(0, DIGITS) <= sortable(now))
}

/** Removes one of `expired`. */
export function removeExpired(tx: Tx, digest: Digest, due: string): void {
  const [, role = '', hash = ''] = due.split('/')
  removeSecretId(tx, digest, { role, hash })
  expiries.delete(tx, due)
}

/** What is wrong with the secret IDs of a mount, one line each. `isRole` tells whether a role is there, or is being removed. */
export function* checkSecretIds(store: Store, digest: Digest, isRole: (role: string) => boolean): Generator<string> {
  for (const id of secretIds.ids(store)) {
    const [role = '', hash = ''] = id.split('/')
    const { accessor, expiresAt } = secretIds.get(store, id) as SecretId
    const place = { role, hash }
    if (!isRole(role)) yield `secret ID ${id} is of a role that is gone`
    if (placeOfAccessor(store, digest, accessor)?.hash !== hash) yield `secret ID ${id} is not found by its accessor`
    if (expiresAt !== undefined && !expiries.get(store, expiryId(place, expiresAt))) yield `secret ID ${id} expires, and nobody will remove it`
  }
  for (const id of accessors.ids(store)) {
    const secretId = secretIds.get(store, idOf(accessors.get(store, id) as Place))
    if (!secretId || accessorId(digest, secretId.accessor) !== id) yield `accessor ${id} leads to no secret ID`
  }
  for (const id of expiries.ids(store)) if (!secretIds.get(store, id.slice(DIGITS + 1))) yield `expiry ${id} leads to no secret ID`
}

/** What a lookup shows. */
export function showSecretId(secretId: SecretId): JsonObject {
  return {
    secret_id_accessor: secretId.accessor,
    secret_id_num_uses: secretId.numUses,
    secret_id_ttl: secretId.ttl,
    creation_time: formatTime(secretId.createdAt),
    expiration_time: secretId.expiresAt === undefined ? NEVER : formatTime(secretId.expiresAt),
    last_updated_time: formatTime(secretId.updatedAt),
    metadata: { ...secretId.metadata },
    cidr_list: [...secretId.cidrs],
    token_bound_cidrs: [...secretId.tokenBoundCidrs],
  }
}

/** Go's zero time. */
const NEVER = '0001-01-01T00:00:00Z'

function idOf({ role, hash }: Place): string {
  return `${role}/${hash}`
}

function accessorId(digest: Digest, accessor: string): string {
  return digest(`accessor/${accessor}`)
}

function expiryId(place: Place, at: number): string {
  return `${sortable(at)}/${idOf(place)}`
}

const DIGITS = 12

/** Milliseconds as hex of one length, which sorts as the numbers do until the year 10889. */
function sortable(ms: number): string {
  return ms.toString(16).padStart(DIGITS, '0')
}
