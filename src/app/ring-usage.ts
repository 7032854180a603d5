// How much this process seals under the keys of namespaces, each of which keeps its count with its keys.
import type { Random } from '../base/ports.ts'
import { readSealConfig } from '../seal/key-records.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Rings } from '../seal/rings.ts'
import { Usage } from '../seal/usage.ts'
import { sealFolder } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'

export interface RingUsage {
  /** Counts records about to be sealed; a promise where that has to be written down first. */
  take(id: string, term: number, count: number): Promise<void> | undefined
  /** Numbers of a term that were taken here and not used. */
  unspent(id: string, term: number): number
}

/** `inside` is the store behind the server's barrier. */
export function openRingUsage(inside: Store, rings: Pick<Rings, 'of'>, random: Random): RingUsage {
  const known = new WeakMap<Keyring, Usage>()

  function of(id: string): Usage | undefined {
    const ring = rings.of(id)
    const usage = ring && known.get(ring)
    const store = view(inside, sealFolder(id))
    // What a namespace is made with, in the commit that makes it, is too little to be counted.
    if (usage || !ring || !readSealConfig(store)) return usage
    const fresh = new Usage(store, ring, random)
    known.set(ring, fresh)
    return fresh
  }

  return {
    take: (id, term, count) => of(id)?.take(term, count),
    unspent: (id, term) => of(id)?.unspent(term) ?? 0,
  }
}
