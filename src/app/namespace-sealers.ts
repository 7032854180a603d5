// Where the keys of namespaces are held that have a seal of their own: by one process of a machine, with the shares given so far.
import type { Ports } from '../base/ports.ts'
import { type GenerateRootAction, generateRootStep, type KeyStep, type RekeyAction, rekeyStep } from '../seal/key-steps.ts'
import { readSealConfig } from '../seal/key-records.ts'
import type { GenerateRoot } from '../seal/generate-root.ts'
import { Keyring } from '../seal/keyring.ts'
import { openSealer, type Sealer } from '../seal/sealer.ts'
import { openTurns } from '../seal/turns.ts'
import { idSuffix, sealFolder } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import type { SealStatus } from '../sys/state.ts'
import { pathById } from '../tenancy/namespace-entries.ts'
import { TOKEN_LENGTH } from '../token/tokens.ts'
import { mintRoot } from './bootstrap.ts'
import { openPgp as pgp } from './openpgp.ts'

export type SealerPorts = Pick<Ports, 'clock' | 'random' | 'timers'>

/** The keys of a namespace, for a process that serves. */
export interface NamespaceKeys {
  readonly id: string
  readonly keys: Uint8Array
  readonly active: number
}

export interface NamespaceSealEvents {
  /** The keys came: hand them to whoever serves, and resolve when they have them. */
  opened(keys: NamespaceKeys): Promise<void>
  /** The keys are gone here: resolve when nobody has them any more. */
  closed(ids: readonly string[]): Promise<void>
  /** Numbers of a term that processes took for sealing and have left. */
  unspent(id: string, term: number): Promise<number>
}

export interface NamespaceSealers extends NamespaceSealPort {
  /** Copies of the keys of all that are unsealed; the caller wipes them. */
  export(): NamespaceKeys[]
  /** Forgets all keys and shares that were given, in this process. */
  forget(): void
}

interface Held {
  readonly ring: Keyring
  readonly sealer: Sealer
  readonly root: GenerateRoot
}

/** `inside` is the store behind the server's barrier. */
export function openNamespaceSealers(inside: Store, ports: SealerPorts, events: NamespaceSealEvents): NamespaceSealers {
  const held = new Map<string, Held>()
  const inTurn = openTurns()

  function holding(id: string): Held {
    const known = held.get(id)
    if (known) return known
    const ring = new Keyring()
    const sealer = openSealer(storeOf(inside, id), ring, ports, undefined, pgp)
    const opened = { ring, sealer, root: rootOf(id, sealer, inside, ports) }
    held.set(id, opened)
    return opened
  }

  const sealerOf = (id: string): Sealer => holding(id).sealer

  function forget(ids: Iterable<string>): void {
    for (const id of ids) {
      held.get(id)?.sealer.seal()
      held.get(id)?.ring.close()
      held.delete(id)
    }
  }

  return {
    status: async (id) => held.get(id)?.sealer.status() ?? untouched(inside, id),
    reset: async (id) => held.get(id)?.sealer.reset() ?? untouched(inside, id),
    async unseal(id, share) {
      const sealer = sealerOf(id)
      const before = sealer.status().sealed
      const status = await sealer.unseal(share)
      if (before && !status.sealed) await withKeys(id, sealer, events.opened)
      return status
    },
    async seal(ids) {
      forget(ids)
      await events.closed(ids)
    },
    rotate: (id, only) =>
      inTurn(async () => {
        const sealer = sealerOf(id)
        if (only === undefined || only === sealer.activeTerm) await rotate(id, sealer, events)
      }),
    unspent: events.unspent,
    rotateRoot: (id) => inTurn(() => sealerOf(id).rotateRoot()),
    rekey: (id, step) => inTurn(() => rekeyStep(sealerOf(id).rekeys.root, step)),
    generateRoot: (id, step) => inTurn(() => generateRootStep(holding(id).root, step)),
    settle: (id) => inTurn(() => sealerOf(id).settle()),
    export: () => [...held].flatMap(([id, { sealer }]) => (sealer.activeTerm === 0 ? [] : [keysOf(id, sealer)])),
    forget: () => forget([...held.keys()]),
  }
}

function storeOf(inside: Store, id: string): Store {
  return view(inside, sealFolder(id))
}

/** Its token is the namespace's own, and lies where tokens do: in the server's store, not behind this seal. */
function rootOf(id: string, sealer: Sealer, inside: Store, ports: SealerPorts): GenerateRoot {
  const mint = (into: Store) => mintRoot(inside, into, ports, { id, path: pathById.get(inside, id) ?? '' })
  const around = { store: inside, folder: sealFolder(id) }
  return sealer.generateRoot({ mintRoot: (_, into) => mint(into), tokenLength: TOKEN_LENGTH + idSuffix(id).length, around })
}

/** Of one that nobody has given a share of; it takes no locked memory to tell. */
function untouched(inside: Store, id: string): SealStatus {
  const config = readSealConfig(storeOf(inside, id))
  const { threshold: t = 0, shares: n = 0 } = config ?? {}
  const initialized = config !== undefined
  return { type: 'shamir', initialized, sealed: true, t, n, progress: 0, nonce: '', migration: false, recovery_seal: false }
}

/** Every process knows the term before any seals with it. */
async function rotate(id: string, sealer: Sealer, { opened }: NamespaceSealEvents): Promise<void> {
  const active = sealer.activeTerm
  const keys = await sealer.addTerm()
  try {
    await opened({ id, keys, active })
  } finally {
    keys.fill(0)
  }
  sealer.activate()
  await withKeys(id, sealer, opened)
}

function keysOf(id: string, sealer: Sealer): NamespaceKeys {
  return { id, keys: sealer.exportKeyring(), active: sealer.activeTerm }
}

export async function withKeys(id: string, sealer: Sealer, use: (keys: NamespaceKeys) => Promise<void>): Promise<void> {
  const keys = keysOf(id, sealer)
  try {
    await use(keys)
  } finally {
    keys.keys.fill(0)
  }
}

export interface NamespaceStepCall<Action extends string> {
  readonly id: string
  readonly step: KeyStep<Action>
}

/** A term of a namespace's keys. */
export interface NamespaceTerm {
  readonly id: string
  readonly term: number
}

/** What a worker may ask of the process that holds the keys. */
export function namespaceSealHandlers(seals: NamespaceSealPort) {
  return {
    namespaceStatus: (id: string) => seals.status(id),
    namespaceUnseal: ({ id, share }: { readonly id: string; readonly share: Uint8Array }) =>
      seals.unseal(id, Buffer.from(share.buffer, share.byteOffset, share.length)),
    namespaceReset: (id: string) => seals.reset(id),
    namespaceSeal: (ids: readonly string[]) => seals.seal(ids),
    namespaceRotate: ({ id, only }: { readonly id: string; readonly only: number | undefined }) => seals.rotate(id, only),
    namespaceUnspent: ({ id, term }: NamespaceTerm) => seals.unspent(id, term),
    namespaceRotateRoot: (id: string) => seals.rotateRoot(id),
    namespaceRekey: ({ id, step }: NamespaceStepCall<RekeyAction>) => seals.rekey(id, withBody(step)),
    namespaceGenerateRoot: ({ id, step }: NamespaceStepCall<GenerateRootAction>) => seals.generateRoot(id, withBody(step)),
    namespaceSettle: (id: string) => seals.settle(id),
  }
}

/** The channel brings plain typed arrays. */
function withBody<Action extends string>(step: KeyStep<Action>): KeyStep<Action> {
  const { buffer, byteOffset, length } = step.body
  return { ...step, body: Buffer.from(buffer, byteOffset, length) }
}
