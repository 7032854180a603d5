// Meters made from the catalog, on the library that writes Prometheus' formats.
import { Counter, Gauge, Histogram, type MetricObject, Registry } from 'prom-client'
import { METRICS, type MetricName, type MetricSpec } from './catalog.ts'

type OfKind<K extends string> = { [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never }[MetricName]

/** How often something was done, and how long it took altogether. */
export interface Timing {
  count: number
  /** Milliseconds. */
  sum: number
}

export interface Meters {
  counter(name: OfKind<'counter'>): Counter
  gauge(name: OfKind<'gauge'>, collect?: (gauge: Gauge) => void): Gauge
  histogram(name: OfKind<'histogram'>): Histogram
  /** One of the catalog, or one made as it occurs. */
  timing(name: OfKind<'timing'> | `vault_route_${string}`): Timing
  snapshot(): Promise<MetricObject[]>
}

/** Milliseconds. */
const BUCKETS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000]

export function openMeters(): Meters {
  const registry = new Registry()
  const base = (name: MetricName) => {
    const { help, labels = [], across }: MetricSpec = METRICS[name]
    return { name, help, labelNames: [...labels], aggregator: across ?? ('sum' as const), registers: [registry] }
  }
  return {
    counter: (name) => new Counter(base(name)),
    gauge(name, collect) {
      if (!collect) return new Gauge(base(name))
      const gauge: Gauge = new Gauge({ ...base(name), collect: () => collect(gauge) })
      return gauge
    },
    histogram: (name) => new Histogram({ ...base(name), buckets: BUCKETS }),
    timing(name) {
      const timing: Timing = { count: 0, sum: 0 }
      const help = name in METRICS ? METRICS[name as MetricName].help : 'Requests of one kind to one mount.'
      for (const part of ['count', 'sum'] as const) showPart(registry, `${name}_${part}`, help, timing, part)
      return timing
    },
    snapshot: () => registry.getMetricsAsJSON() as Promise<MetricObject[]>,
  }
}

function showPart(registry: Registry, name: string, help: string, timing: Timing, part: keyof Timing): void {
  const counter = new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      counter.reset()
      counter.inc(timing[part])
    },
  })
}
