// A store whose values are sealed under the keyring, each bound to its whole key; without keys it serves nothing.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { NONCE_BYTES } from '../crypto/gcm.ts'
import { openRecord, sealRecord } from '../crypto/aead.ts'
import type { Batch, Entry, Key, Revision, Span, Store } from '../store/store.ts'
import type { Keyring } from './keyring.ts'

/** Told how many records of a term are about to be written; a promise holds them back. */
export type CountSealed = (term: number, count: number) => Promise<void> | undefined

/** Throws `sealed` while the keyring is wiped, and BrokenRecord for a value that isn't what was stored under its key. */
export function barrier(store: Store, keyring: Keyring, random: Random, count: CountSealed = () => undefined): Store {
  const keyOf = (term: number) => keyring.keyOf(term)
  const opened = ({ key, value, revision }: Entry): Entry => ({ key, value: openRecord(keyOf, value, key), revision })

  function assertUnsealed() {
    if (keyring.sealed) throw sealedFault()
  }

  return {
    get revision() {
      return store.revision
    },
    get(key: Key) {
      assertUnsealed()
      const entry = store.get(key)
      return entry && opened(entry)
    },
    range(span: Span) {
      assertUnsealed()
      return Iterator.from(store.range(span)).map(opened)
    },
    keys(span: Span) {
      assertUnsealed()
      return store.keys(span)
    },
    async commit(batch: Batch): Promise<Revision> {
      const term = keyring.active
      const secret = keyOf(term)
      if (!secret) throw sealedFault()
      const nonces = drawn(random, batch.ops.length * NONCE_BYTES)
      const ops = batch.ops.map(({ key, value }) => ({ key, value: value && sealRecord(secret, term, value, key, nonces) }))
      const sealed = { ops, expect: [...(batch.expect ?? [])], notes: batch.notes } // as they are at the call
      const held = count(term, ops.length)
      if (held) await held
      return store.commit(sealed)
    },
    changesSince: (since: Revision) => store.changesSince(since),
    changes: (since: Revision, signal: AbortSignal) => store.changes(since, signal),
    async close() {
      // The barrier owns nothing; whoever opened the store closes it.
    },
  }
}

/** Randomness for one commit, fetched from the system in one call. */
function drawn(random: Random, size: number): Random {
  const pool = random.bytes(size)
  let at = 0
  return {
    bytes(wanted) {
      at += wanted
      return pool.subarray(at - wanted, at)
    },
  }
}

export function sealedFault(): Fault {
  return new Fault('sealed', 'Vault is sealed')
}
