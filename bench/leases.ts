// A million leases: how a server starts with them, how late those that end are taken back, and what secrets cost meanwhile.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { ports } from '../src/app/ports.ts'
import { base62 } from '../src/base/ids.ts'
import { type Lease, put } from '../src/lease/lease.ts'
import { openLmdb } from '../src/store/lmdb.ts'
import { transact } from '../src/store/transact.ts'
import { openWorld, type World } from '../src/testing/world.ts'
import { bare } from './bare-lender.ts'
import { Client } from './client.ts'
import { mountKv, SMALL_MOUNT, toKey, toSecret } from './dataset.ts'
import { measureHttp } from './http-load.ts'
import type { Sample } from './measure.ts'
import { parseNumber } from './options.ts'
import { usageOf } from './process-tree.ts'
import { type Ask, type Target, toBytes } from './target.ts'

const USAGE = `
node bench/leases.ts [--count 1000000] [--expiring 100000] [--seconds 60] [--rate 500] [--port 18300]

  --expiring   so many of them end within --seconds, evenly, while secrets are read at --rate a second
`

interface Size {
  readonly count: number
  readonly expiring: number
  readonly seconds: number
  readonly rate: number
}

/** From when all are made until the first of them ends: time to start the server, and to measure it at rest. */
const LEAD_MS = 45_000
const SECRETS = 1_000
/** Leases of one commit while filling. */
const PAGE = 500

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { count: text, expiring: text, seconds: text, rate: text, port: text, help: { type: 'boolean' } } })
  if (values.help) return void process.stdout.write(USAGE)
  const size: Size = {
    count: parseNumber('count', values.count ?? '1000000', 1),
    expiring: parseNumber('expiring', values.expiring ?? '100000', 0),
    seconds: parseNumber('seconds', values.seconds ?? '60', 1),
    rate: parseNumber('rate', values.rate ?? '500', 1),
  }
  const at = mkdtempSync(join(tmpdir(), 'signet-leases-'))
  try {
    await run(at, parseNumber('port', values.port ?? '18300', 1), size)
  } finally {
    rmSync(at, { recursive: true, force: true })
  }
}

async function run(at: string, port: number, size: Size): Promise<void> {
  const { token, ends } = await fill(at, size)
  const starting = performance.now()
  const server = await start(at, port)
  const target: Target = { name: 'signet', url: new URL(`http://127.0.0.1:${port}`), token, insecureTls: false, pid: server.process.pid as number }
  const client = new Client(target)
  await client.call('GET', '/v1/sys/mounts')
  say(`from start to the first answer, ${size.count} leases`, performance.now() - starting)
  sayMemory(server.process)
  await mountKv(client, SMALL_MOUNT)
  await client.each(SECRETS, 16, (i) => ({ method: 'POST', path: `/v1/${SMALL_MOUNT}/data/${toKey(i)}`, body: { data: toSecret(i) } }))
  sayReads('secrets read at rest', await reads(target, size.rate, 8))
  await sleep(Math.max(0, ends - Date.now()))
  sayReads(`secrets read while ${size.expiring} leases end`, await reads(target, size.rate, size.seconds))
  await sleep(2_000)
  console.log(await server.late())
  await rates(client, target)
  server.process.stdin?.end()
}

/** Makes the leases as the server would, without the requests; resolves to the root token, and to when the first one ends. */
async function fill(at: string, { count, expiring, seconds }: Size): Promise<{ token: string; ends: number }> {
  const path = join(at, 'data')
  mkdirSync(path)
  const store = await openLmdb({ path, timers: ports.timers, onUnknown: (reason) => console.error(reason) })
  const world = await openWorld({ store, modules: bare(() => {}) })
  world.clock.set(Date.now())
  writeFileSync(join(at, 'key'), world.share.toString('base64'))
  await world.ok('write', 'sys/mounts/bare', { type: 'bare' })
  await world.ok('write', 'sys/quotas/lease-count/default', { max_leases: 1_000_000_000 })
  const filling = performance.now()
  const make = await maker(world)
  await make(count - expiring, () => Date.now() + 30 * 86_400_000)
  const each = (performance.now() - filling) / Math.max(1, count - expiring)
  const ends = Date.now() + LEAD_MS + Math.ceil(2 * each * expiring)
  await make(expiring, (i) => ends + Math.floor((i * seconds * 1000) / expiring))
  say(`made ${count} leases, ${((count * 1000) / (performance.now() - filling)).toFixed(0)} a second`, performance.now() - filling)
  if (Date.now() > ends - LEAD_MS / 2) console.log('making them took so long that the first will have ended before the server is measured')
  await world.close()
  return { token: world.rootToken, ends }
}

