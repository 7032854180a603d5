// The key that checkpoints are signed with: made once for a server, behind the barrier, its public half for everyone.
import type { Random } from '../base/ports.ts'
import { keyIdOf, publicPem, SEED_BYTES, signingKey } from '../crypto/signature.ts'
import type { Space } from '../store/space.ts'
import { transact } from '../store/transact.ts'
import type { Signer } from './chain.ts'

export interface ChainKey {
  /** Makes the key where there is none yet. */
  ensure(): Promise<void>
  /** Throws where there is none. */
  signer(): Signer
  /** Undefined where no device was ever enabled. */
  published(): { readonly keyId: string; readonly pem: string } | undefined
}

export const SEED = 'audit-chain-key'

export function openChainKey({ store, cache }: Space, random: Random): ChainKey {
  const loaded = cache(SEED, () => {
    const seed = store.get(SEED)?.value
    if (!seed) return undefined
    const key = signingKey(seed)
    seed.fill(0)
    return { signer: { key, keyId: keyIdOf(key) }, pem: publicPem(key) }
  })
  return {
    async ensure() {
      if (loaded()) return
      const seed = random.bytes(SEED_BYTES)
      await transact(store, (tx) => {
        if (!tx.get(SEED)) tx.put(SEED, seed)
      })
      seed.fill(0)
    },
    signer() {
      const key = loaded()
      if (!key) throw new Error('the key of the audit chain is missing')
      return key.signer
    },
    published() {
      const key = loaded()
      return key && { keyId: key.signer.keyId, pem: key.pem }
    },
  }
}
