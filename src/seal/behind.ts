// Single records of the seal: opened and sealed behind the barrier, below which they are read and committed.
import type { Random } from '../base/ports.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import type { Batch, Entry, Key, Revision, Store } from '../store/store.ts'
import { sealedFault } from './barrier.ts'
import type { Keyring } from './keyring.ts'

export type Op = Batch['ops'][number]

export function sealBehind(keyring: Keyring, value: Uint8Array, path: Key, random: Random): Buffer {
  const key = keyring.keyOf(keyring.active)
  if (!key) throw sealedFault()
  return sealRecord(key, keyring.active, value, path, random)
}

/** The caller wipes what it gets, where that is a key. Throws `sealed`, and BrokenRecord where there is none. */
export function openBehind(store: Store, keyring: Keyring, path: Key): Buffer {
  if (keyring.sealed) throw sealedFault()
  return openRecord((term) => keyring.keyOf(term), entryOf(store, path).value, path)
}

/** Throws BrokenRecord where there is none. */
export function entryOf(store: Store, key: Key): Entry {
  const entry = store.get(key)
  if (!entry) throw new BrokenRecord(key)
  return entry
}

export function gone(key: Key): Op {
  return { key, value: undefined }
}

/** Expectations that these are as they are now. */
export function revisions(store: Store, keys: readonly Key[]): { key: Key; revision: Revision }[] {
  void store.revision
  return keys.map((key) => ({ key, revision: store.get(key)?.revision ?? 0 }))
}
