// Leases against a model that only keeps times: whatever is done in whatever order, both know the same leases and accounts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Accounts } from '../testing/accounts.ts'
import { type LeaseBench, openLeaseBench } from '../testing/lease-bench.ts'

interface Known {
  readonly id: string
  readonly name: string
  readonly mount: string
  readonly holder: string
  readonly issuedAt: number
  expiresAt: number
}

/** What is known of the world without any index: leases in the order they were made, and who lives. */
interface Model {
  now: number
  fault: Accounts['fault']
  readonly leases: Known[]
  readonly tokens: Set<string>
  readonly mounts: Set<string>
}

const MAX_MS = 3_600_000
const TOKENS = ['ann', 'bob']
const MOUNTS = ['db', 'mq']
/** After so long without faults nothing is overdue, however often it failed before. */
const SETTLED_MS = 40 * 3_600_000

type Command = fc.AsyncCommand<Model, LeaseBench>

const isLive = (model: Model, one: Known) => one.expiresAt > model.now

/** What both must agree on after every command. */
function agree(model: Model, bench: LeaseBench): void {
  assert.deepEqual(bench.check(), [])
  for (const one of model.leases) {
    const lease = bench.leases.find(one.id)
    if (!isLive(model, one)) assert.ok(!lease || lease.expiresAt <= model.now, `${one.id} outlives its end`)
    else {
      assert.equal(lease?.expiresAt, one.expiresAt)
      assert.ok(bench.accounts.names.has(one.name), `${one.name} is gone before its lease`)
    }
  }
}

function end(model: Model, which: (one: Known) => boolean): void {
  for (const one of model.leases) if (which(one)) one.expiresAt = Math.min(one.expiresAt, model.now)
}

function command(name: string, run: (model: Model, bench: LeaseBench) => Promise<void>, check: (model: Model) => boolean = () => true): Command {
  return {
    check,
    async run(model, bench) {
      await run(model, bench)
      agree(model, bench)
    },
    toString: () => name,
  }
}

const borrow = (mount: string, holder: string, ttl: number): Command =>
  command(`borrow ${mount} ${holder} ${ttl}`, async (model, bench) => {
    const before = new Set(bench.accounts.names)
    const may = model.tokens.has(holder) && model.mounts.has(mount) && model.fault === 'none'
    if (!may) return assert.rejects(bench.borrow(mount, holder, { ttl }))
    const { leased } = await bench.borrow(mount, holder, { ttl })
    const [name = ''] = [...bench.accounts.names].filter((one) => !before.has(one))
    const expiresAt = model.now + Math.min(ttl * 1000, MAX_MS)
    model.leases.push({ id: leased.id, name, mount, holder, issuedAt: model.now, expiresAt })
  })

const renew = (nth: number, increment: number): Command =>
  command(
    `renew ${nth} ${increment}`,
    async (model, bench) => {
      const one = model.leases[nth % model.leases.length] as Known
      const left = Math.floor(one.issuedAt / 1000) + MAX_MS / 1000 - Math.floor(model.now / 1000)
      if (!isLive(model, one) || model.fault !== 'none' || left <= 0) return assert.rejects(bench.renew(one.id, increment))
      await bench.renew(one.id, increment)
      one.expiresAt = model.now + Math.min(increment, left) * 1000
    },
    ({ leases }) => leases.length > 0,
  )

const revoke = (nth: number): Command =>
  command(
    `revoke ${nth}`,
    async (model, bench) => {
      const one = model.leases[nth % model.leases.length] as Known
      await bench.leases.end([one.id], model.now, true)
      end(model, (other) => other === one)
    },
    ({ leases }) => leases.length > 0,
  )

const endToken = (hash: string): Command =>
  command(`end token ${hash}`, async (model, bench) => {
    await bench.endToken(hash)
    model.tokens.delete(hash)
    end(model, ({ holder }) => holder === hash)
  })

const leave = (name: string): Command =>
  command(`mount ${name} leaves`, async (model, bench) => {
    await bench.removeMount(name)
    await bench.leave(bench.mount(name), true)
    model.mounts.delete(name)
    end(model, ({ mount }) => mount === name)
  })

const comeBack = (): Command =>
  command('tokens and mounts are there again', async (model, bench) => {
    for (const hash of TOKENS) await bench.addToken(hash)
    for (const name of MOUNTS) await bench.addMount(name)
    for (const hash of TOKENS) model.tokens.add(hash)
    for (const name of MOUNTS) model.mounts.add(name)
  })

const fault = (what: Accounts['fault']): Command =>
  command(`the target ${what}`, async (model, bench) => {
    model.fault = what
    bench.accounts.fault = what
  })

async function pass(model: Model, bench: LeaseBench, ms: number): Promise<void> {
  model.now += ms
  bench.clock.advance(ms)
  await bench.due.beat()
}

const wait = (ms: number): Command => command(`wait ${ms} ms`, (model, bench) => pass(model, bench, ms))

/** With the target at hand, all that ended is given back: what is out is exactly what is live. */
const settle = (): Command =>
  command('settle', async (model, bench) => {
    model.fault = 'none'
    bench.accounts.fault = 'none'
    for (let n = 0; n < 3; n++) await pass(model, bench, SETTLED_MS)
    const live = model.leases.filter((one) => isLive(model, one))
    assert.deepEqual([...bench.accounts.names].sort(), live.map(({ name }) => name).sort())
    assert.equal(bench.leases.count(), live.length)
  })

const seconds = fc.integer({ min: 1, max: 5_000 })
const commands = fc.commands(
  [
    fc.tuple(fc.constantFrom(...MOUNTS), fc.constantFrom(...TOKENS), seconds).map((given) => borrow(...given)),
    fc.tuple(fc.constantFrom(...MOUNTS), fc.constantFrom(...TOKENS), seconds).map((given) => borrow(...given)),
    fc.tuple(fc.nat(20), seconds).map((given) => renew(...given)),
    fc.nat(20).map(revoke),
    fc.constantFrom(...TOKENS).map(endToken),
    fc.constantFrom(...MOUNTS).map(leave),
    fc.constant(comeBack()),
    fc.constantFrom('none' as const, 'refuses' as const, 'away' as const, 'broken' as const).map(fault),
    fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 60_000, max: 4_000_000 })).map(wait),
    fc.constant(settle()),
  ],
  { maxCommands: 40 },
)

test('any history leaves the leases and accounts that the model says', async () => {
  const property = fc.asyncProperty(commands, async (history) => {
    const bench = openLeaseBench()
    const model: Model = { now: bench.clock.now(), fault: 'none', leases: [], tokens: new Set(), mounts: new Set() }
    await fc.asyncModelRun(() => ({ model, real: bench }), [comeBack(), ...history, settle()])
  })
  await fc.assert(property, { numRuns: 150 })
})
