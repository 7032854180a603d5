// What holds the keys of a machine, put together: sealer, seals, and who looks after them.
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Keyring } from '../seal/keyring.ts'
import { SealSet } from '../seal/seal-set.ts'
import { openSealer, type Sealer } from '../seal/sealer.ts'
import { Tending } from '../seal/tending.ts'
import { openTurns, type Turns } from '../seal/turns.ts'
import type { Store } from '../store/store.ts'
import { openPgp } from './openpgp.ts'

export interface SealParts {
  readonly sealer: Sealer
  readonly tending: Tending
  readonly ports: SealerPorts
  /** For all that changes the keys at rest. */
  readonly inTurn: Turns
}

type SealerPorts = Pick<Ports, 'clock' | 'random' | 'timers'>

/** `store` is the one below the barrier. */
export function openSealParts(store: Store, keyring: Keyring, ports: SealerPorts, log: Log, seals = new SealSet([], log)): SealParts {
  const inTurn = openTurns()
  const tending = new Tending({ store, keyring, seals, ports, log, inTurn })
  return { sealer: openSealer(store, keyring, ports, seals, openPgp), tending, ports, inTurn }
}
