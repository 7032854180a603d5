// Which sets of key shares are good: the present one, and for a while the one before it, in case the answer that told the present
// one never arrived. The set that opens the barrier next is the one that stays.
import type { Random } from '../base/ports.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import { equalBytes } from '../crypto/hmac.ts'
import { decode, encode } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { entryOf, gone, type Op, openBehind, revisions, sealBehind } from './behind.ts'
import { BEFORE, BEFORE_RECORDS, CONFIG, KEPT_BEFORE, KEPT_BEFORE_KEY, KEPT_SHARED_KEY, ROOT_KEY, SHARES } from './key-names.ts'
import type { Keyring } from './keyring.ts'
import { type SealConfig, sharesOpen, type Split } from './seal-config.ts'
import type { KnownShares, ShareMarks } from './shares.ts'

/** The term of records whose key has no successors. */
export const ONLY_TERM = 0

/** One set of shares and what its shared key opens. */
export interface ShareSet {
  readonly split: Split
  /** The root key, sealed; undefined where the shared key doesn't open it. */
  readonly root: Buffer | undefined
}

/** What makes a set the present one. */
export interface SharedKey {
  readonly config: SealConfig
  readonly sharedKey: Uint8Array
  readonly marks: ShareMarks
}

interface Before {
  readonly config: SealConfig
  /** The root key under the shared key of then, in base64; absent where that doesn't open it. */
  readonly root?: string
}

interface KeptBefore {
  readonly marks: ShareMarks
  /** Wall milliseconds of the change. */
  readonly at: number
}

/** Milliseconds: how long the shares before a rekey stay good, unless the new ones are seen to have arrived. */
const SETTLING = 600_000

/** The sets of shares that people hold, the present one first. Empty where nobody holds any. */
export function shareSets(store: Store): ShareSet[] {
  void store.revision
  const config = store.get(CONFIG)
  const split = config && decode<SealConfig>(config.value)
  const before = readBefore(store)
  return [
    ...(split && split.shares > 0 ? [{ split, root: store.get(ROOT_KEY)?.value }] : []),
    ...(before ? [{ split: before.config, root: before.root === undefined ? undefined : Buffer.from(before.root, 'base64') }] : []),
  ]
}

/** The root key that a set's shared key opens; the caller wipes it. Undefined for another key, or where it opens none. */
export function openRootKey({ root }: ShareSet, sharedKey: Uint8Array): Buffer | undefined {
  if (!root) return undefined
  try {
    return openRecord(() => sharedKey, root, ROOT_KEY)
  } catch (error) {
    if (error instanceof BrokenRecord) return undefined
    throw error
  }
}

/** Whether it is the key that a set's shares make, by what is kept behind the barrier. Throws `sealed`. */
export function isSharedKey(store: Store, keyring: Keyring, index: number, sharedKey: Uint8Array): boolean {
  const kept = openBehind(store, keyring, index === 0 ? KEPT_SHARED_KEY : KEPT_BEFORE_KEY)
  const same = equalBytes(kept, sharedKey)
  kept.fill(0)
  return same
}

/** The sets of shares that count, the present one first. Throws `sealed`. */
export function knownShares(store: Store, keyring: Keyring): KnownShares[] {
  void store.revision
  const split = decode<SealConfig>(entryOf(store, CONFIG).value)
  const before = readBefore(store)
  return [
    { split, marks: decode(openBehind(store, keyring, SHARES)) },
    ...(before ? [{ split: before.config, marks: decode<KeptBefore>(openBehind(store, keyring, KEPT_BEFORE)).marks }] : []),
  ]
}

/** A set that another took the place of, and when: wall milliseconds. */
export interface FormerKey extends SharedKey {
  readonly at: number
}

/** Keeps such a set good: its shared key opens the next root key. */
export function beforeOps(keyring: Keyring, { config, sharedKey, marks, at }: FormerKey, rootKey: Uint8Array, random: Random): Op[] {
  const root = sharesOpen(config) ? { root: sealRecord(sharedKey, ONLY_TERM, rootKey, ROOT_KEY, random).toString('base64') } : {}
  return [
    { key: BEFORE, value: encode({ config, ...root } satisfies Before) },
    { key: KEPT_BEFORE, value: sealBehind(keyring, encode({ marks, at } satisfies KeptBefore), KEPT_BEFORE, random) },
    { key: KEPT_BEFORE_KEY, value: sealBehind(keyring, sharedKey, KEPT_BEFORE_KEY, random) },
  ]
}

/** What `beforeOps` kept, if anything; the caller wipes the key. Throws `sealed`. */
export function keptBefore(store: Store, keyring: Keyring): FormerKey | undefined {
  const before = readBefore(store)
  if (!before) return undefined
  const { marks, at } = decode<KeptBefore>(openBehind(store, keyring, KEPT_BEFORE))
  return { config: before.config, marks, at, sharedKey: openBehind(store, keyring, KEPT_BEFORE_KEY) }
}

/** From now on only the newest shares are good. */
export async function settle(store: Store): Promise<void> {
  const expect = revisions(store, BEFORE_RECORDS)
  if (expect.some(({ revision }) => revision > 0)) await store.commit({ ops: BEFORE_RECORDS.map(gone), expect })
}

/** Whether the shares of before have been good for long enough. Throws `sealed`. */
export function isSettlingDue(store: Store, keyring: Keyring, now: number): boolean {
  return store.get(KEPT_BEFORE) !== undefined && now - decode<KeptBefore>(openBehind(store, keyring, KEPT_BEFORE)).at >= SETTLING
}

function readBefore(store: Store): Before | undefined {
  const entry = store.get(BEFORE)
  return entry && decode<Before>(entry.value)
}
