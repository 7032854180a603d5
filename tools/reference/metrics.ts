// Every metric, from the catalog.
import { METRICS, type MetricSpec, ROUTE_PREFIX } from '../../src/telemetry/catalog.ts'
import { code, table } from './markdown.ts'

export function metricsPage(): string {
  return [
    '# Metrics',
    `${code('sys/metrics')} answers them as Vault's JSON, with dots in their names, and with ${code('?format=prometheus')} as Prometheus reads ` +
      'them. The numbers are those of all processes together. A timing is a count and a sum of milliseconds; so is a histogram, with buckets besides.',
    table(
      ['metric', 'kind', 'labels', 'what it is'],
      Object.entries(METRICS).map(([name, spec]: [string, MetricSpec]) => [code(name), spec.kind, (spec.labels ?? []).join(', '), spec.help]),
    ),
    `${code(`${ROUTE_PREFIX}<verb>_<mount>`)} are timings of each kind of request to each mount, made as they occur.`,
  ].join('\n\n')
}
