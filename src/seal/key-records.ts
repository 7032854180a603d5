// The keys at rest, always written whole. Outside the barrier: the seal's configuration, the root key under the unseal key, the
// keyring under the root key. Behind it, for changes that an unsealed server makes: root key, shared key, and marks of its shares.
// The shares before the last change stay good for a while, in case the answer that told the new ones was lost.
import { Fault } from '../base/fault.ts'
import type { Ports, Random } from '../base/ports.ts'
import { openRecord, sealRecord } from '../crypto/aead.ts'
import { decode, encode } from '../store/records.ts'
import { Conflict, type Store } from '../store/store.ts'
import { entryOf, gone, type Op, openBehind, revisions, sealBehind } from './behind.ts'
import { freshKeys } from './fresh-keys.ts'
import { BEFORE_RECORDS, CONFIG, KEPT_ROOT_KEY, KEPT_SHARED_KEY, KEY_RECORDS, KEYRING, ROOT_KEY, SHARES } from './key-names.ts'
import { Keyring } from './keyring.ts'
import { type SealConfig, sharesOpen } from './seal-config.ts'
import { type WrappedKeys, wrappedKey, wrappedKeys, wrappedOps } from './seal-set.ts'
import { beforeOps, keptBefore, ONLY_TERM } from './share-sets.ts'
import type { ShareMarks } from './shares.ts'

/** All that the keys at rest are made from. */
export interface Keys {
  readonly config: SealConfig
  readonly rootKey: Uint8Array
  /** What was split into shares; undefined where there are none. */
  readonly sharedKey: Uint8Array | undefined
  readonly marks: ShareMarks
  /** The root key under seals; undefined to leave those as they are. */
  readonly wrapped?: WrappedKeys
}

/** Undefined where nobody has initialised the store. */
export function readSealConfig(store: Store): SealConfig | undefined {
  void store.revision // another machine may have initialised it since
  const entry = store.get(CONFIG)
  return entry && decode<SealConfig>(entry.value)
}

/** Stores the first keys and what `first` holds in one commit, if no keys are there yet. Throws `invalid` if there are. */
export async function claimStore(store: Store, keyring: Keyring, keys: Keys, { first, random }: { first: Store; random: Random }): Promise<void> {
  const ops = keyOps(store, keyring, keys, random)
  try {
    await store.commit({ ops: [...ops, ...first.range({ prefix: '' })], expect: KEY_RECORDS.map((key) => ({ key, revision: 0 })) })
  } catch (error) {
    throw error instanceof Conflict ? alreadyInitialized() : error
  }
}

export function alreadyInitialized(): Fault {
  return new Fault('invalid', 'Vault is already initialized')
}

export interface ChangeSettings {
  readonly random: Random
  /** Wall milliseconds: the shares of before stay good as well, until `settle`. */
  readonly keepBefore?: number
  /** More to write in the same commit. */
  readonly more?: readonly Op[]
}

/** Replaces what is given, in one commit. The keyring stays. Throws `sealed`, and Conflict where the keys changed meanwhile. */
export async function changeKeys(store: Store, keyring: Keyring, change: Partial<Keys>, settings: ChangeSettings): Promise<void> {
  const { random, more = [] } = settings
  const expect = revisions(store, [...KEY_RECORDS, ...BEFORE_RECORDS, ...[...wrappedKeys(store).keys()].map(wrappedKey)])
  const kept = keptKeys(store, keyring)
  let ops: Op[]
  try {
    const next = { ...kept, ...change }
    const before = change.sharedKey ? replacedOps(keyring, kept, next, settings) : carriedOps(store, keyring, next, random)
    ops = [...keyOps(store, keyring, next, random), ...before]
  } finally {
    wipeKeys(kept)
  }
  await store.commit({ ops: [...ops, ...more], expect })
}

/** The shares that are replaced stay good where that is asked for. */
function replacedOps(keyring: Keyring, { config, marks, sharedKey }: Keys, { rootKey }: Keys, { random, keepBefore: at }: ChangeSettings): Op[] {
  if (at === undefined || !sharedKey) return BEFORE_RECORDS.map(gone)
  return beforeOps(keyring, { config, marks, sharedKey, at }, rootKey, random)
}

