// The seal as sys/ knows it, in the process that holds the sealer.
import { Fault } from '../base/fault.ts'
import type { Ports } from '../base/ports.ts'
import type { Sealer } from '../seal/sealer.ts'
import { openTurns } from '../seal/turns.ts'
import { parseUnsealBody, printInitReply } from '../seal/share-codec.ts'
import type { SealPort } from '../sys/state.ts'
import { bootstrap } from './bootstrap.ts'

export interface SealEvents {
  /** The keys came: hand them to whoever serves, and resolve when they have them. */
  unsealed(): Promise<void>
  /** The keys are gone here: resolve when nobody has them any more. */
  sealed(): Promise<void>
  /** The keyring has another term, in these bytes: resolve when everyone who serves can open what it seals. */
  extended(keys: Buffer): Promise<void>
  /** From now on the term seals. */
  activated(term: number): Promise<void>
  /** Numbers of a term that processes took for sealing and have left. */
  unspent(term: number): Promise<number>
}

export function openSealPort(sealer: Sealer, ports: Pick<Ports, 'clock' | 'random' | 'timers'>, events: SealEvents): SealPort {
  const inTurn = openTurns()
  return {
    status: async () => sealer.status(),
    async init(shares, threshold) {
      let rootToken = ''
      const prepare = async (inside: Parameters<typeof bootstrap>[0]) => {
        rootToken = await bootstrap(inside, ports)
      }
      const given = await sealer.init({ shares, threshold, prepare })
      try {
        return printInitReply(given, rootToken)
      } finally {
        for (const share of given) share.fill(0)
      }
    },
    async unseal(body) {
      const { key, reset, migrate } = parseUnsealBody(body)
      if (migrate) throw new Fault('invalid', "can't perform a seal migration, no migration seal found")
      if (reset || !key) return sealer.reset()
      const before = sealer.status().sealed
      const status = await sealer.unseal(key)
      if (before && !status.sealed) await events.unsealed()
      return status
    },
    async seal() {
      sealer.seal()
      await events.sealed()
    },
    rotate: (only) =>
      inTurn(async () => {
        if (only !== undefined && only !== sealer.activeTerm) return
        const keys = await sealer.addTerm()
        try {
          await events.extended(keys)
        } finally {
          keys.fill(0)
        }
        await events.activated(sealer.activate())
      }),
    unspent: (term) => events.unspent(term),
  }
}
