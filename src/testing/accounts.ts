// An outside system in memory whose faults a test sets: for rules and models; the real one is in redis.ts.
import { Fault } from '../base/fault.ts'
import type { Outside } from './lender.ts'

export interface Accounts extends Outside {
  readonly names: Set<string>
  /** What was asked of it, in order: `add v-…`. */
  readonly asked: string[]
  /** What each call meets from now on. `silent` never answers, `late` does what it is asked and never answers. */
  fault: 'none' | 'refuses' | 'away' | 'silent' | 'late' | 'broken'
}

export function openAccounts(): Accounts {
  const accounts: Accounts = {
    names: new Set(),
    asked: [],
    fault: 'none',
    add: (name) => meet(`add ${name}`, () => accounts.names.add(name)),
    prolong: (name) => meet(`prolong ${name}`, () => {}),
    remove: (name) => meet(`remove ${name}`, () => accounts.names.delete(name)),
  }

  async function meet(what: string, act: () => void): Promise<void> {
    accounts.asked.push(what)
    const { fault } = accounts
    if (fault === 'refuses') throw new Fault('invalid', 'the target refuses')
    if (fault === 'away') throw new Fault('unavailable', 'the target is away')
    if (fault === 'broken') throw new TypeError('a bug in the module')
    if (fault !== 'silent') act()
    if (fault === 'silent' || fault === 'late') await new Promise(() => {})
  }

  return accounts
}
