// Each commit of rekeys and rotations fails in each way a commit can fail; the shares that somebody was told open what is left.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { type Fate, faulty } from '../store/faulty.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { settableClock, stillTimers as timers } from '../testing/clock.ts'
import { openWorld, type World } from '../testing/world.ts'
import { barrier } from './barrier.ts'
import { checkSeal } from './check-seal.ts'
import { Keyring } from './keyring.ts'
import { openSealer } from './sealer.ts'

const random = { bytes: randomBytes }

/** Sets of shares that somebody was told of, as hex, the newest last. */
type Told = string[][]

async function scenario(world: World, told: Told): Promise<void> {
  const need = () => told.at(-1) as string[]
  const begin = async (request: JsonObject) => (await world.ok('write', 'sys/rekey/init', request)).nonce
  const give = async (path: string, nonce: string, shares: readonly string[]) => {
    let answer: any
    for (const key of shares) answer = await world.ok('write', path, { key, nonce })
    return answer
  }
  await world.ok('write', 'sys/policies/acl/kept', { policy: 'path "a" { capabilities = ["read"] }' })

  const verified = await begin({ secret_shares: 2, secret_threshold: 2, require_verification: true })
  const made = await give('sys/rekey/update', verified, need())
  told.push(made.keys)
  await world.ok('write', 'sys/rotate')
  await give('sys/rekey/verify', made.verification_nonce, made.keys)

  const plain = await begin({ secret_shares: 1, secret_threshold: 1 })
  told.push((await give('sys/rekey/update', plain, need())).keys)
  await world.ok('write', 'sys/rotate')
  world.clock.advance(600_000)
  await world.kernel.sweep()
  const { nonce } = await world.ok('write', 'sys/generate-root/attempt')
  await give('sys/generate-root/update', nonce, need())
}

/** As a new process: does one of the sets that were told open it? */
async function opens(store: Store, told: Told): Promise<Keyring | undefined> {
  for (const shares of told.toReversed()) {
    const keyring = new Keyring()
    const sealer = openSealer(store, keyring, { clock: settableClock(), random, timers })
    for (const share of shares) await sealer.unseal(Buffer.from(share, 'hex')).catch(() => {})
    if (!keyring.sealed) return keyring
    keyring.close()
  }
  return undefined
}

interface Run {
  readonly raw: Store
  readonly told: Told
  readonly commits: number
  readonly finished: boolean
}

/** Runs until the end, or until the commit that meets its fate. */
async function run(at: number, fate: Fate): Promise<Run> {
  const raw = memory({ timers })
  const ended = Promise.withResolvers<void>()
  let armed = false
  let commits = 0
  const store = faulty(raw, {
    fate: () => (armed && ++commits === at ? fate : 'commit'),
    onUnknown: () => ended.resolve(),
  })
  const world = await openWorld({ store })
  const told: Told = [[world.share.toString('hex')]]
  armed = true
  const finished = await Promise.race([
    scenario(world, told).then(
      () => true,
      () => false,
    ),
    ended.promise.then(() => false),
  ])
  return { raw, told, commits, finished }
}

async function assertWhole({ raw, told }: Run, what: string): Promise<void> {
  const keyring = await opens(raw, told)
  assert.ok(keyring, `${what}: no shares that were told open it`)
  assert.deepEqual(checkSeal(raw, keyring), [], what)
  const inside = barrier(raw, keyring, random)
  for (const prefix of ['ns/', 'core/barrier/']) for (const { key } of inside.range({ prefix })) assert.ok(key)
  keyring.close()
}

const { commits, finished } = await run(0, 'commit')

for (const fate of ['refuse', 'conflict', 'lose', 'vanish'] as const) {
  test(`${commits} commits, of which each meets its fate once: ${fate}`, async () => {
    assert.ok(finished)
    for (let at = 1; at <= commits; at++) await assertWhole(await run(at, fate), `commit ${at}`)
  })
}
