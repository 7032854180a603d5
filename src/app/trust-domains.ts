// The rooms of each mounted trust domain, opened when first asked for; in a namespace, of its part of the root's.
import { NODE_ATTESTORS } from '../attest/node/all.ts'
import { networkOf } from '../base/cidr.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import type { Limit, Limiter } from '../quota/limiter.ts'
import { confine } from '../spiffe/confine.ts'
import type { FetchBundle } from '../spiffe/federation.ts'
import type { Part } from '../spiffe/parts.ts'
import type { Place } from '../spiffe/place.ts'
import { openSpiffe, type RoomsOf, type Spiffe } from '../spiffe/rooms.ts'
import type { Loggers } from '../spiffe/paths/logger.ts'
import type { Upstream } from '../spiffe/upstream.ts'
import type { Follower } from '../store/follow.ts'
import { openSpace } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { ServerPort } from '../sys/server.ts'
import { openAws } from './aws-ec2.ts'
import { sendOutbound } from './outbound.ts'
import { serviceAccount } from './service-account.ts'
import type { Tenants } from './tenants.ts'
import { openHome } from './trust.ts'

export interface TrustDomainsDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly tenants: Tenants
  readonly namespaces: Pick<Namespaces, 'storedById'>
  readonly log: Log
  readonly fetch: FetchBundle | undefined
  readonly upstream: Upstream | undefined
  /** Attestations in a second from one address; 0 for any number. */
  readonly attestationRate: number | undefined
  readonly limiter: Pick<Limiter, 'take'>
}

export interface TrustDomains {
  readonly of: RoomsOf
  /** Ends what agents wait for. */
  close(): void
}

/** Enough for a rack behind one address, too little to guess or to keep the server busy with. */
const ATTESTATION_RATE = 10
/** Over which the rate is kept, so that a rack may come at once. */
const ATTESTATION_SECONDS = 10

function limitOf(rate: number): Limit | undefined {
  if (rate === 0) return undefined
  return { id: 'spiffe-attestation', requests: rate * ATTESTATION_SECONDS, intervalMs: ATTESTATION_SECONDS * 1_000, blockMs: 0 }
}

/** The part of the trust domain that a namespace has, by its id. Throws `invalid` where it has none. */
export function openPartOf(home: () => Spiffe | undefined): (namespaceId: string) => Part {
  return (namespaceId) => {
    const part = home()?.parts.of(namespaceId)
    if (!part) throw new Fault('invalid', 'this namespace has no part of a trust domain; the root gives it one at spiffe/namespaces')
    return part
  }
}

export function openTrustDomains(ports: Pick<Ports, 'clock' | 'random' | 'timers'>, deps: TrustDomainsDeps): TrustDomains {
  const { store, follower, tenants, namespaces, log, fetch, upstream, limiter } = deps
  const attestations = limitOf(deps.attestationRate ?? ATTESTATION_RATE)
  /** By the place of their data, which no other mount ever has. */
  const opened = new Map<string, Spiffe>()
  /** A part that changed is another one. */
  const confined = new WeakMap<Part, Spiffe>()
  const hasNamespace = (id: string): boolean => namespaces.storedById(id)?.doomed === false

  function whole(mount: Mount): Spiffe {
    const place = tenants.at(mount.namespace).mounts.placeOf(mount, '')
    const known = opened.get(place)
    if (known) return known
    const { store: slice, cache } = openSpace(store, follower, place)
    const keyed: Place['keyed'] = (prefix, load, max, idOf) => follower.keyed(place + prefix, load, max, idOf)
    const rooms = openSpiffe({
      place: { store: slice, cache, keyed },
      ...ports,
      turn: ports.timers.turn,
      log,
      upstream,
      hasNamespace,
      ...(fetch ? { fetch } : {}),
      attestors: NODE_ATTESTORS,
      attestPorts: { outbound: sendOutbound, serviceAccount, openAws },
      admitsAttestation: (address) => attestations === undefined || limiter.take(attestations, networkOf(address)).allowed,
    })
    opened.set(place, rooms)
    return rooms
  }

  const home = openHome(tenants, whole)
  const partOf = openPartOf(home)

  const of: RoomsOf = (mount) => {
    if (mount.namespace === '') return whole(mount)
    const part = partOf(mount.namespaceId)
    const rooms = confined.get(part) ?? confine(home() as Spiffe, part)
    confined.set(part, rooms)
    return rooms
  }
  return {
    of,
    close() {
      for (const { changes } of opened.values()) changes.close()
    },
  }
}

/** The server's loggers as the engine shows them: the core's level stands for all. */
export function loggersOf({ levels, setLevel, configuration }: Pick<ServerPort, 'levels' | 'setLevel' | 'configuration'>): Loggers {
  return {
    level: () => ({ current: levels()['core'] ?? '', launch: String(configuration()['log_level'] ?? '') }),
    setLevel: (level) => setLevel(undefined, level),
  }
}
