// Meters made from the catalog, on the library that writes Prometheus' formats.
import { Counter, Gauge, Histogram, type MetricObject, Registry } from 'prom-client'
import type { METRICS, MetricSpec } from './catalog.ts'

type Catalog = Readonly<Record<string, MetricSpec>>
type OfKind<C extends Catalog, K extends string> = { [N in keyof C & string]: C[N]['kind'] extends K ? N : never }[keyof C & string]

/** How often something was done, and how long it took altogether. */
export interface Timing {
  count: number
  /** Milliseconds. */
  sum: number
}

export interface Meters<C extends Catalog = typeof METRICS> {
  counter(name: OfKind<C, 'counter'>): Counter
  gauge(name: OfKind<C, 'gauge'>, collect?: (gauge: Gauge) => void): Gauge
  histogram(name: OfKind<C, 'histogram'>): Histogram
  /** One of the catalog, or one made as it occurs. */
  timing(name: OfKind<C, 'timing'> | `vault_route_${string}`): Timing
  snapshot(): Promise<MetricObject[]>
}

/** Milliseconds. */
const BUCKETS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000]

export function openMeters<C extends Catalog>(catalog: C): Meters<C> {
  const registry = new Registry()
  const base = (name: string) => {
    const { help, labels = [], across } = catalog[name] as MetricSpec
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
      const help = catalog[name]?.help ?? 'Requests of one kind to one mount.'
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
