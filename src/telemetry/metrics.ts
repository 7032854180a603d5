// What the server counts, under the names that dashboards made for Vault know.
import { AggregatorRegistry, Counter, Gauge, Histogram, type MetricObject, Registry } from 'prom-client'

export interface Metrics {
  /** A request came in; call the result with its status when it was answered. */
  request(verb: string): (status: number) => void
  auditFailed(): void
  tokenMade(): void
  unsealed(yes: boolean): void
  /** As data, to be summed with those of other processes. */
  snapshot(): Promise<MetricObject[]>
}

/** Milliseconds, as Vault's timers count. */
const BUCKETS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000]

export function openMetrics(monotonic: () => number, residentBytes: () => number): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const handled = new Histogram({ name: 'vault_core_handle_request', help: 'Milliseconds from arrival to answer.', buckets: BUCKETS, registers })
  const answered = new Counter({ name: 'vault_core_response', help: 'Answers by status class and verb.', labelNames: ['status', 'verb'], registers })
  const inFlight = new Gauge({ name: 'vault_core_in_flight_requests', help: 'Requests being handled.', registers })
  const auditFailures = new Counter({ name: 'vault_audit_log_request_failure', help: 'Records that no device took.', registers })
  const tokens = new Counter({ name: 'vault_token_creation', help: 'Tokens made.', registers })
  const unsealed = new Gauge({ name: 'vault_core_unsealed', help: '1 while unsealed.', aggregator: 'min', registers })
  new Gauge({
    name: 'vault_runtime_alloc_bytes',
    help: 'Resident memory of all processes.',
    registers,
    collect() {
      this.set(residentBytes())
    },
  })
  return {
    request(verb) {
      const from = monotonic()
      inFlight.inc()
      return (status) => {
        inFlight.dec()
        handled.observe(monotonic() - from)
        answered.inc({ status: `${Math.floor(status / 100)}xx`, verb })
      }
    },
    auditFailed: () => auditFailures.inc(),
    tokenMade: () => tokens.inc(),
    unsealed: (yes) => unsealed.set(yes ? 1 : 0),
    snapshot: () => registry.getMetricsAsJSON() as Promise<MetricObject[]>,
  }
}

/** The text exposition of what several processes counted, summed. */
export function exposition(snapshots: readonly MetricObject[][]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics()
}
