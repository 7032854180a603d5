// User lockout: after too many wrong guesses at one name, nobody may try it for a while, not even with the right secret.
import { Fault } from '../base/fault.ts'
import type { Ctx } from '../contract/module.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { LockoutRule, LockoutRuleOf } from './lockout-rule.ts'
import type { Digest } from './salt.ts'

/** Whom a login names, in the normal form of the name, and the wall time in milliseconds. */
export interface Claim {
  readonly digest: Digest
  readonly name: string
  readonly exists: boolean
  readonly now: number
}

/** The mount at which the name is tried. */
export type At = Pick<Ctx, 'store' | 'mount'>

export interface Lockout {
  /** Throws `denied` while the name is locked. */
  check(at: At, claim: Claim): void
  /**
   * Checks a guess in a transaction that also counts it. `check` returns undefined for a wrong one, and throws for one that is
   * neither right nor wrong. A right guess at a name without wrong ones writes nothing of its own. Throws `denied` while the name is locked.
   */
  attempt<T>(at: At, claim: Claim, check: (tx: Tx) => T | undefined): Promise<T | undefined>
  /** The names of a mount that are locked, sorted. */
  locked(at: At, now: number): string[]
}

export function openLockout(ruleOf: LockoutRuleOf): Lockout {
  /** Wrong guesses of this process that are not stored yet. Later ones wait for them, so that a volley is not judged all at once. */
  const counting = new Map<string, Promise<unknown>>()

  async function attempt<T>({ store, mount }: At, claim: Claim, check: (tx: Tx) => T | undefined): Promise<T | undefined> {
    const rule = ruleOf(mount)
    if (!rule) return transact(store, check)
    const counter = counterOf(claim)
    while (counting.has(counter.id)) await counting.get(counter.id)
    let wrong = false
    const settled = transact(store, (tx) => {
      const guesses = counter.get(tx)
      refuseLocked(rule, guesses, claim.now)
      const result = check(tx)
      wrong = result === undefined
      if (wrong) counter.put(tx, { count: recent(rule, guesses, claim.now) + 1, at: claim.now })
      else if (guesses) counter.put(tx, undefined)
      return result
    })
    const done = () => counting.delete(counter.id)
    if (wrong) counting.set(counter.id, settled.then(done, done))
    return settled
  }

  return {
    check({ store, mount }, claim) {
      const rule = ruleOf(mount)
      if (rule) refuseLocked(rule, counterOf(claim).get(store), claim.now)
    },
    attempt,
    locked({ store, mount }, now) {
      const rule = ruleOf(mount)
      const all = rule ? known.ids(store).flatMap((id) => known.get(store, id) ?? []) : []
      return all.flatMap((one) => (rule && isLocked(rule, one, now) ? [one.name] : [])).sort()
    },
  }
}

/** Wrong guesses at one name; `at` is when the last one came. */
interface Guesses {
  readonly count: number
  readonly at: number
}

interface Counter {
  readonly id: string
  get(from: Pick<Tx, 'get'> | Store): Guesses | undefined
  put(tx: Tx, guesses: Guesses | undefined): void
}

const known = records<Guesses & { readonly name: string }>('lockout/known/')
/** Those of names that nobody has, a few in one record, by more digits of their hashes. */
const unknown = records<Readonly<Record<string, Guesses>>>('lockout/unknown/')

function counterOf({ digest, name, exists }: Claim): Counter {
  const id = hashOf(digest, name)
  return exists ? knownCounter(id, name) : unknownCounter(id)
}

function knownCounter(id: string, name: string): Counter {
  return {
    id,
    get: (from) => known.get(from, id),
    put: (tx, guesses) => (guesses ? known.put(tx, id, { name, ...guesses }) : known.delete(tx, id)),
  }
}

const DRAWER_DIGITS = 4
const ENTRY_DIGITS = 12
const ENTRIES = 8

/**
 * Names that nobody has are counted too, or a lock would tell who exists; each by itself, or the lock of one that was never
 * tried would. However many are tried, there are never more than 65,536 records of 8 counters; past that the oldest are lost.
 */
function unknownCounter(id: string): Counter {
  const drawer = id.slice(0, DRAWER_DIGITS)
  const entry = id.slice(DRAWER_DIGITS, DRAWER_DIGITS + ENTRY_DIGITS)
  return {
    id,
    get: (from) => unknown.get(from, drawer)?.[entry],
    put(tx, guesses) {
      const others = Object.entries(unknown.get(tx, drawer) ?? {}).filter(([other]) => other !== entry)
      const kept = others.sort(([, a], [, b]) => b.at - a.at).slice(0, ENTRIES - 1)
      unknown.put(tx, drawer, Object.fromEntries(guesses ? [...kept, [entry, guesses]] : kept))
    },
  }
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

/** Ends a lock before its time. */
export function unlock(store: Store, digest: Digest, name: string): Promise<void> {
  return transact(store, (tx) => {
    for (const exists of [true, false]) {
      const counter = counterOf({ digest, name, exists, now: 0 })
      if (counter.get(tx)) counter.put(tx, undefined)
    }
  })
}

/** To be called where a name ceases to exist, so that no counter outlives it. */
export function forgetName(tx: Tx, digest: Digest, name: string): void {
  const id = hashOf(digest, name)
  if (known.get(tx, id)) known.delete(tx, id)
}

function hashOf(digest: Digest, name: string): string {
  return digest(`lockout/${name}`)
}
