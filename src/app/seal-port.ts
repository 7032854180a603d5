// The seal as sys/ knows it, in the process that holds the sealer.
import { generateRootStep, rekeyStep } from '../seal/key-steps.ts'
import { parseUnsealBody } from '../seal/share-codec.ts'
import type { SealPort } from '../sys/state.ts'
import { mintRoot } from './bootstrap.ts'
import { openInit } from './initialise.ts'
import type { SealParts } from './seal-parts.ts'
import { TOKEN_LENGTH } from '../token/tokens.ts'

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

export function openSealPort(parts: SealParts, events: SealEvents): SealPort {
  const { sealer, tending, ports, inTurn } = parts
  const root = sealer.generateRoot({ mintRoot: (from, into) => mintRoot(from, into, ports), tokenLength: TOKEN_LENGTH })
  return {
    status: async () => sealer.status(),
    async init(request) {
      const body = await openInit(parts, request)
      if (sealer.auto) {
        await sealer.unsealBySeals()
        await events.unsealed()
      }
      return body
    },
    backends: async () => ({ backends: tending.health, fullyWrapped: tending.fullyWrapped }),
    async unseal(body) {
      const { key, reset, migrate } = parseUnsealBody(body)
      if (reset || !key) return sealer.reset()
      const before = sealer.status().sealed
      const status = await sealer.unseal(key, migrate)
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
    rotateRoot: () => inTurn(() => sealer.rotateRoot()),
    settle: () => inTurn(() => sealer.settle()),
    rekey: (target, step) => inTurn(() => rekeyStep(sealer.rekeys[target], step)),
    generateRoot: (step) => inTurn(() => generateRootStep(root, step)),
  }
}