/** Where the shares stay, so do those of before, as long as they were to. */
function carriedOps(store: Store, keyring: Keyring, { rootKey }: Keys, random: Random): Op[] {
  const before = keptBefore(store, keyring)
  if (!before) return []
  const ops = beforeOps(keyring, before, rootKey, random)
  before.sharedKey.fill(0)
  return ops
}

/** Makes the shares of before the only good ones again. */
export async function revert(store: Store, keyring: Keyring, random: Random): Promise<void> {
  const before = keptBefore(store, keyring)
  if (!before) return
  try {
    const { config, marks, sharedKey } = before
    await changeKeys(store, keyring, { config, marks, sharedKey }, { random })
  } finally {
    before.sharedKey.fill(0)
  }
}

/**
 * Makes the keyring's next term and stores the keyring with it, under the root key that is kept; returns it in clear, which the
 * caller wipes. Throws `sealed`, and Conflict.
 */
export async function storeNextTerm(store: Store, keyring: Keyring, { random, clock }: Pick<Ports, 'random' | 'clock'>): Promise<Buffer> {
  const grown = new Keyring()
  const fresh = freshKeys(1, random)
  try {
    const before = keyring.encode()
    grown.load(before)
    before.fill(0)
    grown.addTerm(fresh.bytes, clock.now())
    const expect = revisions(store, [KEYRING, KEPT_ROOT_KEY])
    const rootKey = openBehind(store, keyring, KEPT_ROOT_KEY)
    const op = keyringOp(grown, rootKey, random)
    rootKey.fill(0)
    await store.commit({ ops: [op], expect })
    return grown.encode()
  } finally {
    fresh.close()
    grown.close()
  }
}

/** What the present keys are made from; the caller wipes them. Throws `sealed`. */
export function keptKeys(store: Store, keyring: Keyring): Keys {
  const config = decode<SealConfig>(entryOf(store, CONFIG).value)
  return {
    config,
    marks: decode(openBehind(store, keyring, SHARES)),
    rootKey: openBehind(store, keyring, KEPT_ROOT_KEY),
    sharedKey: store.get(KEPT_SHARED_KEY) && openBehind(store, keyring, KEPT_SHARED_KEY),
  }
}

export function wipeKeys({ rootKey, sharedKey }: Pick<Keys, 'rootKey' | 'sharedKey'>): void {
  rootKey.fill(0)
  sharedKey?.fill(0)
}

/** Fills the keyring. Throws BrokenRecord for one that isn't the root key's. */
export function unlockKeyring(store: Store, rootKey: Uint8Array, keyring: Keyring): void {
  const encoded = openRecord(() => rootKey, entryOf(store, KEYRING).value, KEYRING)
  try {
    keyring.load(encoded)
  } finally {
    encoded.fill(0)
  }
}

function keyOps(store: Store, keyring: Keyring, { config, rootKey, sharedKey, marks, wrapped }: Keys, random: Random): Op[] {
  return [
    { key: CONFIG, value: encode(config) },
    { key: ROOT_KEY, value: sharedKey && sharesOpen(config) ? sealRecord(sharedKey, ONLY_TERM, rootKey, ROOT_KEY, random) : undefined },
    keyringOp(keyring, rootKey, random),
    { key: KEPT_ROOT_KEY, value: sealBehind(keyring, rootKey, KEPT_ROOT_KEY, random) },
    { key: KEPT_SHARED_KEY, value: sharedKey && sealBehind(keyring, sharedKey, KEPT_SHARED_KEY, random) },
    { key: SHARES, value: sealBehind(keyring, encode(marks), SHARES, random) },
    ...(wrapped ? wrappedOps(store, wrapped) : []),
  ]
}

function keyringOp(keyring: Keyring, rootKey: Uint8Array, random: Random): Op {
  const encoded = keyring.encode()
  const value = sealRecord(rootKey, ONLY_TERM, encoded, KEYRING, random)
  encoded.fill(0)
  return { key: KEYRING, value }
}
