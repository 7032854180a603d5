// The random key of a mount, under which it hashes the ids that it must find but not keep.
import { hmacSha256 } from '../crypto/hmac.ts'
import { secretKey } from '../crypto/secret-key.ts'
import type { Ctx } from '../contract/module.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'

/** Turns an id into the text it is stored under. */
export type Digest = (id: string) => string

const KEY = 'salt'
const BYTES = 32

/** The mount's digest; makes its key when the mount is used for the first time. */
export async function openDigest({ store, random }: Pick<Ctx, 'store' | 'random'>): Promise<Digest> {
  return findDigest(store) ?? digestWith(await transact(store, (tx) => tx.get(KEY)?.value ?? put(tx, random.bytes(BYTES))))
}

/** The digest of a mount that was used before. */
export function findDigest(store: Pick<Store, 'get'>): Digest | undefined {
  const entry = store.get(KEY)
  return entry && digestWith(entry.value)
}

function put(tx: { put(key: string, value: Buffer): void }, key: Buffer): Buffer {
  tx.put(KEY, key)
  return key
}

function digestWith(bytes: Buffer): Digest {
  const key = secretKey(bytes)
  return (id) => hmacSha256(key, id)
}
