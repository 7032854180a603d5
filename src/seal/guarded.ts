// A store in which values of some keys are sealed once more, under the keys of the namespace whose own seal guards them.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { openRecord, sealRecord } from '../crypto/aead.ts'
import type { Batch, Entry, Key, Revision, Span, Store } from '../store/store.ts'
import type { Keyring } from './keyring.ts'
import type { Rings } from './rings.ts'

export interface GuardedDeps {
  /** Behind the server's barrier. */
  readonly store: Store
  readonly rings: Pick<Rings, 'of'>
  /** The id of the namespace whose seal guards a key; '' for none. */
  readonly guardOf: (key: Key) => string
  readonly random: Random
  /** Told of every record about to be written under a guard's keys; a promise holds it back. */
  readonly count?: (guard: string, term: number, count: number) => Promise<void> | undefined
}

/** Throws `sealed` where what guards a value is sealed. What is guarded can be listed and deleted all the same. */
export function guarded({ store, rings, guardOf, random, count }: GuardedDeps): Store {
  function ringOf(key: Key): Keyring | undefined {
    const guard = guardOf(key)
    if (guard === '') return undefined
    const ring = rings.of(guard)
    if (!ring) throw namespaceSealed()
    return ring
  }

  function opened(entry: Entry, ring = ringOf(entry.key)): Entry {
    return ring ? { ...entry, value: openRecord((term) => ring.keyOf(term), entry.value, entry.key) } : entry
  }

  function sealed(key: Key, value: Buffer): Buffer {
    const ring = ringOf(key)
    if (!ring) return value
    const secret = ring.keyOf(ring.active)
    if (!secret) throw namespaceSealed()
    return sealRecord(secret, ring.active, value, key, random)
  }

  /** How many records a batch has for each guard, and under which term. */
  function counted({ ops }: Batch): [guard: string, term: number, records: number][] {
    const guards = ops.flatMap(({ key, value }) => (value ? [guardOf(key)] : [])).filter((guard) => guard !== '')
    return [...new Set(guards)].map((guard) => [guard, rings.of(guard)?.active ?? 0, guards.filter((one) => one === guard).length])
  }

  return {
    get revision() {
      return store.revision
    },
    get(key: Key) {
      const ring = ringOf(key)
      const entry = store.get(key)
      return entry && opened(entry, ring)
    },
    range: (span: Span) => Iterator.from(store.range(span)).map((entry) => opened(entry)),
    keys: (span: Span) => store.keys(span),
    async commit(batch: Batch): Promise<Revision> {
      const ops = batch.ops.map(({ key, value }) => ({ key, value: value && sealed(key, value) }))
      const whole = { ...batch, ops, ...(batch.expect ? { expect: [...batch.expect] } : {}) } // as it is at the call
      const held = count && counted(batch).flatMap(([guard, term, records]) => count(guard, term, records) ?? [])
      if (held && held.length > 0) await Promise.all(held)
      return store.commit(whole)
    },
    changesSince: (since: Revision) => store.changesSince(since),
    changes: (since: Revision, signal: AbortSignal) => store.changes(since, signal),
    async close() {
      // It owns nothing; whoever opened the store closes it.
    },
  }
}

export function namespaceSealed(): Fault {
  return new Fault('sealed', 'namespace is sealed')
}
