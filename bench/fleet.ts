// A server with many agents: fills a throwaway one, lets agents join, leaves them be, changes entries, starts it again; times and memory.
import { type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Client } from './client.ts'
import { type Fleet, nodeOf, openFleet, TRUST_DOMAIN } from './fleet-agents.ts'
import { Histogram } from './histogram.ts'
import { parseNumber } from './options.ts'
import { probe } from './fleet-probe.ts'
import { memoryOf, type OwnServer, putJson, say, sayMemory, start, stopped } from './own-server.ts'
import { usageOf } from './process-tree.ts'

const USAGE = `
node_modules/.bin/node bench/fleet.ts [--agents 5000] [--entries 100000] [--changes 50] [--idle 15] [--port 18200]

  --entries   in all, spread evenly over the agents
  --changes   entries that are made one after the other, each waited for at its agent
  --idle      seconds for which the agents are left alone
  --port      of the server; agents are served at the next one
`

interface Size {
  readonly agents: number
  readonly entries: number
  readonly changes: number
  readonly idle: number
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const options = { agents: text, entries: text, changes: text, idle: text, port: text, help: { type: 'boolean' } } as const
  const { values } = parseArgs({ options })
  if (values.help) return void process.stdout.write(USAGE)
  const size: Size = {
    agents: parseNumber('agents', values.agents ?? '5000', 1),
    entries: parseNumber('entries', values.entries ?? '100000', 1),
    changes: parseNumber('changes', values.changes ?? '50', 1),
    idle: parseNumber('idle', values.idle ?? '15', 1),
  }
  const port = parseNumber('port', values.port ?? '18200', 1)
  const at = mkdtempSync(join(tmpdir(), 'signet-fleet-'))
  const seal = `seal "static" {\n  current_key_id = "1"\n  current_key = "${randomBytes(32).toString('hex')}"\n}\n`
  try {
    await measure({ at, port, config: `${seal}spiffe {\n  address = "127.0.0.1:${port + 1}"\n  attestation_rate = 0\n}\n` }, size)
  } finally {
    rmSync(at, { recursive: true, force: true })
  }
}

async function measure(own: OwnServer, size: Size): Promise<void> {
  let server = await start(own)
  const client = await prepare(own)
  const filling = performance.now()
  await fill(client, size)
  say(`made ${size.entries} entries for ${size.agents} agents`, performance.now() - filling)
  sayMemory('memory before any agent', server)
  const alone = memoryOf(server)
  const bundle = await (await fetch(`${client.target.url}v1/spiffe/bundle?format=pem`)).text()
  const fleet = openFleet(`127.0.0.1:${own.port + 1}`, bundle)
  await joined(fleet, client, server, size)
  sayMemory('memory with all of them connected', server)
  process.stdout.write(`memory of the server for each agent: ${((memoryOf(server) - alone) / size.agents / 1024).toFixed(0)} KiB\n`)
  await idle(server, size)
  await changes(fleet, client, size)

  await stopped(server)
  const others = probe(`${client.target.url}v1/auth/token/lookup-self`, client.target.token)
  const starting = performance.now()
  const coming = fleet.returned()
  server = await start(own)
  const { first, last } = await coming
  const { firstAt, half, most } = await others.stop()
  say('the server was started again: from start to an answer', firstAt - performance.timeOrigin - starting)
  say('from start to the first agent', first - starting)
  say('from start to the last agent', last - starting)
  process.stdout.write(
    `CPU until then: ${cpuOf(server).toFixed(1)} s; other requests took ${half.toFixed(1)} ms, 99 % within ${most.toFixed(1)} ms\n`,
  )
  sayMemory('memory after that', server)
  await fleet.stop()
  await stopped(server)
}

/** The operator's client of a new server that is a trust domain and keeps an audit trail. */
async function prepare({ at, port }: OwnServer): Promise<Client> {
  const url = new URL(`http://127.0.0.1:${port}`)
  const { root_token: token } = (await putJson(`${url}v1/sys/init`, { recovery_shares: 1, recovery_threshold: 1 })) as { root_token: string }
  const client = new Client({ name: 'signet', url, token, insecureTls: false })
  while ((await client.attempt('PUT', '/v1/sys/audit/file', { type: 'file', options: { file_path: join(at, 'audit.log') } })).status === 503)
    await sleep(10)
  await client.call('PUT', '/v1/sys/mounts/spiffe', { type: 'spiffe' })
  await client.call('PUT', '/v1/spiffe/config', { trust_domain: TRUST_DOMAIN })
  return client
}

const BATCH = 500

async function fill(client: Client, { agents, entries }: Size): Promise<void> {
  const entry = (n: number) => ({
    spiffe_id: `spiffe://${TRUST_DOMAIN}/workload/${n}`,
    parent_id: nodeOf(n % agents),
    selectors: `unix:uid:${1_000 + n}`,
  })
  await client.each(Math.ceil(entries / BATCH), 4, (i) => {
    const create = Array.from({ length: Math.min(BATCH, entries - i * BATCH) }, (_, n) => entry(i * BATCH + n))
    return { method: 'PUT', path: '/v1/spiffe/entries/batch', body: { create } }
  })
}

/** At once, as many as wait for each other; real ones come as their machines start. */
const LANES = 32

async function joined(fleet: Fleet, client: Client, server: ChildProcess, { agents }: Size): Promise<void> {
  const joining = performance.now()
  const before = cpuOf(server)
  let next = 0
  const lane = async () => {
    for (let n = next++; n < agents; n = next++) {
      const { data } = await client.call('PUT', '/v1/spiffe/join-tokens', { ttl: 3600, spiffe_id: nodeOf(n) })
      await fleet.join(n, String(data?.['token']))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const seconds = (performance.now() - joining) / 1000
  const each = ((cpuOf(server) - before) / agents) * 1000
  say(`${agents} agents joined and got all their SVIDs, ${(agents / seconds).toFixed(0)} a second, ${each.toFixed(1)} ms of CPU each`, seconds * 1000)
}

async function idle(server: ChildProcess, { idle: seconds }: Size): Promise<void> {
  await sleep(2_000)
  const before = cpuOf(server)
  await sleep(seconds * 1000)
  const share = (cpuOf(server) - before) / seconds
  process.stdout.write(`CPU while nothing changes: ${(share * 100).toFixed(1)} % of a core\n`)
}

async function changes(fleet: Fleet, client: Client, { agents, changes: count }: Size): Promise<void> {
  const latencies = new Histogram()
  for (let n = 0; n < count; n++) {
    const selector = `unix:uid:${n}`
    const at = Math.floor((n * agents) / count)
    const known = fleet.knows(at, selector)
    const since = performance.now()
    const entry = { spiffe_id: `spiffe://${TRUST_DOMAIN}/new/${n}`, parent_id: nodeOf(at), selectors: selector }
    await client.call('PUT', '/v1/spiffe/entries', entry)
    await known
    latencies.record((performance.now() - since) * 1000)
  }
  const ms = (fraction: number) => (latencies.quantile(fraction) / 1000).toFixed(1)
  process.stdout.write(`from a new entry to its SVID at the agent: half within ${ms(0.5)} ms, 99 % within ${ms(0.99)} ms, of ${count}\n`)
}

/** Seconds since it was started. */
function cpuOf({ pid }: ChildProcess): number {
  return (pid === undefined ? undefined : usageOf(pid))?.cpuSeconds ?? 0
}

main().catch((error: Error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
