// The command line of run.ts, parsed once.
import { parseArgs } from 'node:util'
import { SCENARIOS, type Scenario } from './scenarios.ts'
import { parseTarget, type Target } from './target.ts'

export interface Options {
  readonly targets: readonly Target[]
  readonly scenarios: readonly Scenario[]
  readonly connections: readonly number[]
  readonly rounds: number
  readonly warmupSeconds: number
  readonly seconds: number
  readonly rate: number | undefined
  readonly filled: number
  readonly json: string | undefined
}

export const USAGE = `
node bench/run.ts --a name=http://127.0.0.1:8200,token=…,pid=… [--b name=…]

  --a, --b        a server: name=address, then token=… (or token=@file) and, for CPU and memory, pid=…
  --scenario      comma list (default: all):
${SCENARIOS.map(({ name, doc }) => `                    ${name.padEnd(14)} ${doc}`).join('\n')}
  --connections   comma list of numbers of keep-alive connections (default: 1,32)
  --rounds        rounds per server, alternating (default: 3)
  --seconds       length of a round (default: 5)
  --warmup        seconds before each round that do not count (default: 1)
  --rate          requests a second on a fixed schedule (open loop) instead of as fast as answers come (closed loop)
  --filled        read, write and list among the N entries that fill.ts made, instead of 1000 of its own
  --insecure-tls  accept any certificate
  --json          also write every sample to this file
`

/** Undefined when help was asked for; throws a plain Error that says what is wrong. */
export function parseOptions(args: readonly string[]): Options | undefined {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      a: text,
      b: text,
      scenario: { ...text, default: SCENARIOS.map(({ name }) => name).join(',') },
      connections: { ...text, default: '1,32' },
      rounds: { ...text, default: '3' },
      seconds: { ...text, default: '5' },
      warmup: { ...text, default: '1' },
      rate: text,
      filled: { ...text, default: '0' },
      'insecure-tls': { type: 'boolean', default: false },
      json: text,
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  if (values.a === undefined) throw new Error(`--a is missing; --help tells more`)
  return {
    targets: [values.a, values.b].filter((each) => each !== undefined).map((each) => parseTarget(each, values['insecure-tls'])),
    scenarios: values.scenario.split(',').map(parseScenario),
    connections: values.connections.split(',').map((each) => parseNumber('connections', each, 1)),
    rounds: parseNumber('rounds', values.rounds, 1),
    warmupSeconds: parseNumber('warmup', values.warmup, 0),
    seconds: parseNumber('seconds', values.seconds, 1),
    rate: values.rate === undefined ? undefined : parseNumber('rate', values.rate, 1),
    filled: parseNumber('filled', values.filled, 0),
    json: values.json,
  }
}

/** A whole number of at least `least`. */
export function parseNumber(option: string, text: string, least: number): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < least) throw new Error(`--${option}: "${text}" is not a whole number of at least ${least}`)
  return number
}

function parseScenario(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name)
  if (found === undefined) throw new Error(`--scenario: there is no "${name}"; there is ${SCENARIOS.map((each) => each.name).join(', ')}`)
  return found
}
