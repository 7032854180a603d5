// The first keys of a server, and the shares of the one that people hold.
import { Fault } from '../base/fault.ts'
import type { Ports } from '../base/ports.ts'
import { splitSecret } from '../crypto/shamir.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { barrier } from './barrier.ts'
import { freshKeys } from './fresh-keys.ts'
import { alreadyInitialized, claimStore, readSealConfig } from './key-records.ts'
import { KEY_BYTES, Keyring } from './keyring.ts'
import { checkSplit, type SealConfig, type Split } from './seal-config.ts'
import type { SealSet } from './seal-set.ts'
import { markShares } from './shares.ts'

export interface InitSpec extends Split {
  /** `shares` and `threshold` are of the unseal key; of the recovery key where seals open the barrier, and 0 for none. */
  readonly recoveryOpens?: boolean
  /** Writes what shall be there from the start, such as the first token; it is committed together with the keys, or not at all. */
  readonly prepare?: (inside: Store) => Promise<void>
}

interface InitDeps {
  readonly store: Store
  readonly ports: Pick<Ports, 'clock' | 'random' | 'timers'>
  readonly seals: SealSet
}

/** The caller wipes the shares. Throws `invalid` where it can't be or was done already, and `unavailable` where no seal can be reached. */
export async function initialise({ store, ports, seals }: InitDeps, { prepare, ...wish }: InitSpec): Promise<Buffer[]> {
  const { random, clock } = ports
  const config = configOf(wish, seals)
  const { shares, threshold } = config
  if (readSealConfig(store)) throw alreadyInitialized()
  const keyring = new Keyring()
  const fresh = freshKeys(3, random)
  try {
    const [sharedKey, rootKey, firstKey] = threeKeys(fresh.bytes)
    keyring.addTerm(firstKey, clock.now())
    const given = shares > 0 ? await splitSecret(sharedKey, shares, threshold, random) : []
    const wrapped = config.type === 'auto' ? { wrapped: await seals.wrapAll(rootKey) } : {}
    const first = memory(ports)
    await prepare?.(barrier(first, keyring, random))
    const keys = { config, sharedKey: shares > 0 ? sharedKey : undefined, rootKey, marks: markShares(given, random), ...wrapped }
    await claimStore(store, keyring, keys, { first, random })
    return given
  } finally {
    fresh.close()
    keyring.close()
  }
}

function configOf({ shares, threshold, recoveryOpens = false }: InitSpec, seals: SealSet): SealConfig {
  if (seals.active.length === 0) {
    checkSplit({ shares, threshold }, 'seal configuration')
    return { type: 'shamir', shares, threshold }
  }
  if (shares !== 0 || threshold !== 0) checkSplit({ shares, threshold }, 'recovery configuration')
  if (recoveryOpens && shares === 0) throw new Fault('invalid', 'recovery_unseal needs recovery_shares')
  return { type: 'auto', shares, threshold, ...(recoveryOpens ? { recoveryOpens } : {}) }
}

function threeKeys(bytes: Buffer): [Buffer, Buffer, Buffer] {
  const key = (n: number) => bytes.subarray(n * KEY_BYTES, (n + 1) * KEY_BYTES)
  return [key(0), key(1), key(2)]
}
