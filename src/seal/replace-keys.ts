// The commits that put new keys in the place of the present ones.
import type { Clock, Random } from '../base/ports.ts'
import type { Store } from '../store/store.ts'
import type { Op } from './behind.ts'
import { freshKeys } from './fresh-keys.ts'
import { changeKeys, readSealConfig } from './key-records.ts'
import type { Keyring } from './keyring.ts'
import type { SealSet } from './seal-set.ts'
import type { SharedKey } from './share-sets.ts'

export interface ReplaceDeps {
  /** Below the barrier. */
  readonly store: Store
  readonly keyring: Keyring
  readonly ports: { readonly clock: Clock; readonly random: Random }
  readonly seals: SealSet
}

interface How {
  /** Makes another root key as well, which only the new shared key opens. */
  readonly rootToo: boolean
  /** Wall milliseconds: the old shares stay good for a while, since nobody has shown yet that the new ones arrived. */
  readonly keepBefore: number | undefined
  /** To write in the same commit. */
  readonly more: readonly Op[]
}

/** A new shared key. Throws `sealed`, and Conflict where the keys changed meanwhile. */
export async function replaceShared({ store, keyring, ports }: ReplaceDeps, next: SharedKey, { rootToo, keepBefore, more }: How): Promise<void> {
  const rootKey = freshKeys(1, ports.random)
  try {
    const change = { ...next, ...(rootToo ? { rootKey: rootKey.bytes } : {}) }
    await changeKeys(store, keyring, change, { random: ports.random, more, ...(keepBefore === undefined ? {} : { keepBefore }) })
  } finally {
    rootKey.close()
  }
}

/** A new root key; what people hold stays good. Throws `sealed`, Conflict, and `unavailable` where no seal can be reached. */
export async function replaceRoot({ store, keyring, ports, seals }: ReplaceDeps, more: readonly Op[] = []): Promise<void> {
  const rootKey = freshKeys(1, ports.random)
  try {
    const wrapped = readSealConfig(store)?.type === 'auto' ? { wrapped: await seals.wrapAll(rootKey.bytes) } : {}
    await changeKeys(store, keyring, { rootKey: rootKey.bytes, ...wrapped }, { random: ports.random, more })
  } finally {
    rootKey.close()
  }
}
