// User lockout: after too many wrong guesses at one name, nobody may try it for a while, not even with the right secret.
import { Fault } from '../base/fault.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Digest } from './salt.ts'

export interface LockoutRule {
  /** Wrong guesses that lock the name. */
  readonly threshold: number
  /** How long it stays locked after the last of them. */
  readonly lockSeconds: number
  /** Wrong guesses are forgotten when none came for this long. */
  readonly resetSeconds: number
}

export const LOCKOUT: LockoutRule = { threshold: 5, lockSeconds: 900, resetSeconds: 900 }

/** Whom a login names, in the normal form of the name, and the wall time in milliseconds. */
export interface Claim {
  readonly digest: Digest
  readonly name: string
  readonly exists: boolean
  readonly now: number
}

export interface Lockout {
  /** Throws `denied` while the name is locked. */
  check(store: Store, claim: Claim): void
  /**
   * Checks a guess in a transaction that also counts it. `check` returns undefined for a wrong one, and throws for one that is
   * neither right nor wrong. A right guess at a name without wrong ones writes nothing of its own. Throws `denied` while the name is locked.
   */
  attempt<T>(store: Store, claim: Claim, check: (tx: Tx) => T | undefined): Promise<T | undefined>
}

export function openLockout(rule: LockoutRule): Lockout {
  /** Wrong guesses of this process that are not stored yet. Later ones wait for them, so that a volley is not judged all at once. */
  const counting = new Map<string, Promise<unknown>>()

  async function attempt<T>(store: Store, claim: Claim, check: (tx: Tx) => T | undefined): Promise<T | undefined> {
    const counter = counterOf(claim)
    while (counting.has(counter.id)) await counting.get(counter.id)
    let wrong = false
    const settled = transact(store, (tx) => {
      const guesses = counter.table.get(tx, counter.id)
      refuseLocked(rule, guesses, claim.now)
      const result = check(tx)
      wrong = result === undefined
      if (wrong) counter.table.put(tx, counter.id, { name: counter.shown, count: recent(rule, guesses, claim.now) + 1, at: claim.now })
      else if (guesses) counter.table.delete(tx, counter.id)
      return result
    })
    const done = () => counting.delete(counter.id)
    if (wrong) counting.set(counter.id, settled.then(done, done))
    return settled
  }

  return {
    check(store, claim) {
      const { table, id } = counterOf(claim)
      refuseLocked(rule, table.get(store, id), claim.now)
    },
    attempt,
  }
}

/** Wrong guesses at one name; `at` is when the last one came. */
interface Guesses {
  readonly name: string
  readonly count: number
  readonly at: number
}

const known = records<Guesses>('lockout/known/')
const unknown = records<Guesses>('lockout/unknown/')

/**
 * Names that nobody has are counted too, or a lock would tell who exists; but many of them share one counter,
 * so that however many are tried there are never more than 65,536 counters.
 */
const UNKNOWN_DIGITS = 4

function counterOf({ digest, name, exists }: Claim) {
  const hash = hashOf(digest, name)
  return exists ? { table: known, id: hash, shown: name } : { table: unknown, id: hash.slice(0, UNKNOWN_DIGITS), shown: '' }
}

function recent(rule: LockoutRule, guesses: Guesses | undefined, now: number): number {
  return guesses && now - guesses.at <= rule.resetSeconds * 1000 ? guesses.count : 0
}

function isLocked(rule: LockoutRule, guesses: Guesses, now: number): boolean {
  return guesses.count >= rule.threshold && now - guesses.at < rule.lockSeconds * 1000
}

function refuseLocked(rule: LockoutRule, guesses: Guesses | undefined, now: number): void {
  if (guesses && isLocked(rule, guesses, now)) throw new Fault('denied', 'permission denied')
}

/** The names of a mount that are locked, sorted. */
export function lockedNames(store: Store, rule: LockoutRule, now: number): string[] {
  const all = known.ids(store).map((id) => known.get(store, id))
  return all.flatMap((guesses) => (guesses && isLocked(rule, guesses, now) ? [guesses.name] : [])).sort()
}

/** Ends a lock before its time. */
export function unlock(store: Store, digest: Digest, name: string): Promise<void> {
  return transact(store, (tx) => forgetName(tx, digest, name))
}

/** To be called where a name ceases to exist, so that no counter outlives it. */
export function forgetName(tx: Tx, digest: Digest, name: string): void {
  const id = hashOf(digest, name)
  if (known.get(tx, id)) known.delete(tx, id)
}

function hashOf(digest: Digest, name: string): string {
  return digest(`lockout/${name}`)
}
