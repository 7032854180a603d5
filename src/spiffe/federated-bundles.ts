// Bundles of foreign trust domains: what workloads that federate with them believe, each for the names of its own domain only.
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Bundle, TokenAuthority } from '../crypto/bundle.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import { records } from '../store/records.ts'
import { transact, type Tx } from '../store/transact.ts'
import { dissociate, idsFederatingWith, removeIn } from './entries.ts'
import type { Place } from './place.ts'

export interface FederatedBundle extends Bundle {
  /** Wall milliseconds. */
  readonly updatedAt: number
}

/** What becomes of the entries that federate with a trust domain whose bundle goes. */
export const REMOVALS = ['restrict', 'dissociate', 'delete'] as const
export type Removal = (typeof REMOVALS)[number]

/** Whether a bundle may, must not or must be there already to be written. */
export const WHENS = ['any', 'absent', 'present'] as const
export type When = (typeof WHENS)[number]

export interface FederatedBundles {
  get(trustDomain: TrustDomain): FederatedBundle | undefined
  /** In the order of their names, after `after`, at most `limit`. */
  page(after: string, limit: number): FederatedBundle[]
  count(): number
  /** What is stored afterwards, and whether one was there before. Undefined where it must be there and is not. Throws `invalid`. */
  set(bundle: Bundle, when?: When): Promise<{ bundle: FederatedBundle; existed: boolean } | undefined>
  /** False where it was not there. Throws `invalid` where entries federate with it and are not to be changed. */
  remove(trustDomain: TrustDomain, removal: Removal): Promise<boolean>
}

/** As stored: bytes as base64. */
interface Stored extends Omit<FederatedBundle, 'x509Authorities' | 'jwtAuthorities' | 'witAuthorities'> {
  readonly x509: readonly string[]
  readonly jwt: readonly StoredKey[]
  /** Absent where there are none. */
  readonly wit?: readonly StoredKey[]
}

interface StoredKey {
  readonly keyId: string
  readonly publicKey: string
  readonly expiresAt?: number
}

const bundles = records<Stored>('federated-bundle/')
const CACHED = 500

export function openFederatedBundles({ place, clock }: { place: Place; clock: Clock }): FederatedBundles {
  const { store } = place
  const cached = place.keyed(bundles.key(''), (name) => opened(bundles.get(store, name)), CACHED)
  return {
    get: cached,
    page: (after, limit) => bundles.ids(store, { limit, ...(after === '' ? {} : { after }) }).flatMap((name) => cached(name) ?? []),
    count: () => bundles.ids(store).length,
    set: (bundle, when = 'any') =>
      transact(store, (tx) => {
        const before = opened(bundles.get(tx, bundle.trustDomain))
        if (before && when === 'absent') return { bundle: before, existed: true }
        if (!before && when === 'present') return undefined
        return { bundle: putBundle(tx, bundle, clock.now()), existed: before !== undefined }
      }),
    remove: (trustDomain, removal) =>
      transact(store, (tx) => {
        if (!bundles.get(tx, trustDomain)) return false
        const federating = idsFederatingWith(store, trustDomain)
        if (removal === 'restrict' && federating.length > 0) {
          throw new Fault('invalid', `cannot delete bundle; federated with ${federating.length} registration entries`)
        }
        for (const id of federating) {
          if (removal === 'delete') removeIn(tx, id)
          else dissociate(tx, id, trustDomain)
        }
        bundles.delete(tx, trustDomain)
        return true
      }),
  }
}

/** Part of a commit of somebody else's; what is the same already is left as it is. */
export function putBundle(tx: Tx, bundle: Bundle, now: number): FederatedBundle {
  const before = bundles.get(tx, bundle.trustDomain)
  const after = stored(bundle, now)
  if (before && JSON.stringify({ ...after, updatedAt: before.updatedAt }) === JSON.stringify(before)) return opened(before)
  bundles.put(tx, bundle.trustDomain, after)
  return opened(after)
}

function stored({ trustDomain, x509Authorities, jwtAuthorities, witAuthorities, refreshHint, sequence }: Bundle, updatedAt: number): Stored {
  return {
    trustDomain,
    x509: x509Authorities.map((der) => der.toString('base64')),
    jwt: jwtAuthorities.map(storedKey),
    ...(witAuthorities.length > 0 ? { wit: witAuthorities.map(storedKey) } : {}),
    refreshHint,
    sequence,
    updatedAt,
  }
}

function storedKey({ keyId, publicKey, expiresAt }: TokenAuthority): StoredKey {
  return { keyId, publicKey: publicKey.toString('base64'), ...(expiresAt === undefined ? {} : { expiresAt }) }
}

const openedKey = (key: StoredKey): TokenAuthority => ({
  keyId: key.keyId,
  publicKey: Buffer.from(key.publicKey, 'base64'),
  expiresAt: key.expiresAt,
})

function opened(record: Stored): FederatedBundle
function opened(record: Stored | undefined): FederatedBundle | undefined
function opened(record: Stored | undefined): FederatedBundle | undefined {
  if (!record) return undefined
  const { x509, jwt, wit = [], ...rest } = record
  return {
    ...rest,
    x509Authorities: x509.map((one) => Buffer.from(one, 'base64')),
    jwtAuthorities: jwt.map(openedKey),
    witAuthorities: wit.map(openedKey),
  }
}
