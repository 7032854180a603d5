// The seal as sys/ knows it, in the process that holds the sealer.
import { Fault } from '../base/fault.ts'
import type { Sealer } from '../seal/sealer.ts'
import { generateRootStep, rekeyStep } from '../seal/key-steps.ts'
import { parseUnsealBody, printShares } from '../seal/share-codec.ts'
import type { InitRequest, SealPort } from '../sys/state.ts'
import { bootstrap, mintRoot } from './bootstrap.ts'
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

export function openSealPort({ sealer, tending, ports, inTurn }: SealParts, events: SealEvents): SealPort {
  const root = sealer.generateRoot({ mintRoot: (from, into) => mintRoot(from, into, ports), tokenLength: TOKEN_LENGTH })
  return {
    status: async () => sealer.status(),
    async init(request) {
      const spec = initSpec(request, sealer)
      let rootToken = ''
      const prepare = async (inside: Parameters<typeof bootstrap>[0]) => {
        rootToken = await bootstrap(inside, ports)
      }
      const given = await sealer.init({ ...spec, prepare })
      try {
        if (!sealer.auto) return printShares({ keys: given }, { root_token: rootToken })
        await sealer.unsealBySeals()
        await events.unsealed()
        return printShares(given.length > 0 ? { keys: [], recovery_keys: given } : { keys: [] }, { root_token: rootToken })
      } finally {
        for (const share of given) share.fill(0)
      }
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

/** The shares that the seal has use for. Throws `invalid` for parameters of another kind of seal. */
function initSpec(request: InitRequest, sealer: Sealer): { shares: number; threshold: number; recoveryOpens?: boolean } {
  const { secretShares, secretThreshold, storedShares, recoveryShares, recoveryThreshold, recoveryUnseal } = request
  const other = (names: string) => new Fault('invalid', `parameters ${names} not applicable to seal type ${sealer.status().type}`)
  if (sealer.auto) {
    if (secretShares !== 0 || secretThreshold !== 0) throw other('secret_shares,secret_threshold')
    return { shares: recoveryShares, threshold: recoveryThreshold, recoveryOpens: recoveryUnseal }
  }
  if (storedShares !== 0 || recoveryShares !== 0 || recoveryThreshold !== 0) throw other('recovery_shares,recovery_threshold')
  if (recoveryUnseal) throw other('recovery_unseal')
  return { shares: secretShares, threshold: secretThreshold }
}
