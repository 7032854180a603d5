// Seals of single namespaces, on both sides: where their keys are held, and where a new one is made.
import type { Ports } from '../base/ports.ts'
import type { Namespace } from '../contract/namespace.ts'
import { readSealConfig } from '../seal/key-records.ts'
import { Keyring } from '../seal/keyring.ts'
import { checkPgpKeys, encryptShares } from '../seal/pgp.ts'
import { Rings } from '../seal/rings.ts'
import { checkSplit } from '../seal/seal-config.ts'
import { openSealer, type Sealer } from '../seal/sealer.ts'
import { sealFolder } from '../store/layout.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import type { NamespaceSealPort } from '../sys/namespace-seals.ts'
import type { NamespaceDeps } from '../sys/namespaces.ts'
import type { SealStatus } from '../sys/state.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Kernel } from './kernel.ts'
import { openPgp as pgp } from './openpgp.ts'

type SealerPorts = Pick<Ports, 'clock' | 'random' | 'timers'>

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
}

/** `inside` is the store behind the server's barrier. */
export function openNamespaceSealers(inside: Store, ports: SealerPorts, events: NamespaceSealEvents): NamespaceSealers {
  const held = new Map<string, Held>()

  const storeOf = (id: string) => view(inside, sealFolder(id))

  function sealerOf(id: string): Sealer {
    const known = held.get(id)
    if (known) return known.sealer
    const ring = new Keyring()
    const sealer = openSealer(storeOf(id), ring, ports)
    held.set(id, { ring, sealer })
    return sealer
  }

  /** Of one that nobody has given a share of; it takes no locked memory to tell. */
  function untouched(id: string): SealStatus {
    const config = readSealConfig(storeOf(id))
    const { threshold: t = 0, shares: n = 0 } = config ?? {}
    const initialized = config !== undefined
    return { type: 'shamir', initialized, sealed: true, t, n, progress: 0, nonce: '', migration: false, recovery_seal: false }
  }

  function forget(ids: Iterable<string>): void {
    for (const id of ids) {
      held.get(id)?.sealer.seal()
      held.get(id)?.ring.close()
      held.delete(id)
    }
  }

  return {
    status: async (id) => held.get(id)?.sealer.status() ?? untouched(id),
    reset: async (id) => held.get(id)?.sealer.reset() ?? untouched(id),
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
    export: () => [...held].flatMap(([id, { sealer }]) => (sealer.activeTerm === 0 ? [] : [keysOf(id, sealer)])),
    forget: () => forget([...held.keys()]),
  }
}

/** What a worker may ask of the process that holds the keys. */
export function namespaceSealHandlers(seals: NamespaceSealPort) {
  return {
    namespaceStatus: (id: string) => seals.status(id),
    namespaceUnseal: ({ id, share }: { readonly id: string; readonly share: Uint8Array }) =>
      seals.unseal(id, Buffer.from(share.buffer, share.byteOffset, share.length)),
    namespaceReset: (id: string) => seals.reset(id),
    namespaceSeal: (ids: readonly string[]) => seals.seal(ids),
  }
}

/** All of it in one process, for servers that have no other; `kernels` are those that serve in it. */
export function openNamespaceSeals(inside: Store, ports: SealerPorts, kernels: () => readonly Pick<Kernel, 'forgetNamespaces'>[]) {
  const rings = new Rings()
  const namespaceSeals = openNamespaceSealers(inside, ports, {
    opened: async ({ id, keys, active }) => rings.open(id, keys, active),
    async closed(ids) {
      for (const id of ids) rings.close(id)
      for (const kernel of kernels()) kernel.forgetNamespaces()
    },
  })
  const forget = () => {
    namespaceSeals.forget()
    rings.closeAll()
  }
  return { parts: { rings, namespaceSeals }, forget }
}

function keysOf(id: string, sealer: Sealer): NamespaceKeys {
  return { id, keys: sealer.exportKeyring(), active: sealer.activeTerm }
}

async function withKeys(id: string, sealer: Sealer, use: (keys: NamespaceKeys) => Promise<void>): Promise<void> {
  const keys = keysOf(id, sealer)
  try {
    await use(keys)
  } finally {
    keys.keys.fill(0)
  }
}

export interface MakingDeps {
  readonly namespaces: Namespaces
  readonly rings: Rings
  readonly ports: SealerPorts
}

/** The keys of the new seal are made here, stored in the commit that makes the namespace, and forgotten: whoever has the shares opens it. */
export function makeSealed({ namespaces, rings, ports }: MakingDeps): NamespaceDeps['makeSealed'] {
  return async (parent, name, metadata, { shares, threshold, pgpKeys }) => {
    checkSplit({ shares, threshold }, 'seal config')
    await checkPgpKeys(pgp, pgpKeys, shares, MISMATCH)
    const id = namespaces.freshId()
    const ring = new Keyring()
    const store = memory(ports)
    const sealer = openSealer(store, ring, ports)
    const given = await sealer.init({ shares, threshold })
    try {
      for (const share of given.slice(0, threshold)) await sealer.unseal(Buffer.from(share))
      await withKeys(id, sealer, async ({ keys }) => rings.open(id, keys))
      const namespace = await put({ namespaces, parent, name, metadata, id, store })
      const shown = pgpKeys.length > 0 ? await encryptShares(pgp, pgpKeys, given) : given
      return { namespace, shares: shown.map((share) => share.toString('hex')) }
    } finally {
      rings.close(id)
      ring.close()
      for (const share of given) share.fill(0)
    }
  }
}

const MISMATCH = 'invalid seal config: count mismatch between number of provided PGP keys and number of shares'

interface Putting {
  readonly namespaces: Namespaces
  readonly parent: Namespace
  readonly name: string
  readonly metadata: Namespace['metadata']
  readonly id: string
  /** Of its seal. */
  readonly store: Store
}

function put({ namespaces, parent, name, metadata, id, store }: Putting): Promise<Namespace> {
  const keys = [...store.range({ prefix: '' })]
  return namespaces.put(parent, name, metadata, { id, also: (tx) => keys.forEach(({ key, value }) => tx.put(sealFolder(id) + key, value)) })
}
