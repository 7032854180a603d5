// What a serving process counts, under the names that dashboards made for Vault know.
import type { MetricObject } from 'prom-client'
import { type AuditMetrics, openAuditMetrics } from './audit-metrics.ts'
import { METRICS, ROUTE_PREFIX } from './catalog.ts'
import { type Meters, openMeters, type Timing } from './meters.ts'

export interface Metrics {
  /** A request came in; call the result with its status when it was answered. */
  request(verb: string, login: boolean): (status: number) => void
  /** What an op did at a mount, and from when on the monotonic clock. */
  route(verb: string, mount: string, from: number): void
  readonly barrier: Readonly<Record<'get' | 'list' | 'put', (from: number) => void>>
  readonly audit: AuditMetrics
  tokenMade(): void
  /** A rate limit of this name refused a request. */
  rateLimited(quota: string): void
  /** A client was sent away before its request was looked at. */
  refused(why: string): void
  unsealed(yes: boolean): void
  readonly leases: LeaseMeter
  /** As data, to be summed with those of other processes. */
  snapshot(): Promise<MetricObject[]>
}

/** What happens to leases. */
export interface LeaseMeter {
  lent(): void
  renewed(): void
  takenBack(): void
  failed(): void
  /** How many there are, and how many of them are irrevocable; told by one process. */
  level(leases: number, irrevocable: number): void
}

/** What only the process itself knows. */
export interface Self {
  monotonic(): number
  residentBytes(): number
  heapBytes(): number
  /** The longest delay of the event loop since it was last asked, in milliseconds. */
  lagMs(): number
}

export function openMetrics(self: Self): Metrics {
  const meters = openMeters(METRICS)
  const timed = (timing: Timing) => (from: number) => {
    timing.count++
    timing.sum += self.monotonic() - from
  }
  const tokens = meters.counter('vault_token_creation')
  const violations = meters.counter('vault_quota_rate_limit_violation')
  const refused = meters.counter('signet_edge_refused')
  const states = [meters.gauge('vault_core_unsealed'), meters.gauge('vault_core_active')]
  meters.gauge('vault_runtime_alloc_bytes', (gauge) => gauge.set(self.residentBytes()))
  meters.gauge('vault_runtime_heap_bytes', (gauge) => gauge.set(self.heapBytes()))
  meters.gauge('signet_event_loop_lag_ms', (gauge) => gauge.set(self.lagMs()))
  return {
    ...openRequests(meters, self),
    route: openRoutes(meters, timed),
    barrier: {
      get: timed(meters.timing('vault_barrier_get')),
      list: timed(meters.timing('vault_barrier_list')),
      put: timed(meters.timing('vault_barrier_put')),
    },
    audit: openAuditMetrics(meters),
    tokenMade: () => tokens.inc(),
    rateLimited: (name) => violations.inc({ name }),
    refused: (why) => refused.inc({ why }),
    unsealed: (yes) => {
      for (const state of states) state.set(yes ? 1 : 0)
    },
    leases: openLeases(meters),
    snapshot: meters.snapshot,
  }
}

function openLeases(meters: Meters): LeaseMeter {
  const [lent, renewed] = [meters.counter('vault_expire_register'), meters.counter('vault_expire_renew')]
  const [takenBack, failed] = [meters.counter('vault_expire_revoke'), meters.counter('vault_expire_lease_expiration_error')]
  const [all, irrevocable] = [meters.gauge('vault_expire_num_leases'), meters.gauge('vault_expire_num_irrevocable_leases')]
  return {
    lent: () => lent.inc(),
    renewed: () => renewed.inc(),
    takenBack: () => takenBack.inc(),
    failed: () => failed.inc(),
    level(leases, stuck) {
      all.set(leases)
      irrevocable.set(stuck)
    },
  }
}

function openRequests(meters: Meters, { monotonic }: Self): Pick<Metrics, 'request'> {
  const handled = meters.histogram('vault_core_handle_request')
  const logins = meters.histogram('vault_core_handle_login_request')
  const answered = meters.counter('vault_core_response')
  const inFlight = meters.gauge('vault_core_in_flight_requests')
  return {
    request(verb, login) {
      const from = monotonic()
      inFlight.inc()
      return (status) => {
        const took = monotonic() - from
        inFlight.dec()
        handled.observe(took)
        if (login) logins.observe(took)
        answered.inc({ status: `${Math.floor(status / 100)}xx`, verb })
      }
    },
  }
}

/** A mount a name; past so many, the rest share one. */
const MAX_ROUTES = 500

function openRoutes(meters: Meters, timed: (timing: Timing) => (from: number) => void): Metrics['route'] {
  const routes = new Map<string, (from: number) => void>()
  const nameOf = (verb: string, mount: string) => `${verb}_${mount.replace(/[^A-Za-z0-9]/g, '_')}`
  return (verb, mount, from) => {
    const wanted = nameOf(verb === 'write' ? 'update' : verb, mount)
    const name = routes.has(wanted) || routes.size < MAX_ROUTES ? wanted : 'other_mounts'
    const known = routes.get(name) ?? timed(meters.timing(`${ROUTE_PREFIX}${name}`))
    routes.set(name, known)
    known(from)
  }
}
