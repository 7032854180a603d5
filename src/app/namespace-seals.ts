// Seals of single namespaces: all of them in one process, and how a new one is made.
import type { Namespace } from '../contract/namespace.ts'
import { Keyring } from '../seal/keyring.ts'
import { checkPgpKeys, encryptShares } from '../seal/pgp.ts'
import { Rings } from '../seal/rings.ts'
import { checkSplit } from '../seal/seal-config.ts'
import { openSealer } from '../seal/sealer.ts'
import { sealFolder } from '../store/layout.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { NamespaceDeps } from '../sys/namespaces.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { Kernel } from './kernel.ts'
import { openNamespaceSealers, type SealerPorts, withKeys } from './namespace-sealers.ts'
import { openPgp as pgp } from './openpgp.ts'

/** All of it in one process, for servers that have no other; `kernels` are those that serve in it. */
export function openNamespaceSeals(inside: Store, ports: SealerPorts, kernels: () => readonly Pick<Kernel, 'forgetNamespaces' | 'unspentOf'>[]) {
  const rings = new Rings()
  const namespaceSeals = openNamespaceSealers(inside, ports, {
    opened: async ({ id, keys, active }) => rings.open(id, keys, active),
    async closed(ids) {
      for (const id of ids) rings.close(id)
      for (const kernel of kernels()) kernel.forgetNamespaces()
    },
    unspent: async (id, term) => kernels().reduce((sum, kernel) => sum + kernel.unspentOf(id, term), 0),
  })
  const forget = () => {
    namespaceSeals.forget()
    rings.closeAll()
  }
  return { parts: { rings, namespaceSeals }, forget }
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
