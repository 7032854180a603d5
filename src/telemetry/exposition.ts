// What several processes counted, as one: Prometheus' text, or the JSON that Vault answers.
import { AggregatorRegistry, type MetricObject } from 'prom-client'
import type { JsonObject } from '../base/json.ts'

/** The text exposition. */
export function exposition(snapshots: readonly MetricObject[][]): Promise<string> {
  return AggregatorRegistry.aggregate([...snapshots]).metrics()
}

/** The names with dots; histograms and timings as samples. */
export async function measurements(snapshots: readonly MetricObject[][], now: number): Promise<JsonObject> {
  const all = (await AggregatorRegistry.aggregate([...snapshots]).getMetricsAsJSON()) as unknown as Measured[]
  const timings = all.filter(({ name, type }) => type === 'counter' && name.endsWith('_sum')).map(({ name }) => name.slice(0, -'_sum'.length))
  const isTiming = (name: string) => timings.some((one) => name === `${one}_sum` || name === `${one}_count`)
  const of = (type: Measured['type']) => all.filter((one) => one.type === type && !isTiming(one.name))
  return {
    Timestamp: `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')} +0000 UTC`,
    Gauges: of('gauge').flatMap(({ name, values }) => values.map(({ labels, value }) => ({ Name: dotted(name), Value: value, Labels: labels }))),
    Points: [],
    Counters: of('counter').flatMap(({ name, values }) =>
      values.map(({ labels, value }) => ({ Name: dotted(name), Count: value, Sum: value, Labels: labels })),
    ),
    Samples: [
      ...of('histogram').flatMap(sampled),
      ...timings.map((name) => sample(name, {}, valueOf(all, `${name}_count`), valueOf(all, `${name}_sum`))),
    ],
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
    const count = values.find((one) => one.metricName === `${name}_count` && JSON.stringify(one.labels) === JSON.stringify(labels))
    return sample(name, labels, count?.value ?? 0, sum)
  })
}

function sample(name: string, labels: Record<string, string>, count: number, sum: number): JsonObject {
  return { Name: dotted(name), Count: count, Sum: sum, Mean: count === 0 ? 0 : sum / count, Labels: labels }
}

function valueOf(all: readonly Measured[], name: string): number {
  return all.find((one) => one.name === name)?.values[0]?.value ?? 0
}

/** `vault_core_handle_request` is `vault.core.handle_request`. */
function dotted(name: string): string {
  return name.replace('_', '.').replace('_', '.')
}
