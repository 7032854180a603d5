// Whether the keys at rest are whole and belong together: what no crash, however timed, may ever undo.
import { Fault } from '../base/fault.ts'
import { BrokenRecord, openRecord } from '../crypto/aead.ts'
import type { Key, Store } from '../store/store.ts'
import { barrier } from './barrier.ts'
import { openBehind } from './behind.ts'
import { BEFORE_RECORDS, CONFIG, KEPT_BEFORE_KEY, KEPT_ROOT_KEY, KEPT_SHARED_KEY, KEY_RECORDS, KEYRING, ROOT_KEY } from './key-names.ts'
import { readSealConfig } from './key-records.ts'
import type { Keyring } from './keyring.ts'
import { problemOfSplit, sharesOpen } from './seal-config.ts'
import { wrappedKeys } from './seal-set.ts'
import { knownShares, openRootKey, shareSets } from './share-sets.ts'

/** What is wrong, in words for an operator; empty where nothing is. With an unsealed keyring the keys themselves are tried too. */
export function checkSeal(store: Store, keyring?: Keyring): string[] {
  if (!readSealConfig(store)) return [...store.keys({ prefix: 'core/' })].map((key) => `${key} is there, but no seal configuration`)
  const problems = [...missing(store), ...checkShape(store)]
  if (problems.length > 0 || !keyring || keyring.sealed) return problems
  return [...checkKeys(store, keyring), ...checkShares(store, keyring), ...checkRekeys(store, keyring)]
}

function missing(store: Store): string[] {
  const before = BEFORE_RECORDS.filter((key) => store.get(key))
  return [
    ...neededRecords(store)
      .filter((key) => !store.get(key))
      .map((key) => `${key} is missing`),
    ...(readSealConfig(store)?.type === 'auto' && wrappedKeys(store).size === 0 ? ['the root key is under no seal'] : []),
    ...(before.length > 0 && before.length < BEFORE_RECORDS.length ? [`of the shares of before only ${before.join(', ')} is there`] : []),
  ]
}

/** Shares that open nothing need no root key of their own; where nobody holds any, there is no key either. */
function neededRecords(store: Store): Key[] {
  const config = readSealConfig(store)
  const unneeded: Key[] = [...(config && sharesOpen(config) ? [] : [ROOT_KEY]), ...(config && config.shares > 0 ? [] : [KEPT_SHARED_KEY])]
  return KEY_RECORDS.filter((key) => !unneeded.includes(key))
}

function checkShape(store: Store): string[] {
  return shareSets(store).flatMap(({ split }) => {
    const problem = problemOfSplit(split)
    return problem ? [`${CONFIG}: ${problem}`] : []
  })
}

/** The kept root key opens the keyring, and each set's kept key opens that root key. */
function checkKeys(store: Store, keyring: Keyring): string[] {
  return attempt(() => {
    const rootKey = openBehind(store, keyring, KEPT_ROOT_KEY)
    const encoded = openRecord(() => rootKey, store.get(KEYRING)?.value ?? Buffer.alloc(0), KEYRING)
    const own = keyring.encode()
    const problems = [
      ...(own.equals(encoded) ? [] : [`${KEYRING} is not the keyring in use`]),
      ...shareSets(store).flatMap((set, index) => {
        if (!set.root) return []
        const sharedKey = openBehind(store, keyring, index === 0 ? KEPT_SHARED_KEY : KEPT_BEFORE_KEY)
        const opened = openRootKey(set, sharedKey)
        const same = opened?.equals(rootKey)
        wipe(sharedKey, opened)
        return same ? [] : [`the ${index === 0 ? 'present' : 'former'} shares do not open the root key`]
      }),
    ]
    wipe(rootKey, encoded, own)
    return problems
  })
}

function checkShares(store: Store, keyring: Keyring): string[] {
  return attempt(() =>
    knownShares(store, keyring).flatMap(({ split, marks }) =>
      marks.marks.length === split.shares ? [] : [`${marks.marks.length} shares are known, but the key was split into ${split.shares}`],
    ),
  )
}

/** A key that waits to be verified, and kept shares that do, are there as long as their rekey is, and no longer. */
function checkRekeys(store: Store, keyring: Keyring): string[] {
  const inside = barrier(store, keyring, { bytes: () => Buffer.alloc(0) })
  const names = (prefix: string) => Array.from(inside.keys({ prefix }), (key) => key.slice(prefix.length))
  return attempt(() => {
    const begun = Array.from(inside.range({ prefix: 'core/barrier/rekey/' }), ({ key, value }) => ({ key, made: JSON.parse(value.toString()).made }))
    const waiting = begun.filter(({ made }) => made !== undefined).map(({ key }) => key.split('/').at(-1))
    const keys = names('core/barrier/rekey-key/')
    const stray = names('core/barrier/share-backup-unverified/').filter((target) => !waiting.includes(target))
    return [
      ...(waiting.join() === keys.join()
        ? []
        : [`keys wait for a verification of ${keys.join() || 'nothing'}, rekeys of ${waiting.join() || 'nothing'}`]),
      ...stray.map((target) => `shares of ${target} are kept to be verified, but no rekey waits for that`),
    ]
  })
}

function attempt(check: () => string[]): string[] {
  try {
    return check()
  } catch (error) {
    if (error instanceof BrokenRecord || error instanceof Fault) return [error.message]
    throw error
  }
}

function wipe(...keys: (Buffer | undefined)[]): void {
  for (const key of keys) key?.fill(0)
}
