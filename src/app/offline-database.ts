// A database that is looked into without its server, which may be running meanwhile.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../cli/failure.ts'
import type { Offline } from '../cli/ports.ts'
import { barrier } from '../seal/barrier.ts'
import { readSealConfig } from '../seal/key-records.ts'
import { Keyring } from '../seal/keyring.ts'
import { sharesOpen } from '../seal/seal-config.ts'
import { openSealer } from '../seal/sealer.ts'
import { openLmdb } from '../store/lmdb.ts'
import { fsck } from './fsck.ts'
import { endNow } from './last-words.ts'
import { ports } from './ports.ts'

/** Without a server there are only the shares to open it by. */
export const SEALED_BY_SEALS = 'seals open it, and its key shares do not: only its own server can look into it'

export async function openOfflineDatabase(path: string): Promise<Offline> {
  // Opening makes what is missing, which is not what somebody wants who mistyped a path.
  if (!existsSync(join(path, 'data.mdb'))) throw new Failure(1, `there is no database in ${path}`)
  const store = await openLmdb({ path, timers: ports.timers, onUnknown: endNow })
  const config = readSealConfig(store)
  if (!config) throw new Failure(1, `the database in ${path} was never initialised`)
  if (!sharesOpen(config)) throw new Failure(1, SEALED_BY_SEALS)
  const keyring = new Keyring()
  const sealer = openSealer(store, keyring, ports)
  return {
    threshold: config.threshold,
    unseal: async (share) => !(await sealer.unseal(share)).sealed,
    fsck() {
      void store.revision // one snapshot for all of it: nothing is waited for until it is done
      return fsck({ store, inside: barrier(store, keyring, ports.random), keyring })
    },
    async close() {
      keyring.close()
      await store.close()
    },
  }
}
