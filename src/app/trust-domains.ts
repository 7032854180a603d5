// The rooms of each mounted trust domain, opened when first asked for.
import { NODE_ATTESTORS } from '../attest/node/all.ts'
import { networkOf } from '../base/cidr.ts'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Limit, Limiter } from '../quota/limiter.ts'
import type { FetchBundle } from '../spiffe/federation.ts'
import type { Place } from '../spiffe/place.ts'
import { openSpiffe, type RoomsOf, type Spiffe } from '../spiffe/rooms.ts'
import type { Loggers } from '../spiffe/paths/logger.ts'
import type { Follower } from '../store/follow.ts'
import { openSpace } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import type { ServerPort } from '../sys/server.ts'
import { openAws } from './aws-ec2.ts'
import { sendOutbound } from './outbound.ts'
import { serviceAccount } from './service-account.ts'
import type { Tenants } from './tenants.ts'

export interface TrustDomainsDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly follower: Follower
  readonly tenants: Tenants
  readonly log: Log
  readonly fetch: FetchBundle | undefined
  readonly limiter: Pick<Limiter, 'take'>
}

/** Attestations from one address: enough for a rack behind one, too little to guess or to keep the server busy with. */
const ATTESTATIONS: Limit = { id: 'spiffe-attestation', requests: 100, intervalMs: 10_000, blockMs: 0 }

export function openTrustDomains(ports: Pick<Ports, 'clock' | 'random'>, deps: TrustDomainsDeps): RoomsOf {
  const { store, follower, tenants, log, fetch, limiter } = deps
  /** By the place of their data, which no other mount ever has. */
  const opened = new Map<string, Spiffe>()
  return (mount) => {
    const place = tenants.at(mount.namespace).mounts.placeOf(mount, '')
    const known = opened.get(place)
    if (known) return known
    const { store: slice, cache } = openSpace(store, follower, place)
    const keyed: Place['keyed'] = (prefix, load, max, idOf) => follower.keyed(place + prefix, load, max, idOf)
    const rooms = openSpiffe({
      place: { store: slice, cache, keyed },
      ...ports,
      log,
      ...(fetch ? { fetch } : {}),
      attestors: NODE_ATTESTORS,
      attestPorts: { outbound: sendOutbound, serviceAccount, openAws },
      admitsAttestation: (address) => limiter.take(ATTESTATIONS, networkOf(address)).allowed,
    })
    opened.set(place, rooms)
    return rooms
  }
}

/** The server's loggers as the engine shows them: the core's level stands for all. */
export function loggersOf({ levels, setLevel, configuration }: Pick<ServerPort, 'levels' | 'setLevel' | 'configuration'>): Loggers {
  return {
    level: () => ({ current: levels()['core'] ?? '', launch: String(configuration()['log_level'] ?? '') }),
    setLevel: (level) => setLevel(undefined, level),
  }
}
