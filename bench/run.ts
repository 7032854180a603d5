// Drives one or two servers of the Vault HTTP API through the same scenarios in alternating rounds and prints one table.
import { writeFileSync } from 'node:fs'
import { Client } from './client.ts'
import type { FollowUp } from './follow-up.ts'
import { measureHttp } from './http-load.ts'
import type { Sample } from './measure.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import type { Scenario } from './scenarios.ts'
import { type Case, toTable } from './table.ts'
import { type Target, toBytes } from './target.ts'

/** One server, ready for one scenario. */
interface Prepared {
  readonly target: Target
  readonly requests: readonly Buffer[]
  readonly followUp?: FollowUp
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options === undefined) return void process.stdout.write(USAGE)
  const cases: Case[] = []
  for (const scenario of options.scenarios) {
    const prepared = await Promise.all(options.targets.map((target) => prepare(target, scenario, options.filled)))
    for (const connections of options.connections) cases.push(await compare(scenario, connections, prepared, options))
  }
  process.stdout.write(`\n${toTable(cases)}`)
  if (options.json !== undefined) writeFileSync(options.json, toJson(options, cases))
}

async function prepare(target: Target, scenario: Scenario, filled: number): Promise<Prepared> {
  const state = await scenario.setup(new Client(target), filled)
  const requests = Array.from({ length: state.distinct }, (_, i) => toBytes(target, scenario.request(i, state)))
  const { followUp } = scenario
  if (!followUp) return { target, requests }
  return {
    target,
    requests,
    followUp(body) {
      const next = followUp(body)
      return next && toBytes(target, next)
    },
  }
}

/** Rounds alternate (A, B, A, B …), so that a machine that slows down or speeds up does so for both. */
async function compare(scenario: Scenario, connections: number, prepared: readonly Prepared[], options: Options): Promise<Case> {
  const servers = prepared.map(({ target }) => ({ name: target.name, samples: [] as Sample[] }))
  for (let round = 1; round <= options.rounds; round++) {
    for (const [at, { target, requests, followUp }] of prepared.entries()) {
      const sample = await measureHttp(target, requests, { ...options, connections }, followUp)
      servers[at]?.samples.push(sample)
      process.stderr.write(`${scenario.name}, ${connections} connections, round ${round}, ${target.name}: ${sample.perSecond.toFixed(0)} req/s\n`)
    }
  }
  return { scenario: scenario.name, connections, servers }
}

/** Everything that was measured, without the tokens. */
function toJson(options: Options, cases: readonly Case[]): string {
  const { rounds, warmupSeconds, seconds, rate, filled } = options
  const targets = options.targets.map(({ name, url }) => ({ name, address: url.origin }))
  return `${JSON.stringify({ at: new Date().toISOString(), targets, rounds, warmupSeconds, seconds, rate, filled, cases }, null, 2)}\n`
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
