// What the server counts, under the names that dashboards made for Vault know.
import type { JsonObject } from '../base/json.ts'
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

/** The same in the JSON that Vault answers: the names with dots, histograms as samples. */
export async function measurements(snapshots: readonly MetricObject[][], now: number): Promise<JsonObject> {
  const all = (await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON()) as unknown as Measured[]
  const of = (type: Measured['type']) => all.filter((one) => one.type === type)
  return {
    Timestamp: `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
    Gauges: of('gauge').flatMap(({ name, values }) => values.map(({ labels, value }) => ({ Name: dotted(name), Value: value, Labels: labels }))),
    Points: [],
    Counters: of('counter').flatMap(({ name, values }) =>
      values.map(({ labels, value }) => ({ Name: dotted(name), Count: value, Sum: value, Labels: labels })),
    ),
    Samples: of('histogram').flatMap(sampled),
  }
}

interface Measured {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  readonly values: readonly { readonly labels: Record<string, string>; readonly value: number; readonly metricName?: string }[]
}

/** Each set of labels once, with how many there were and their sum. */
function sampled({ name, values }: Measured): JsonObject[] {
  const sums = values.filter(({ metricName }) => metricName === `${name}_sum`)
  return sums.map(({ labels, value: sum }) => {
    const count = values.find((one) => one.metricName === `${name}_count` && JSON.stringify(one.labels) === JSON.stringify(labels))?.value ?? 0
    return { Name: dotted(name), Count: count, Sum: sum, Mean: count === 0 ? 0 : sum / count, Labels: labels }
  })
}

function dotted(name: string): string {
  return name.replace('_', '.').replace('_', '.')
}
