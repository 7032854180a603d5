// From a shared key or a seal to the keyring, with what that decides: which set of shares stays, and a migration that is pending.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { Conflict, type Store } from '../store/store.ts'
import { changeKeys, type Keys, keptKeys, readSealConfig, revert, unlockKeyring, wipeKeys } from './key-records.ts'
import { Keyring } from './keyring.ts'
import { type Migration, pendingMigration } from './migration.ts'
import type { SealSet } from './seal-set.ts'
import { isSharedKey, openRootKey, settle, shareSets } from './share-sets.ts'

export interface OpeningDeps {
  readonly store: Store
  readonly seals: SealSet
  readonly random: Random
}

interface Given {
  /** What shares make together, be it the right key or not. */
  readonly sharedKey: Buffer
  /** The sets that it may be of. */
  readonly indices: readonly number[]
  readonly migrate: boolean
}

/** The keyring, which the caller closes. Throws `unavailable` where no seal can be reached, and BrokenRecord where none opens it. */
export async function openBySeals(store: Store, seals: SealSet): Promise<Keyring> {
  let broken: BrokenRecord | undefined
  for await (const rootKey of seals.unwrapped(store)) {
    try {
      return unlocked(store, rootKey)
    } catch (error) {
      if (!(error instanceof BrokenRecord)) throw error
      broken = error
    } finally {
      rootKey.fill(0)
    }
  }
  throw broken ?? new Fault('unavailable', 'no seal could unwrap the root key')
}

/**
 * The keyring, which the caller closes; undefined for a wrong key. Recovery shares open by way of a seal, unless they were made to
 * open by themselves. Throws `unavailable` where a seal is needed and can't be reached.
 */
export async function openByShares(deps: OpeningDeps, { sharedKey, indices, migrate }: Given): Promise<Keyring | undefined> {
  for (const index of indices) {
    const opened = await openSet(deps, sharedKey, index)
    if (!opened) continue
    try {
      await decide(deps, opened, index === 0)
      const migration = migrate ? pendingMigration(deps.store, deps.seals) : undefined
      if (migration) await MIGRATIONS[migration](deps, opened)
      return opened
    } catch (error) {
      opened.close()
      throw error
    }
  }
  return undefined
}

async function openSet({ store, seals }: OpeningDeps, sharedKey: Buffer, index: number): Promise<Keyring | undefined> {
  const set = shareSets(store)[index]
  if (!set) return undefined
  const rootKey = openRootKey(set, sharedKey)
  if (rootKey) {
    try {
      return unlocked(store, rootKey)
    } finally {
      rootKey.fill(0)
    }
  }
  if (set.root || readSealConfig(store)?.type !== 'auto') return undefined
  const opened = await openBySeals(store, seals)
  if (isSharedKey(store, opened, index, sharedKey)) return opened
  opened.close()
  return undefined
}

/** The set that opens is the one that stays. Where that can't be stored now, both stay good until it can. */
async function decide({ store, random }: OpeningDeps, opened: Keyring, newest: boolean): Promise<void> {
  try {
    if (newest) await settle(store)
    else await revert(store, opened, random)
  } catch (error) {
    // A rekey that ends at the same time also decides.
    if (!(error instanceof Fault || error instanceof Conflict)) throw error
  }
}

const MIGRATIONS: Readonly<Record<Migration, (deps: OpeningDeps, opened: Keyring) => Promise<void>>> = {
  'to-auto': async (deps, opened) =>
    change(deps, opened, async ({ config, rootKey }) => ({
      config: { ...config, type: 'auto' },
      wrapped: await deps.seals.wrapAll(rootKey),
    })),
  'to-shamir': async (deps, opened) =>
    change(deps, opened, async ({ config: { shares, threshold } }) => ({
      config: { type: 'shamir', shares, threshold },
      wrapped: new Map(),
    })),
  'to-other': async (deps, opened) => change(deps, opened, async ({ rootKey }) => ({ wrapped: await deps.seals.wrapAll(rootKey) })),
}

async function change({ store, random }: OpeningDeps, opened: Keyring, next: (kept: Keys) => Promise<Partial<Keys>>): Promise<void> {
  const kept = keptKeys(store, opened)
  try {
    await changeKeys(store, opened, await next(kept), { random })
  } finally {
    wipeKeys(kept)
  }
}

function unlocked(store: Store, rootKey: Uint8Array): Keyring {
  const keyring = new Keyring()
  try {
    unlockKeyring(store, rootKey, keyring)
    return keyring
  } catch (error) {
    keyring.close()
    throw error
  }
}
