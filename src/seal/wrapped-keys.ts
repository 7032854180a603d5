// The keys at rest: outside the barrier the seal's configuration, the root key under the unseal key and the keyring under the
// root key; behind it the root key again, for changes that an unsealed server makes to the others.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import { decode, encode } from '../store/records.ts'
import { Conflict, type Entry, type Key, type Store } from '../store/store.ts'
import { sealedFault } from './barrier.ts'
import type { Keyring } from './keyring.ts'
import type { SealConfig } from './seal-config.ts'

const CONFIG = 'core/seal/config'
const ROOT_KEY = 'core/seal/root'
const KEYRING = 'core/seal/keyring'
const KEPT_ROOT_KEY = 'core/barrier/root-key'
/** The term of records whose key has no successors. */
const ONLY_TERM = 0

/** Undefined where nobody has initialised the store. */
export function readSealConfig(store: Store): SealConfig | undefined {
  void store.revision // another machine may have initialised it since
  const entry = store.get(CONFIG)
  return entry && decode<SealConfig>(entry.value)
}

interface FirstKeys {
  readonly unsealKey: Uint8Array
  readonly rootKey: Uint8Array
  readonly keyring: Keyring
}

/** Stores the keys and what `first` holds in one commit, if no keys are there yet. Throws `invalid` if there are. */
export async function claimStore(
  store: Store,
  config: SealConfig,
  keys: FirstKeys,
  { first, random }: { first: Store; random: Random },
): Promise<void> {
  const encoded = keys.keyring.encode()
  const ops = [
    { key: CONFIG, value: encode(config) },
    { key: ROOT_KEY, value: sealRecord(keys.unsealKey, ONLY_TERM, keys.rootKey, ROOT_KEY, random) },
    { key: KEYRING, value: sealRecord(keys.rootKey, ONLY_TERM, encoded, KEYRING, random) },
    { key: KEPT_ROOT_KEY, value: sealBehind(keys.keyring, keys.rootKey, KEPT_ROOT_KEY, random) },
  ]
  encoded.fill(0)
  try {
    await store.commit({ ops: [...ops, ...first.range({ prefix: '' })], expect: ops.map(({ key }) => ({ key, revision: 0 })) })
  } catch (error) {
    throw error instanceof Conflict ? alreadyInitialized() : error
  }
}

export function alreadyInitialized(): Fault {
  return new Fault('invalid', 'Vault is already initialized')
}

/** Fills the keyring. Throws `invalid` for the wrong unseal key, and BrokenRecord for a keyring that isn't the root key's. */
export function unlockKeyring(store: Store, unsealKey: Uint8Array, keyring: Keyring): void {
  const rootKey = unwrapRootKey(store, unsealKey)
  try {
    const encoded = openRecord(() => rootKey, stored(store, KEYRING), KEYRING)
    try {
      keyring.load(encoded)
    } finally {
      encoded.fill(0)
    }
  } finally {
    rootKey.fill(0)
  }
}

/** Stores what the keyring grew into, under the root key that it keeps. Throws Conflict where another did so meanwhile. */
export async function storeKeyring(store: Store, keyring: Keyring, grown: Keyring, random: Random): Promise<void> {
  void store.revision
  const { revision } = entryOf(store, KEYRING)
  const rootKey = openRecord((term) => keyring.keyOf(term), stored(store, KEPT_ROOT_KEY), KEPT_ROOT_KEY)
  const encoded = grown.encode()
  const value = sealRecord(rootKey, ONLY_TERM, encoded, KEYRING, random)
  encoded.fill(0)
  rootKey.fill(0)
  await store.commit({ ops: [{ key: KEYRING, value }], expect: [{ key: KEYRING, revision }] })
}

function sealBehind(keyring: Keyring, value: Uint8Array, path: Key, random: Random): Buffer {
  const key = keyring.keyOf(keyring.active)
  if (!key) throw sealedFault()
  return sealRecord(key, keyring.active, value, path, random)
}

function unwrapRootKey(store: Store, unsealKey: Uint8Array): Buffer {
  try {
    return openRecord(() => unsealKey, stored(store, ROOT_KEY), ROOT_KEY)
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error
    const reason = 'invalid key: failed to decrypt keys from storage: cipher: message authentication failed'
    throw new Fault('invalid', `unable to retrieve stored keys: ${reason}`)
  }
}

function stored(store: Store, key: Key): Buffer {
  return entryOf(store, key).value
}

function entryOf(store: Store, key: Key): Entry {
  const entry = store.get(key)
  if (!entry) throw new BrokenRecord(key)
  return entry
}
