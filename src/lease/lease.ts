// A lease as it is stored, and every key by which it is found: all of them change with it in one commit.
import type { JsonObject } from '../base/json.ts'
import { namespaceIdOf, namespacePrefix } from '../store/layout.ts'
import { decode, encode } from '../store/records.ts'
import type { Key } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'
import { count } from './counts.ts'

/** Times are wall milliseconds, durations whole seconds. */
export interface Lease {
  /** `<request path>/<24 letters and digits>`, and `.<namespace id>` outside of the root namespace. */
  readonly id: string
  readonly path: string
  /** The module's name for how it is prolonged and taken back. */
  readonly kind: string
  /** The uuid of the mount that lent it. */
  readonly mount: string
  /** The outside system it lives in, where the mount has several. */
  readonly target: string
  readonly role: string
  /** Hash of the token it ends with; '' where its time alone ends it. */
  readonly holder: string
  readonly issuedAt: number
  /** 0 before the first renewal. */
  readonly renewedAt: number
  /** From then on it is to be taken back. */
  readonly expiresAt: number
  /** No renewal reaches beyond; absent where the limits alone decide. */
  readonly latest?: number
  readonly ttl: number
  readonly maxTtl: number
  readonly renewable: boolean
  readonly internal: JsonObject
  /** False for an intent: the module was about to act, and nothing is known of the outcome. */
  readonly certain: boolean
  /** An intent that has to be taken back twice, since an action that nobody awaits any more may come after the first time. */
  readonly again: boolean
  /** When something is next to be done about it. */
  readonly dueAt: number
  /** How often taking it back has failed, and why the last time. */
  readonly tries: number
  readonly error: string
}

/** So many failures make a lease irrevocable: it is listed as such, and tried again only rarely. */
export const MAX_TRIES = 6

/** What a namespace has of its own, by its id. */
export const FOLDER = { ids: 'lease/id/', intents: 'lease/intent/' } as const
/** What is found across namespaces: by time, by token, by mount; and what is irrevocable, by namespace. */
export const INDEX = { due: 'lease-due/', holder: 'lease-holder/', mount: 'lease-mount/', stuck: 'lease-stuck/' } as const

const NOTHING = Buffer.alloc(0)

type Reader = Pick<Tx, 'get'>

export function isIrrevocable({ tries }: Lease): boolean {
  return tries >= MAX_TRIES
}

/** Its time is over, or it was revoked. */
export function hasEnded({ expiresAt }: Lease, now: number): boolean {
  return expiresAt <= now
}

/** Leases of one lane share a circuit: a mount's, or those of one outside system of it. */
export function laneOf({ mount, target }: Pick<Lease, 'mount' | 'target'>): string {
  return target === '' ? mount : `${mount}~${encodeURIComponent(target)}`
}

/** A lease that was made, ended or not. */
export function readLease(from: Reader, id: string): Lease | undefined {
  return at(from, recordKey({ id, certain: true }))
}

/** The same, or an intent. */
export function stored(from: Reader, id: string): Lease | undefined {
  return readLease(from, id) ?? at(from, recordKey({ id, certain: false }))
}

function at(from: Reader, key: Key): Lease | undefined {
  const entry = from.get(key)
  return entry && decode<Lease>(entry.value)
}

/** Makes, changes or removes a lease with all its keys and counts: the only way any of them is written. */
export function put(tx: Tx, before: Lease | undefined, after: Lease | undefined): void {
  const old = before ? keysOf(before) : []
  const kept = after ? keysOf(after) : []
  for (const key of old) if (!kept.includes(key)) tx.delete(key)
  for (const key of kept) if (!old.includes(key)) tx.put(key, NOTHING)
  if (after) tx.put(recordKey(after), encode(after))
  if (!before && after) count(tx, after, 1)
  if (before && !after) count(tx, before, -1)
}

function keysOf(lease: Lease): Key[] {
  return [recordKey(lease), ...indexKeys(lease)]
}

export function recordKey({ id, certain }: Pick<Lease, 'id' | 'certain'>): Key {
  return folder(id, certain ? FOLDER.ids : FOLDER.intents) + id
}

/** Keys without a value, by which a lease is found. */
export function indexKeys(lease: Lease): Key[] {
  const { id, holder, mount, dueAt } = lease
  return [
    dueKey(laneOf(lease), dueAt, id),
    `${INDEX.mount}${mount}/${id}`,
    ...(holder === '' ? [] : [`${INDEX.holder}${holder}/${id}`]),
    ...(isIrrevocable(lease) ? [stuckFolder(namespaceIdOf(id)) + id] : []),
  ]
}

export function stuckFolder(namespace: string): Key {
  return `${INDEX.stuck}${namespace}/`
}

/** The id says which namespace it is of. */
function folder(id: string, name: string): Key {
  return namespacePrefix(namespaceIdOf(id)) + name
}

/** Sorted by time within a lane. */
function dueKey(lane: string, at: number, id: string): Key {
  return `${INDEX.due}${lane}/${String(Math.max(at, 0)).padStart(TIME_LENGTH, '0')}/${id}`
}

const TIME_LENGTH = 15

export interface DueKey {
  readonly at: number
  readonly id: string
}

export function parseDueKey(key: Key): DueKey {
  const time = key.indexOf('/', INDEX.due.length) + 1
  return { at: Number(key.slice(time, time + TIME_LENGTH)), id: key.slice(time + TIME_LENGTH + 1) }
}