/** Writes leases as the lease room does, many with each commit. */
async function maker(world: World): Promise<(count: number, expiresAt: (i: number) => number) => Promise<void>> {
  const { data } = await world.ok('read', 'sys/mounts/bare')
  const same = { path: 'bare/lease', kind: 'nothing', mount: data.uuid, target: '', role: '', holder: 'nobody', renewedAt: 0, ttl: 0, maxTtl: 0 }
  const state = { renewable: true, internal: {}, certain: true, again: false, tries: 0, error: '' }
  const made = (expiresAt: number): Lease => {
    const id = `${same.path}/${base62(ports.random, 24)}`
    return { ...same, ...state, id, issuedAt: Date.now(), expiresAt, dueAt: expiresAt }
  }
  return async (count, expiresAt) => {
    for (let from = 0; from < count; from += PAGE) {
      const page = Array.from({ length: Math.min(PAGE, count - from) }, (_, n) => made(expiresAt(from + n)))
      await transact(world.inside, (tx) => page.forEach((lease) => put(tx, undefined, lease)))
    }
  }
}

interface Server {
  readonly process: ChildProcess
  late(): Promise<string>
}

async function start(at: string, port: number): Promise<Server> {
  const args = [join(import.meta.dirname, 'lease-server.ts'), join(at, 'data'), String(port), join(at, 'key')]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })
  const line = () => new Promise<string>((resolve) => (lines as Interface).once('line', resolve))
  await line()
  return {
    process: child,
    late() {
      const answer = line()
      child.stdin?.write('late\n')
      return answer
    },
  }
}

function reads(target: Target, rate: number, seconds: number): Promise<Sample> {
  const requests = Array.from({ length: SECRETS }, (_, i) =>
    toBytes(target, { method: 'GET', path: `/v1/${SMALL_MOUNT}/data/${toKey(i)}`, token: target.token }),
  )
  return measureHttp(target, requests, { connections: 16, warmupSeconds: 1, seconds, rate })
}

/** How fast leases are made, renewed and revoked, as fast as answers come over 32 connections. */
async function rates(client: Client, target: Target): Promise<void> {
  const issue: Ask = { method: 'GET', path: '/v1/bare/lease?ttl=3600', token: target.token }
  const shape = { connections: 32, warmupSeconds: 1, seconds: 5 }
  sayRate('leases made', await measureHttp(target, [toBytes(target, issue)], shape))
  const { data } = await client.call('GET', '/v1/sys/leases/lookup/bare/lease?list=true&limit=60000')
  const ids = ((data?.['keys'] ?? []) as string[]).map((name) => `bare/lease/${name}`)
  const ask = (path: string, body: (id: string) => object) =>
    ids.map((id) => toBytes(target, { method: 'PUT', path: `/v1/sys/leases/${path}`, body: body(id), token: target.token }))
  sayRate(
    'leases renewed',
    await measureHttp(
      target,
      ask('renew', (id) => ({ lease_id: id, increment: 3600 })),
      shape,
    ),
  )
  sayRate(
    'leases revoked',
    await measureHttp(
      target,
      ask('revoke', (id) => ({ lease_id: id })),
      shape,
    ),
  )
}

function say(what: string, milliseconds: number): void {
  console.log(`${what}: ${(milliseconds / 1000).toFixed(2)} s`)
}

function sayReads(what: string, { perSecond, p50, p99, p999, errors }: Sample): void {
  console.log(
    `${what}: ${perSecond.toFixed(0)} a second, half within ${p50.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms, 99.9 % within ${p999.toFixed(1)} ms, ${errors} errors`,
  )
}

function sayRate(what: string, { perSecond, p50, p99, errors, firstError }: Sample): void {
  console.log(
    `${what}: ${perSecond.toFixed(0)} a second, half within ${p50.toFixed(1)} ms, 99 % within ${p99.toFixed(1)} ms, ${errors} errors${firstError ? ` (${firstError})` : ''}`,
  )
}

function sayMemory({ pid }: ChildProcess): void {
  const usage = pid === undefined ? undefined : usageOf(pid)
  console.log(`memory of the server: ${((usage?.rssBytes ?? 0) / 1e6).toFixed(0)} MB`)
}

main().catch((error: Error) => {
  console.error(error)
  process.exitCode = 1
})
