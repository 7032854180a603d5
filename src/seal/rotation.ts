// When the barrier starts a new term by itself: after so many sealed records, or after so long.
import { formatDuration } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import type { Keyring } from './keyring.ts'
import { takenOf } from './usage.ts'

export interface RotationSettings {
  readonly enabled: boolean
  /** Records that one term may seal. */
  readonly maxOperations: number
  /** Seconds that one term may be in use; 0 is without limit. */
  readonly intervalSeconds: number
}

/** The active term, as sys/key-status shows it. */
export interface KeyStatus {
  readonly term: number
  /** Wall milliseconds. */
  readonly createdAt: number
  /** Never too low; too high by what processes had taken when they were killed. */
  readonly encryptions: number
}

export interface RotationDeps {
  /** The store behind the barrier. */
  readonly inside: Store
  /** The store below it. */
  readonly store: Store
  readonly keyring: Keyring
  readonly clock: Clock
  /** Numbers of a term that were taken and not used, in all processes. */
  readonly unspent: (term: number) => Promise<number>
  /** Starts a new term, unless this one is active no more. */
  readonly rotate: (term: number) => Promise<void>
}

export interface Rotation {
  status(): Promise<KeyStatus>
  settings(): RotationSettings
  /** Throws `invalid` for what Vault refuses. */
  configure(change: Partial<RotationSettings>): Promise<void>
  /** Rotates where it is due. */
  sweep(): Promise<void>
}

/** Nine tenths of the 2^32 records after which random nonces of one key may repeat (NIST SP 800-38D §8.3); Vault's bound. */
const MOST_OPERATIONS = 3_865_470_566
const FEWEST_OPERATIONS = 1_000_000
const SHORTEST_INTERVAL = 24 * 3_600

const DEFAULTS: RotationSettings = { enabled: true, maxOperations: MOST_OPERATIONS, intervalSeconds: 0 }

const stored = records<RotationSettings>('core/barrier/')
const SETTINGS = 'rotation'

export function openRotation({ inside, store, keyring, clock, unspent, rotate }: RotationDeps): Rotation {
  const settings = () => stored.get(inside, SETTINGS) ?? DEFAULTS

  function isDue(term: number): boolean {
    const { enabled, maxOperations, intervalSeconds } = settings()
    if (!enabled) return false
    const age = clock.now() - (keyring.terms[term - 1]?.createdAt ?? clock.now())
    return takenOf(store, keyring, term) >= maxOperations || (intervalSeconds > 0 && age >= intervalSeconds * 1000)
  }

  return {
    settings,
    async status() {
      const term = keyring.active
      const left = await unspent(term)
      return { term, createdAt: keyring.terms[term - 1]?.createdAt ?? 0, encryptions: Math.max(0, takenOf(store, keyring, term) - left) }
    },
    configure: (change) =>
      transact(inside, (tx) => {
        const next = { ...(stored.get(tx, SETTINGS) ?? DEFAULTS), ...change }
        check(next)
        stored.put(tx, SETTINGS, next)
      }),
    async sweep() {
      const term = keyring.active
      if (isDue(term)) await rotate(term)
    },
  }
}

function check({ maxOperations, intervalSeconds }: RotationSettings): void {
  if (intervalSeconds !== 0 && intervalSeconds < SHORTEST_INTERVAL) {
    throw new Fault('invalid', `interval must be greater or equal to ${formatDuration(SHORTEST_INTERVAL)}`)
  }
  if (maxOperations < FEWEST_OPERATIONS || maxOperations > MOST_OPERATIONS) {
    throw new Fault('invalid', `max_operations must be in the range [${FEWEST_OPERATIONS},${MOST_OPERATIONS}]`)
  }
}
