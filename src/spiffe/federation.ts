// Federation (SPIFFE_Federation.md): where the bundles of foreign trust domains are published, and fetching them when it is time.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import { type Bundle, parseBundle } from '../crypto/bundle.ts'
import { type SpiffeId, type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'
import type { IsRevoked } from '../crypto/x509-svid.ts'
import { dueIndex } from '../store/due-index.ts'
import { records } from '../store/records.ts'
import { transact, type Tx } from '../store/transact.ts'
import { type FederatedBundles, putBundle, type When } from './federated-bundles.ts'
import type { Place } from './place.ts'
import type { SettingsRoom } from './settings.ts'

/** How the endpoint proves who it is: by the web's certificates, or by an X509-SVID of exactly this ID. */
export type Profile = { readonly profile: 'https_web' } | { readonly profile: 'https_spiffe'; readonly endpointId: SpiffeId }

export type Relationship = { readonly trustDomain: TrustDomain; readonly url: string } & Profile

/** What came of fetching. Times in wall milliseconds, 0 for never. */
export interface FetchStatus {
  readonly attemptedAt: number
  readonly succeededAt: number
  readonly nextAt: number
  /** Attempts that failed since the last success. */
  readonly failures: number
  /** Of the last attempt; '' where it succeeded. */
  readonly error: string
}

/** Where to fetch from, and by whose authorities the endpoint is believed; undefined for those of the web. */
export interface Endpoint {
  readonly url: string
  readonly svid: { readonly id: SpiffeId; readonly authorities: readonly Buffer[]; readonly isRevoked: IsRevoked } | undefined
}

/** The document that an endpoint publishes. Throws an Error whose message may be shown. */
export type FetchBundle = (endpoint: Endpoint) => Promise<Uint8Array>

export interface Federation {
  get(trustDomain: TrustDomain): Relationship | undefined
  status(trustDomain: TrustDomain): FetchStatus
  /** In the order of their names, after `after`, at most `limit`. */
  page(after: string, limit: number): Relationship[]
  /** Whether one was there before; undefined where it must be there and is not. `bundle` is a first one, to believe the endpoint by. Throws `invalid`. */
  set(relationship: Relationship, bundle?: Bundle, when?: When): Promise<{ existed: boolean } | undefined>
  /** False where it was not there; the bundle stays. */
  remove(trustDomain: TrustDomain): Promise<boolean>
  /** Fetches now. False where there is no such relationship; a failure is in the status. */
  refresh(trustDomain: TrustDomain): Promise<boolean>
  /** Begins to fetch what is due, and resolves when all of it came or failed. */
  poll(): Promise<void>
}

export interface FederationDeps {
  readonly place: Place
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: SettingsRoom
  readonly bundles: FederatedBundles
  /** The X.509 authorities of this trust domain, whose endpoints may serve for others. */
  readonly own: () => readonly Buffer[]
  readonly isRevoked: IsRevoked
  readonly fetch: FetchBundle
}

export const relationships = records<Relationship>('federation/')
export const statuses = records<FetchStatus>('federation-status/')
export const due = dueIndex('federation-due/')
const CACHED = 500

const MINUTE = 60_000
/** No publisher is asked more often, whatever it hints at. */
const FLOOR = MINUTE
/** Where a bundle hints at nothing (SPIFFE_Federation.md §4.1). */
const USUAL = 5 * MINUTE
/** The longest that a failing endpoint is left alone, unless its own hint is longer; the first time it is its interval (§6.2). */
const PATIENCE = 15 * MINUTE
/** So many at once; the others have their turn a second later. */
const AT_ONCE = 20
const MAX_ERROR = 500

const NEVER: FetchStatus = { attemptedAt: 0, succeededAt: 0, nextAt: 0, failures: 0, error: '' }

export function openFederation(deps: FederationDeps): Federation {
  const { place, clock, settings } = deps
  const { store } = place
  const cached = place.keyed(relationships.key(''), (name) => relationships.get(store, name), CACHED)
  const fetchOnce = openFetching(deps)

  return {
    get: cached,
    status: (trustDomain) => statuses.get(store, trustDomain) ?? NEVER,
    page: (from, limit) => relationships.ids(store, { limit, ...(from === '' ? {} : { after: from }) }).flatMap((name) => cached(name) ?? []),
    async set(relationship, bundle, when = 'any') {
      check(relationship, settings.need().trustDomain)
      return transact(store, (tx) => {
        const before = relationships.get(tx, relationship.trustDomain)
        if (when === 'absent' && before) return { existed: true }
        if (when === 'present' && !before) return undefined
        relationships.put(tx, relationship.trustDomain, relationship)
        if (bundle) putBundle(tx, bundle, clock.now())
        const status = statuses.get(tx, relationship.trustDomain) ?? NEVER
        schedule(tx, relationship.trustDomain, status, { ...status, failures: 0, error: '', nextAt: clock.now() })
        return { existed: before !== undefined }
      })
    },
    remove: (trustDomain) =>
      transact(store, (tx) => {
        if (!relationships.get(tx, trustDomain)) return false
        relationships.delete(tx, trustDomain)
        due.delete(tx, (statuses.get(tx, trustDomain) ?? NEVER).nextAt, trustDomain)
        statuses.delete(tx, trustDomain)
        return true
      }),
    async refresh(trustDomain) {
      const relationship = cached(trustDomain)
      if (!relationship) return false
      await fetchOnce(relationship)
      return true
    },
    async poll() {
      const names = due.before(store, clock.now(), AT_ONCE)
      await Promise.all(names.flatMap((name) => cached(name) ?? []).map(fetchOnce))
    },
  }
}

/** Fetches, and writes down what came of it. */
function openFetching(deps: FederationDeps): (relationship: Relationship) => Promise<void> {
  const { clock, bundles } = deps
  const { store } = deps.place
  const running = new Map<string, Promise<void>>()

  async function attempt(relationship: Relationship): Promise<void> {
    const outcome = await fetched(deps, relationship)
    if ('error' in outcome)
      deps.log.warn('a federated bundle could not be fetched', { trust_domain: relationship.trustDomain, reason: outcome.error })
    await transact(store, (tx) => {
      const now = relationships.get(tx, relationship.trustDomain)
      if (JSON.stringify(now) !== JSON.stringify(relationship)) return // it went, or leads elsewhere: what came is nobody's
      const bundle = 'error' in outcome ? bundles.get(relationship.trustDomain) : putBundle(tx, outcome, clock.now())
      const before = statuses.get(tx, relationship.trustDomain) ?? NEVER
      schedule(tx, relationship.trustDomain, before, after(before, bundle, 'error' in outcome ? outcome.error : ''))
    })
  }

  function after(before: FetchStatus, bundle: Bundle | undefined, error: string): FetchStatus {
    const now = clock.now()
    const interval = Math.max(FLOOR, (bundle?.refreshHint ?? 0) * 1000 || (bundle || error === '' ? USUAL : FLOOR))
    const failures = error === '' ? 0 : before.failures + 1
    const wait = failures === 0 ? interval : Math.min(interval * 2 ** Math.min(failures - 1, 10), Math.max(interval, PATIENCE))
    return {
      attemptedAt: now,
      succeededAt: error === '' ? now : before.succeededAt,
      nextAt: now + jittered(wait, deps.random),
      failures,
      error,
    }
  }

  // One attempt at a time: who comes while it runs waits for its end.
  return (relationship) => {
    const { trustDomain } = relationship
    const known = running.get(trustDomain)
    if (known) return known
    const started = attempt(relationship).finally(() => running.delete(trustDomain))
    running.set(trustDomain, started)
    return started
  }
}

function schedule(tx: Tx, trustDomain: TrustDomain, before: FetchStatus, now: FetchStatus): void {
  due.delete(tx, before.nextAt, trustDomain)
  due.put(tx, now.nextAt, trustDomain)
  statuses.put(tx, trustDomain, now)
}

/** A tenth earlier or later, so that those who began together don't stay together. */
function jittered(wait: number, random: Random): number {
  return Math.round(wait * (0.9 + (random.bytes(2).readUInt16BE() / 0xffff) * 0.2))
}

async function fetched(deps: FederationDeps, relationship: Relationship): Promise<Bundle | { error: string }> {
  try {
    const document = await deps.fetch(endpointOf(deps, relationship))
    return parseBundle(relationship.trustDomain, document)
  } catch (error) {
    return { error: (error instanceof Error ? error.message : String(error)).slice(0, MAX_ERROR) }
  }
}

/** An SVID is believed by the bundle of its own trust domain and by no other. */
function endpointOf({ settings, bundles, own, isRevoked }: FederationDeps, relationship: Relationship): Endpoint {
  if (relationship.profile === 'https_web') return { url: relationship.url, svid: undefined }
  const { url, endpointId: id } = relationship
  const home = trustDomainOf(id)
  const authorities = home === settings.need().trustDomain ? own() : bundles.get(home)?.x509Authorities
  if (!authorities) throw new Error(`the endpoint cannot be believed: there is no bundle of trust domain "${home}" yet`)
  return { url, svid: { id, authorities, isRevoked } }
}

const URL_FORM = /^https:\/\/(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:\/[^\s#\\]*)?$/
const MAX_URL = 2048

/** No user info, which would be a secret in a URL (SPIFFE_Federation.md §5.2.1). */
function check({ trustDomain, url }: Relationship, home: TrustDomain): void {
  if (trustDomain === home) throw new Fault('invalid', `"${home}" is this trust domain, and no foreign one`)
  if (!url.startsWith('https://')) throw new Fault('invalid', 'bundle endpoint URL must use the https scheme')
  if (/^https:\/\/[^/?#]*@/.test(url)) throw new Fault('invalid', 'bundle endpoint URL must not contain user info')
  if (url.length > MAX_URL || !URL_FORM.test(url) || !URL.canParse(url)) throw new Fault('invalid', `"${url}" is no URL of a bundle endpoint`)
}
