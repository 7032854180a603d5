// What the supervisor does for the seal: answers workers, opens the server by seals when it starts, and looks after those.
import type { Log } from '../base/log.ts'
import { autoUnseal } from '../seal/auto-unseal.ts'
import type { GenerateRootAction, KeyStep, RekeyAction } from '../seal/key-steps.ts'
import type { RekeyTarget } from '../seal/rekey.ts'
import type { Sealer } from '../seal/sealer.ts'
import type { InitRequest, SealPort } from '../sys/state.ts'
import type { Members } from './members.ts'
import type { NamespaceKeys, NamespaceSealers } from './namespace-sealers.ts'
import { ports } from './ports.ts'
import type { SealParts } from './seal-parts.ts'
import { openSealPort } from './seal-port.ts'

export interface RekeyCall {
  readonly target: RekeyTarget
  readonly step: KeyStep<RekeyAction>
}

export type GenerateRootCall = KeyStep<GenerateRootAction>

/** What a worker gets that joins an unsealed server. */
export interface Joined {
  readonly keys: Uint8Array
  readonly active: number
  /** Of namespaces that are unsealed besides. */
  readonly rings: readonly NamespaceKeys[]
}

/** How often the seals are looked after. */
const TICK_MS = 60_000

/** What a worker may ask of the seal. */
export function sealHandlers(parts: SealParts, members: Members, namespaces: Pick<NamespaceSealers, 'forget' | 'export'>) {
  const { sealer } = parts
  const seal: SealPort = openSealPort(parts, {
    unsealed: () => handKeys(sealer, members),
    sealed() {
      namespaces.forget()
      return members.tell('wipe')
    },
    extended: (keys) => members.tell('extend', keys),
    activated: (term) => members.tell('activate', term),
    unspent: async (term) => sum(await members.ask<number>('unspent', term)),
  })
  return {
    /** The keys and the term that seals, where the server is unsealed. */
    join: (): Joined | undefined =>
      sealer.activeTerm === 0 ? undefined : { keys: sealer.exportKeyring(), active: sealer.activeTerm, rings: namespaces.export() },
    status: () => seal.status(),
    init: (request: InitRequest) => seal.init(request),
    backends: () => seal.backends(),
    unseal: (body: Uint8Array) => seal.unseal(bytesOf(body)),
    seal: () => seal.seal(),
    rotate: (only: number | undefined) => seal.rotate(only),
    rotateRoot: () => seal.rotateRoot(),
    settle: () => seal.settle(),
    unspent: (term: number) => seal.unspent(term),
    rekey: ({ target, step }: RekeyCall) => seal.rekey(target, { ...step, body: bytesOf(step.body) }),
    generateRoot: (step: GenerateRootCall) => seal.generateRoot({ ...step, body: bytesOf(step.body) }),
  }
}

/** Opens by seals, where there are any, and looks after them until it is told to stop. */
export async function openBySealsAndTend({ sealer, tending }: SealParts, members: Members, log: Log): Promise<() => void> {
  const check = (run: () => Promise<void>) => void run().catch((error) => log.error('looking after the seals failed', {}, error))
  const stopTrying = await autoUnseal({
    sealer,
    timers: ports.timers,
    log,
    async unsealed() {
      await handKeys(sealer, members)
      check(() => tending.check())
    },
  })
  const stopTicking = ports.timers.every(TICK_MS, () => check(() => tending.tick()))
  return () => {
    stopTrying()
    stopTicking()
  }
}

async function handKeys(sealer: Sealer, members: Members): Promise<void> {
  const keys = sealer.exportKeyring()
  try {
    await members.tell('keys', keys)
  } finally {
    keys.fill(0)
  }
}

/** The channel brings plain typed arrays. */
function bytesOf(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.length)
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}
