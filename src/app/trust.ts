// What the server knows of identities, for those who verify them: its own trust domain, where one is mounted, and those it federates with.
import type { Trust } from '../auth/spiffe/trust.ts'
import { ROOT } from '../contract/namespace.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { RoomsOf, Spiffe } from '../spiffe/rooms.ts'
import { formatSelector } from '../spiffe/selectors.ts'
import type { Tenants } from './tenants.ts'

/** The rooms of the trust domain; undefined where none is mounted. */
export function openHome(tenants: Pick<Tenants, 'of'>, roomsOf: RoomsOf): () => Spiffe | undefined {
  return () => {
    const mount = tenants.of(ROOT).mounts.at('spiffe/')
    return mount?.type === 'spiffe' ? roomsOf(mount) : undefined
  }
}

export function openTrust(home: () => Spiffe | undefined): Trust {
  const named = (): (Spiffe & { readonly name: TrustDomain }) | undefined => {
    const rooms = home()
    const settings = rooms?.settings.get()
    return rooms && settings && { ...rooms, name: settings.trustDomain }
  }
  return {
    home: () => named()?.name,
    bundleOf(trustDomain) {
      const rooms = named()
      return rooms?.name === trustDomain ? rooms.authorities.bundle() : rooms?.bundles.get(trustDomain)
    },
    isRevoked: (certificate) => named()?.revocations.has(certificate) ?? false,
    entriesOf(id) {
      const found = named()?.entries.of(id) ?? []
      return found.map((entry) => ({ id: entry.id, hint: entry.hint, selectors: entry.selectors.map(formatSelector) }))
    },
  }
}
