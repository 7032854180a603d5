// Drives one or two servers of the SPIRE server API as an agent does, in alternating rounds, and prints one table.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Load, Outcome } from './load.ts'
import { measure, type Sample } from './measure.ts'
import { parseNumber } from './options.ts'
import { attest, newRequest, SpireConnection, type SpireTarget, type Svid } from './spire-agent.ts'
import { type AgentState, entryIdsOf, SPIRE_SCENARIOS, type SpireScenario } from './spire-scenarios.ts'
import { type Case, toTable } from './table.ts'
import { parseToken, split } from './target.ts'

const USAGE = `
node_modules/.bin/node bench/spire.ts --a name=127.0.0.1:8081,join=…,bundle=bundle.pem,pid=… [--b name=…]

  --a, --b        a server: name=address of its agents' listener, join=<join token> (or @file), bundle=<PEM file>, and pid=… for CPU and
                  memory. The join token is used up. The agent that it makes must have entries: give the token a SPIFFE ID, and make
                  entries whose parent that is.
  --scenario      comma list (default: all):
${SPIRE_SCENARIOS.map(({ name, doc }) => `                    ${name.padEnd(14)} ${doc}`).join('\n')}
  --connections   comma list of numbers of connections, each with one call under way (default: 1,16)
  --rounds        rounds per server, alternating (default: 3)
  --seconds       length of a round (default: 5)
  --warmup        seconds before each round that do not count (default: 1)
`

interface Agent {
  readonly target: SpireTarget
  readonly svid: Svid
  readonly state: AgentState
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      a: text,
      b: text,
      scenario: { ...text, default: SPIRE_SCENARIOS.map(({ name }) => name).join(',') },
      connections: { ...text, default: '1,16' },
      rounds: { ...text, default: '3' },
      seconds: { ...text, default: '5' },
      warmup: { ...text, default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help || values.a === undefined) return void process.stdout.write(USAGE)
  const scenarios = values.scenario.split(',').map(scenarioNamed)
  const connections = values.connections.split(',').map((each) => parseNumber('connections', each, 1))
  const rounds = parseNumber('rounds', values.rounds, 1)
  const times = { seconds: parseNumber('seconds', values.seconds, 1), warmupSeconds: parseNumber('warmup', values.warmup, 0) }
  const agents: Agent[] = []
  for (const each of [values.a, values.b]) if (each !== undefined) agents.push(await join(parseSpireTarget(each)))
  const cases: Case[] = []
  for (const scenario of scenarios) {
    for (const number of connections) {
      const servers = agents.map(({ target }) => ({ name: target.name, samples: [] as Sample[] }))
      for (let round = 1; round <= rounds; round++) {
        for (const [at, agent] of agents.entries()) {
          const sample = await measure(agent.target, (outcome) => startCalls(agent, scenario, number, outcome), times)
          servers[at]?.samples.push(sample)
          process.stderr.write(
            `${scenario.name}, ${number} connections, round ${round}, ${agent.target.name}: ${sample.perSecond.toFixed(0)} calls/s\n`,
          )
        }
      }
      cases.push({ scenario: scenario.name, connections: number, servers })
    }
  }
  process.stdout.write(`\n${toTable(cases)}`)
}

function scenarioNamed(name: string): SpireScenario {
  const found = SPIRE_SCENARIOS.find((scenario) => scenario.name === name)
  if (!found) throw new Error(`--scenario: there is no "${name}"; there is ${SPIRE_SCENARIOS.map((each) => each.name).join(', ')}`)
  return found
}

/** Reads `name=host:port,join=…,bundle=file,pid=123`; throws a plain Error that says what is wrong. */
function parseSpireTarget(text: string): SpireTarget {
  const [where = '', ...facts] = text.split(',')
  const [name, address] = split(where)
  const { join: joinToken, bundle, pid } = Object.fromEntries(facts.map(split))
  if (!name || !address || !joinToken || !bundle) throw new Error(`"${text}" is not name=host:port,join=…,bundle=file`)
  return { name, address, joinToken: parseToken(joinToken), bundle: readFileSync(bundle), ...(pid === undefined ? {} : { pid: Number(pid) }) }
}

async function join(target: SpireTarget): Promise<Agent> {
  const svid = await attest(target)
  const connection = new SpireConnection(target, svid)
  const entryIds = await entryIdsOf(connection)
  connection.close()
  if (entryIds.length === 0) throw new Error(`${target.name}: the agent has no entries`)
  process.stderr.write(`${target.name}: an agent with ${entryIds.length} entries\n`)
  return { target, svid, state: { entryIds, csr: newRequest().csr } }
}

/** As many connections, each with one call after the other. */
function startCalls({ target, svid, state }: Agent, scenario: SpireScenario, connections: number, outcome: Outcome): Load {
  let stopped = false
  let sent = 0
  async function lane(): Promise<void> {
    const connection = new SpireConnection(target, svid)
    while (!stopped) {
      const since = performance.now()
      const failure = await scenario.call(connection, sent++, state).then(
        () => undefined,
        (error: Error) => Buffer.from(error.message),
      )
      outcome(failure ? 0 : 200, failure ?? Buffer.alloc(0), since)
    }
    connection.close()
  }
  const finished = Promise.all(Array.from({ length: connections }, lane)).then(() => undefined)
  return {
    finished,
    waiting: () => [],
    stop() {
      stopped = true
      return finished
    },
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
