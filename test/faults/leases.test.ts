// Leases of a real outside system, whatever fails: the target, the time it takes, or the processes that lend.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { build } from 'esbuild'
import { checkLeases } from '../../src/lease/check.ts'
import { ACT_MS, AGAIN_MS, INTENT_MS, REVOKE_MS } from '../../src/lease/times.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { handTimers, stillTimers } from '../../src/testing/clock.ts'
import { lending } from '../../src/testing/lender.ts'
import { openRedis, type Redis, redisAccounts } from '../../src/testing/redis.ts'
import { openWorld, type World, type WorldOptions } from '../../src/testing/world.ts'
import { folder } from '../support/server.ts'
import { type Child, command } from './lines.ts'
import { seeded } from './seeded.ts'

const NO_REDIS = spawnSync('redis-server', ['--version']).status === 0 ? false : 'redis-server is not installed'

async function openedRedis(t: TestContext): Promise<Redis> {
  const redis = await openRedis(folder(t))
  t.after(() => redis.crash())
  return redis
}

async function openedWorld(t: TestContext, redis: Redis, options: WorldOptions = {}): Promise<World> {
  const accounts = redisAccounts(redis.socket)
  const world = await openWorld({ ...options, modules: lending(accounts) })
  t.after(() => accounts.close())
  return world
}

async function prepare(world: World): Promise<void> {
  await world.ok('write', 'sys/mounts/lend', { type: 'lender' })
  await world.ok('write', 'lend/role/short', { ttl: '10m', max_ttl: '20m' })
  await world.ok('write', 'lend/role/long', { ttl: '700h', max_ttl: '768h' })
}

/** Lets time go by, with due work done at every step. */
async function pass(world: World, ms: number, steps = 60): Promise<void> {
  for (let step = 0; step < steps; step++) {
    world.clock.advance(Math.ceil(ms / steps))
    await world.kernel.expire()
  }
}

/** The accounts that leases say are out. */
function lent(world: World): string[] {
  const leases = Array.from(world.inside.range({ prefix: 'ns/root/lease/id/' }), ({ value }) => JSON.parse(value.toString()))
  return leases.map(({ internal }) => internal.name as string).sort()
}

test('a target that refuses, is away, or is back: what it holds is what is lent', { skip: NO_REDIS }, async (t) => {
  const redis = await openedRedis(t)
  const world = await openedWorld(t, redis)
  t.after(() => world.close())
  await prepare(world)
  const borrow = (role: string) => world.call('read', `lend/creds/${role}`)
  for (const role of ['short', 'short', 'long']) assert.equal((await borrow(role)).status, 200)
  await redis.permit(false)
  const refused = await borrow('long')
  assert.equal(refused.status, 400)
  assert.match(refused.body.errors[0], /NOPERM/)
  await pass(world, 601_000)
  assert.equal((await redis.names()).length, 3)
  assert.equal(lent(world).length, 3)
  await redis.save()
  await redis.crash()
  assert.equal((await borrow('long')).status, 503)
  await pass(world, 4 * 3_600_000)
  assert.ok((await world.ok('read', 'sys/leases/count', { type: 'irrevocable' })).data.lease_count >= 2)
  await redis.start()
  await redis.permit(true)
  await pass(world, 48 * 3_600_000)
  assert.equal((await redis.names()).length, 1)
  assert.deepEqual(await redis.names(), lent(world))
  assert.deepEqual([...checkLeases(world.inside, ['root'])], [])
})

test('a target that is slow gets each of its accounts back in the end, also one that was made when nobody waited any more', {
  skip: NO_REDIS,
}, async (t) => {
  const redis = await openedRedis(t)
  const timers = handTimers()
  const world = await openedWorld(t, redis, { timers })
  t.after(() => world.close())
  await prepare(world)
  await world.ok('read', 'lend/creds/short')
  redis.pause()
  const late = world.call('read', 'lend/creds/long')
  await new Promise((resolve) => setTimeout(resolve, 50)) // for the request to be on its way
  timers.fire(ACT_MS)
  assert.equal((await late).status, 503)
  world.clock.advance(601_000)
  const stuck = world.kernel.expire()
  await new Promise((resolve) => setTimeout(resolve, 50))
  timers.fire(REVOKE_MS)
  await stuck
  redis.resume()
  await pass(world, INTENT_MS + AGAIN_MS + 60_000)
  assert.deepEqual(await redis.names(), [])
  assert.deepEqual(lent(world), [])
  assert.deepEqual([...world.store.keys({ prefix: 'lease' })], [])
})

