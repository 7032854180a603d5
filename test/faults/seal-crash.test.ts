// Whoever holds the seal is killed at random moments of rekeys and rotations: shares that somebody was told open what is left.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { clock, random } from '../../src/app/ports.ts'
import { barrier } from '../../src/seal/barrier.ts'
import { checkSeal } from '../../src/seal/check-seal.ts'
import { Keyring } from '../../src/seal/keyring.ts'
import { openSealer } from '../../src/seal/sealer.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import type { Store } from '../../src/store/store.ts'
import { stillTimers as timers } from '../../src/testing/clock.ts'
import { start } from './lines.ts'
import { seeded } from './seeded.ts'

const STORES = 6
const ROUNDS = 20
const folder = mkdtempSync(join(tmpdir(), 'seal-crash-'))
after(() => rmSync(folder, { recursive: true }))

const paths = Array.from({ length: STORES }, (_, n) => join(folder, `${n}`))
const ports = { clock, random, timers }

function open(path: string): Promise<Store> {
  return openLmdb({ path, timers, onUnknown: (reason) => assert.fail(reason) })
}

async function initialised(path: string): Promise<string> {
  const store = await open(path)
  const shares = await openSealer(store, new Keyring(), ports).init({ shares: 3, threshold: 2 })
  await store.close()
  return shares.map((share) => share.toString('hex')).join()
}

/** The shares that open each store, by its folder. */
type Shares = ReadonlyMap<string, string>

/** Lets one process work on all stores for a while; returns for each every set of shares that was told, after the one it was given. */
async function crash(shares: Shares, lines: number): Promise<Map<string, string[]>> {
  const told = new Map([...shares].map(([path, known]) => [path, [known]]))
  let heard = 0
  const child = start('keyholder.ts', [...shares].flat(), (line) => {
    const [path = '', word, more = ''] = line.split(' ')
    if (word === 'shares') told.get(path)?.push(more)
    if (++heard > lines) child.kill('SIGKILL')
  })
  assert.deepEqual(await child.ended, { code: null, signal: 'SIGKILL' })
  return told
}

/** The newest of the sets that were told which opens it. Only the last two can. */
async function opening(path: string, told: readonly string[]): Promise<string> {
  const store = await open(path)
  try {
    for (const shares of told.slice(-2).reverse()) {
      const keyring = new Keyring()
      const sealer = openSealer(store, keyring, ports)
      for (const share of shares.split(',')) await sealer.unseal(Buffer.from(share, 'hex')).catch(() => {})
      if (keyring.sealed) continue
      assert.deepEqual(checkSeal(store, keyring), [])
      for (const { value } of barrier(store, keyring, random).range({ prefix: 'data/' })) assert.match(value.toString(), /^\d+$/)
      keyring.close()
      return shares
    }
    return assert.fail('no shares that were told open it')
  } finally {
    await store.close()
  }
}

test(`${STORES * ROUNDS} rounds of killed rekeys and rotations`, { timeout: 300_000 }, async (t) => {
  const { seed, random: choose } = seeded()
  t.diagnostic(`seed ${seed}`)
  let rekeys = 0
  let shares: Shares = new Map(await Promise.all(paths.map(async (path) => [path, await initialised(path)] as const)))
  for (let round = 0; round < ROUNDS; round++) {
    const opened = new Map<string, string>()
    for (const [path, told] of await crash(shares, choose(10 * STORES))) {
      rekeys += told.length - 1
      opened.set(path, await opening(path, told))
    }
    shares = opened
  }
  t.diagnostic(`${rekeys} rekeys`)
  assert.ok(rekeys > STORES * ROUNDS)
})
