// Snapshots of the running server: taken from its store, and made ready to take its place.
import type { Ports } from '../base/ports.ts'
import { Fault } from '../base/fault.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import { sealedFault } from '../seal/barrier.ts'
import type { Keyring } from '../seal/keyring.ts'
import { SUMS_PLACE } from '../snapshot/format.ts'
import { type ReadSnapshot, readSnapshot } from '../snapshot/read.ts'
import { takeSnapshot } from '../snapshot/take.ts'
import type { Store } from '../store/store.ts'
import type { SnapshotPort } from '../sys/snapshots.ts'
import { SIGNET_VERSION } from '../sys/version.ts'
import type { Staging } from './staging.ts'

export interface SnapshotDeps {
  /** Outside the barrier. */
  readonly store: Store
  readonly keyring: Keyring
  readonly ports: Pick<Ports, 'clock' | 'random' | 'timers'>
  readonly stage: () => Promise<Staging>
}

export function openSnapshots({ store, keyring, ports, stage }: SnapshotDeps): SnapshotPort {
  return {
    take: () => takeSnapshot({ store, ...ports, seal: (sums) => sealSums(keyring, sums, ports), version: SIGNET_VERSION }),
    async prepare(snapshot, force) {
      const staging = await stage()
      try {
        const read = await readSnapshot(snapshot, (records) => staging.put(records))
        if (!force) checkKeys(keyring, read)
        await staging.settle()
      } catch (error) {
        await staging.drop()
        throw error
      }
      return () => staging.finish()
    },
  }
}

function sealSums(keyring: Keyring, sums: Buffer, { random }: Pick<Ports, 'random'>): Buffer {
  const key = keyring.keyOf(keyring.active)
  if (!key) throw sealedFault()
  return sealRecord(key, keyring.active, sums, SUMS_PLACE, random)
}

function checkKeys(keyring: Keyring, { sums, sealedSums }: ReadSnapshot): void {
  try {
    if (openRecord((term) => keyring.keyOf(term), sealedSums, SUMS_PLACE).equals(sums)) return
  } catch (error) {
    if (!(error instanceof BrokenRecord)) throw error
  }
  const why = 'could not verify hash file, possibly the snapshot is using a different set of unseal keys'
  throw new Fault('invalid', `${why}; use the snapshot-force API to bypass this check`)
}