const ROUNDS = 50
/** Longer than an intent waits to be taken back twice, so that every round meets what the ones before left. */
const AHEAD_MS = INTENT_MS + AGAIN_MS
const BUNDLE = join(import.meta.dirname, '../../.build/lender-process.js')

test(`${2 * ROUNDS} workers killed while they lend: nothing is out without a lease, and nothing twice`, {
  timeout: 300_000,
  skip: NO_REDIS,
}, async (t) => {
  const { seed, random } = seeded()
  t.diagnostic(`seed ${seed}`)
  const redis = await openedRedis(t)
  const at = folder(t)
  const key = join(at, 'key.json')
  await bundle()
  const token = await initialise(t, redis, join(at, 'data'), key)
  const met = { intents: 0, answered: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    const children: Child[] = []
    const lines = { left: 2 + random(60) }
    for (const name of ['leads', 'serves']) {
      const last = 1 + random(40)
      let heard = 0
      const child = command([process.execPath, BUNDLE, join(at, 'data'), redis.socket, key, String(round * AHEAD_MS), name], (line) => {
        if (line !== 'ready') met.answered++
        heard++
        if (--lines.left === 0) for (const one of children) one.kill('SIGKILL')
        if (heard === last) child.kill('SIGKILL')
      })
      children.push(child)
    }
    for (const { ended } of children) assert.deepEqual(await ended, { code: null, signal: 'SIGKILL' })
    met.intents += await intentsOf(join(at, 'data'))
  }
  assert.ok(met.intents > ROUNDS / 2, `only ${met.intents} intents were cut short`)
  const store = await openLmdb({ path: join(at, 'data'), timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const world = await openedWorld(t, redis, { store, blank: true })
  await world.sealer.unseal(Buffer.from(token.share, 'base64'))
  world.clock.set(Date.now() + ROUNDS * AHEAD_MS)
  await pass(world, 24 * 3_600_000)
  await world.kernel.sweep()
  await pass(world, 1_000)
  const names = await redis.names()
  t.diagnostic(`${met.answered} requests answered, ${met.intents} intents cut short, ${names.length} accounts left`)
  assert.ok(names.length > 0)
  assert.deepEqual(names, lent(world))
  assert.equal(new Set(names).size, names.length)
  assert.deepEqual([...checkLeases(world.inside, ['root'])], [])
  await world.close()
})

/** One file, which starts in a fraction of the time. */
async function bundle(): Promise<void> {
  const entry = join(import.meta.dirname, 'lender-process.ts')
  await build({ entryPoints: [entry], outfile: BUNDLE, bundle: true, format: 'esm', platform: 'node', target: 'node24', packages: 'external' })
}

async function initialise(t: TestContext, redis: Redis, path: string, key: string): Promise<{ share: string }> {
  mkdirSync(path)
  const store = await openLmdb({ path, timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const world = await openedWorld(t, redis, { store })
  await prepare(world)
  await world.ok('write', 'sys/policies/acl/lend', { policy: 'path "lend/creds/*" { capabilities = ["read"] }' })
  const share = world.share.toString('base64')
  writeFileSync(key, JSON.stringify({ share, token: world.rootToken }))
  await world.close()
  return { share }
}

/** How many requests were cut short between intent and lease. */
async function intentsOf(path: string): Promise<number> {
  const store = await openLmdb({ path, timers: stillTimers, onUnknown: (reason) => assert.fail(reason) })
  const intents = [...store.keys({ prefix: 'ns/root/lease/intent/' })].length
  await store.close()
  return intents
}
