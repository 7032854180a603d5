// Every metric, from the catalog.
import { AGENT_METRICS } from '../../src/telemetry/agent-catalog.ts'
import { METRICS, type MetricSpec, ROUTE_PREFIX } from '../../src/telemetry/catalog.ts'
import { code, table } from './markdown.ts'

export function metricsPage(): string {
  return [
    '# Metrics',
    `${code('sys/metrics')} answers them as Vault's JSON, with dots in their names, and with ${code('?format=prometheus')} as Prometheus reads ` +
      'them. The numbers are those of all processes together. A timing is a count and a sum of milliseconds; so is a histogram, with buckets besides.',
    tableOf(METRICS),
    `${code(`${ROUTE_PREFIX}<verb>_<mount>`)} are timings of each kind of request to each mount, made as they occur.`,
    '## Of an agent',
    `An agent with ${code('telemetry { address = "…" }')} in its configuration answers these at ${code('/metrics')}, as Prometheus reads them.`,
    tableOf(AGENT_METRICS),
  ].join('\n\n')
}

function tableOf(catalog: Readonly<Record<string, MetricSpec>>): string {
  const rows = Object.entries(catalog).map(([name, { kind, labels = [], help }]) => [code(name), kind, labels.join(', '), help])
  return table(['metric', 'kind', 'labels', 'what it is'], rows)
}
