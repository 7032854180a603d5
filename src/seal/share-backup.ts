// Shares of the last rekey that were encrypted for their holders, kept where that was asked for, until they are deleted. Those that
// wait to be verified are kept beside the ones that count, and take their place or go away together with the rekey.
import type { JsonObject } from '../base/json.ts'
import { encode, records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import type { RekeyTarget } from './rekey.ts'

interface ShareBackup {
  /** Of the rekey. */
  readonly nonce: string
  /** Encrypted shares in hex, by the fingerprint of whom they are for. */
  readonly keys: Readonly<Record<string, readonly string[]>>
}

const kept = records<ShareBackup>('core/barrier/share-backup/')
const waiting = records<ShareBackup>('core/barrier/share-backup-unverified/')

/** Where they are kept; `verified` ones count. */
export function backupKey(target: RekeyTarget, verified: boolean): Key {
  return (verified ? kept : waiting).key(target)
}

/** What to keep there. */
export function toBackup(nonce: string, fingerprints: readonly string[], encrypted: readonly Buffer[]): Buffer {
  const keys: Record<string, string[]> = {}
  for (const [index, fingerprint] of fingerprints.entries()) (keys[fingerprint] ??= []).push((encrypted[index] as Buffer).toString('hex'))
  return encode({ nonce, keys } satisfies ShareBackup)
}

export interface ShareBackups {
  /** As sys/rekey/backup answers it; undefined where there is none. */
  read(target: RekeyTarget): JsonObject | undefined
  remove(target: RekeyTarget): Promise<void>
}

/** `inside` is the store behind the barrier. */
export function openBackups(inside: Store): ShareBackups {
  return {
    read(target) {
      const found = waiting.get(inside, target) ?? kept.get(inside, target)
      if (!found) return undefined
      const inBase64 = Object.entries(found.keys).map(([whose, all]) => [whose, all.map((one) => Buffer.from(one, 'hex').toString('base64'))])
      return { nonce: found.nonce, keys: { ...found.keys } as JsonObject, keys_base64: Object.fromEntries(inBase64) }
    },
    remove: (target) =>
      transact(inside, (tx) => {
        for (const where of [kept, waiting]) if (where.get(tx, target)) where.delete(tx, target)
      }),
  }
}
