// Two processes that change everything at once, or one that changes the keys besides, are killed at random moments, again and again:
// no half state is left, nothing acknowledged is lost, shares that somebody was told open what is left, and the next process
// finishes what was cut short. SIGNET_STORM_ROUNDS sets how often.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fsck } from '../../src/app/fsck.ts'
import { Fault } from '../../src/base/fault.ts'
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { openWorld, type World } from '../../src/testing/world.ts'
import { type Child, start } from './lines.ts'
import { seeded } from './seeded.ts'

const ROUNDS = Number(process.env['SIGNET_STORM_ROUNDS'] ?? (process.env['CI'] === 'true' ? 40 : 15))

const open = (path: string) => openLmdb({ path, timers, onUnknown: (reason) => assert.fail(reason) })

interface Keys {
  /** As somebody was told, in hex; the last two may be good. */
  readonly shares: string[]
  readonly token: string
}

async function initialise(path: string): Promise<Keys> {
  const world = await openWorld({ store: await open(path) })
  await world.ok('write', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'sys/auth/approle', { type: 'approle' })
  const keys = { shares: [world.share.toString('hex')], token: world.rootToken }
  await world.close()
  return keys
}

/** What opens it now is the one that stays. */
async function assertSound(path: string, { shares, token }: Keys, kept: ReadonlySet<string>, at: string): Promise<void> {
  const world = await openWorld({ store: await open(path), blank: true })
  const opening = shares.slice(-2).reverse()
  for (const share of opening) if (world.keyring.sealed && (await opens(world, share))) shares.push(share)
  assert.equal(world.keyring.sealed, false, at)
  const { findings, records } = fsck(world)
  assert.deepEqual(findings, [], at)
  assert.ok(records > 10)
  for (const name of kept) assert.equal((await world.call('read', `kv/data/kept/${name}`, {}, { token })).status, 200, `${name}, ${at}`)
  await world.close()
}

async function opens({ sealer }: World, share: string): Promise<boolean> {
  try {
    return !(await sealer.unseal(Buffer.from(share, 'hex'))).sealed
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

test(`${ROUNDS} rounds of a storm`, { timeout: 3_600_000 }, async (t) => {
  const { seed, random } = seeded()
  t.diagnostic(`seed ${seed}`)
  const path = mkdtempSync(join(tmpdir(), 'storm-'))
  t.after(() => rmSync(path, { recursive: true }))
  const keys = await initialise(path)
  const kept = new Set<string>()
  for (let round = 0; round < ROUNDS; round++) {
    const children: Child[] = []
    let lines = 0
    // Some are killed before they are unsealed, some while they are, most in the middle of their work.
    const until = random(6) === 0 ? random(3) : 3 + random(50)
    const heard = (line: string): void => {
      const [word, name] = line.split(' ')
      if (word === 'kept' && name !== undefined) kept.add(name)
      if (word === 'share' && name !== undefined) keys.shares.push(name)
      lines++
      if (lines >= until) for (const one of children) one.kill('SIGKILL')
    }
    const names = random(2) === 0 ? ['a'] : ['a', 'b']
    for (const name of names) {
      const args = [path, keys.shares.at(-1) as string, keys.token, random(1 << 30), `${round}${name}`, names.length === 1 ? 'alone' : '']
      children.push(start('storm-process.ts', args, heard))
    }
    if (until === 0) for (const one of children) one.kill('SIGKILL')
    for (const { ended } of children) assert.deepEqual(await ended, { code: null, signal: 'SIGKILL' })
    await assertSound(path, keys, kept, `round ${round}, seed ${seed}`)
  }
  t.diagnostic(`${kept.size} writes acknowledged, none lost`)
})
