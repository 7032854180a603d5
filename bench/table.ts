// The one table that the driver prints: medians of the rounds for each server, and how they compare.
import type { Sample } from './measure.ts'

/** All rounds of one scenario at one number of connections. */
export interface Case {
  readonly scenario: string
  readonly connections: number
  /** The samples of each server, in the order of the rounds. */
  readonly servers: readonly { readonly name: string; readonly samples: readonly Sample[] }[]
}

interface Column {
  readonly title: string
  readonly of: (sample: Sample) => number | undefined
  readonly show: (value: number) => string
  /** Whether first ÷ second says anything. */
  readonly compared: boolean
}

const COLUMNS: readonly Column[] = [
  { title: 'req/s', of: (s) => s.perSecond, show: (v) => v.toFixed(0), compared: true },
  { title: 'p50 ms', of: (s) => s.p50, show: toMilliseconds, compared: true },
  { title: 'p99 ms', of: (s) => s.p99, show: toMilliseconds, compared: true },
  { title: 'p99.9 ms', of: (s) => s.p999, show: toMilliseconds, compared: true },
  { title: 'CPU µs/req', of: (s) => s.cpuMicrosecondsPerRequest, show: (v) => v.toFixed(0), compared: true },
  { title: 'RSS MiB', of: (s) => s.rssBytes, show: toMebibytes, compared: true },
  { title: 'PSS MiB', of: (s) => s.pssBytes, show: toMebibytes, compared: true },
  { title: 'driver %', of: (s) => s.driverCpu, show: (v) => (v * 100).toFixed(0), compared: false },
]

export function toTable(cases: readonly Case[]): string {
  const head = ['scenario', 'conns', 'server', ...COLUMNS.map(({ title }) => title), 'errors']
  return align([head, ...cases.flatMap(toRows)]) + toErrors(cases)
}

/** The middle value; the mean of the two middle ones when their number is even. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)]
  const lower = sorted[Math.ceil(sorted.length / 2) - 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}

function toRows({ scenario, connections, servers }: Case): string[][] {
  const rows = servers.map(({ name, samples }) => [
    scenario,
    String(connections),
    name,
    ...COLUMNS.map(({ of, show }) => cell(median(present(samples.map(of))), show)),
    String(samples.reduce((errors, sample) => errors + sample.errors, 0)),
  ])
  const [first, second] = servers
  if (first === undefined || second === undefined) return rows
  const ratios = COLUMNS.map((column) => (column.compared ? ratiosOf(first.samples, second.samples, column.of) : []))
  rows.push(['', '', `${first.name} ÷ ${second.name}`, ...ratios.map((each) => cell(median(each), toRatio)), ''])
  if (first.samples.length > 1) rows.push(['', '', 'range of rounds', ...ratios.map(toRange), ''])
  return rows
}

/** Round by round, because neighbours in time share the machine's moods. */
function ratiosOf(first: readonly Sample[], second: readonly Sample[], of: Column['of']): number[] {
  return present(
    first.map((sample, round) => {
      const [a, b] = [of(sample), second[round] && of(second[round])]
      return a === undefined || b === undefined || b === 0 ? undefined : a / b
    }),
  )
}

function toErrors(cases: readonly Case[]): string {
  const lines = cases.flatMap(({ scenario, connections, servers }) =>
    servers.flatMap(({ name, samples }) => {
      const text = samples.find(({ firstError }) => firstError !== undefined)?.firstError
      return text === undefined ? [] : [`first error of ${name}, ${scenario}, ${connections} connections: ${text}`]
    }),
  )
  return lines.length === 0 ? '' : `\n${lines.join('\n')}\n`
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const pad = (text: string, column: number): string =>
    column === 0 || column === 2 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)
  return rows.map((row) => `${row.map(pad).join('  ').trimEnd()}\n`).join('')
}

function present(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined)
}

function cell(value: number | undefined, show: (value: number) => string): string {
  return value === undefined ? '-' : show(value)
}

function toRange(ratios: readonly number[]): string {
  return ratios.length === 0 ? '-' : `${toRatio(Math.min(...ratios)).slice(1)}-${toRatio(Math.max(...ratios)).slice(1)}`
}

function toRatio(value: number): string {
  return `×${value.toFixed(value < 10 ? 2 : 1)}`
}

function toMilliseconds(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1)
}

function toMebibytes(value: number): string {
  return (value / 2 ** 20).toFixed(0)
}
