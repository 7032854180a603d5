// What tidy finds and repairs, each kind of damage done by hand below the barrier of a whole server; and what it leaves alone.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { memory } from '../store/memory.ts'
import { follow } from '../store/follow.ts'
import type { Token } from '../contract/token.ts'
import { transact } from '../store/transact.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { someToken } from '../testing/run-op.ts'
import { openTokenWorld } from '../testing/token-world.ts'
import { accessors, children, dead, due, ids, places } from './index-keys.ts'
import { tidy, type TidyDeps } from './tidy.ts'
import { openTokens } from './tokens.ts'

function open() {
  const store = memory({ timers: stillTimers })
  const clock = settableClock()
  const owned = new Set<string>()
  const gone = new Set<string>()
  const random = { bytes: (size: number) => randomBytes(size) }
  const own = { store, follower: follow(store), namespaces: { idOf: () => 'root', alive: () => true } }
  const mountAlive = ({ mountAccessor }: Token) => !gone.has(mountAccessor)
  const cemetery = async (hash: string) => void owned.delete(hash)
  const tokens = openTokens({ ...own, clock, random, hashKey: secretKey(Buffer.alloc(32)), mountAlive, cemetery })
  const deps: TidyDeps = {
    store,
    namespaceId: 'root',
    living: (hash) => tokens.byHash(hash),
    end: (token) => tokens.revoke(token),
    owners: (after, limit) =>
      [...owned]
        .sort()
        .filter((hash) => hash > after)
        .slice(0, limit),
    cemetery,
    turn: async () => {},
  }
  const make = async (more: Parameters<typeof someToken>[0] = {}) => (await tokens.mint(someToken({ mountAccessor: '', ttl: 60, ...more }))).token
  return { store, clock, tokens, deps, make, owned, gone }
}

const NOTHING = { ended: 0, added: 0, removed: 0, wiped: 0 }

describe('tidy', () => {
  test('finds nothing where all is well', async () => {
    const { deps, make, owned, store } = open()
    const parent = await make()
    for (let n = 0; n < 250; n++) owned.add((await make({ parent: parent.hash, orphan: false })).hash)
    const { revision } = store
    assert.deepEqual(await tidy(deps), NOTHING)
    assert.equal(store.revision, revision)
    assert.equal(owned.size, 250)
  })

  test('completes the indexes of a token', async () => {
    const { deps, make, store, tokens } = open()
    const parent = await make()
    const child = await make({ parent: parent.hash, orphan: false })
    await transact(store, (tx) => {
      accessors.delete(tx, child.accessor)
      children.delete(tx, parent.hash, child.hash)
      due.delete(tx, child)
      places.delete(tx, child)
    })
    assert.deepEqual(await tidy(deps), { ...NOTHING, added: 4 })
    assert.equal(tokens.byAccessor(child.accessor, '')?.hash, child.hash)
    await tokens.revoke(parent)
    assert.equal(ids.get(store, child.hash), undefined)
  })

  test('removes entries that lead nowhere', async () => {
    const { deps, make, store } = open()
    const token = await make()
    await transact(store, (tx) => {
      accessors.put(tx, someToken({ accessor: 'gone', hash: 'nobody' }))
      accessors.put(tx, { ...token, accessor: 'other' })
      children.put(tx, token.hash, 'nobody')
      children.put(tx, 'nobody', token.hash)
      due.put(tx, { ...token, expiresAt: 1 })
      due.put(tx, someToken({ hash: 'nobody', expiresAt: 9e12 }))
      places.put(tx, { ...token, path: 'auth/elsewhere' })
      places.put(tx, someToken({ hash: 'nobody' }))
    })
    assert.deepEqual(await tidy(deps), { ...NOTHING, removed: 8 })
    assert.deepEqual(await tidy(deps), NOTHING)
    assert.equal(accessors.get(store, token.accessor), token.hash)
  })

  test('ends tokens that no longer work: without parent or mount, used up, expired', async () => {
    const { deps, make, store, gone, clock } = open()
    const lost = await make({ parent: (await make()).hash, orphan: false })
    const child = await make({ parent: lost.hash, orphan: false })
    await make({ mountAccessor: 'auth_gone' })
    const used = await make({ numUses: 1 })
    await make({ ttl: 10 })
    const good = await make()
    gone.add('auth_gone')
    clock.advance(20_000)
    await transact(store, (tx) => {
      ids.delete(tx, lost.parent as string)
      ids.put(tx, { ...used, numUses: -1 })
    })
    const found = await tidy(deps)
    // The child ends with its parent, or by itself where it comes first.
    assert.equal(found.ended === 4 || found.ended === 5, true)
    assert.equal(ids.get(store, child.hash), undefined)
    assert.deepEqual(ids.page(store, 'root'), [good.hash])
    assert.deepEqual(await tidy(deps), NOTHING)
  })

  test('wipes what belonged to the gone, and only that', async () => {
    const { deps, make, owned, store } = open()
    const token = await make()
    owned.add(token.hash).add('nobody').add('dying')
    await transact(store, (tx) => dead.put(tx, 'dying', 'end'))
    assert.deepEqual(await tidy(deps), { ...NOTHING, wiped: 1 })
    assert.deepEqual([...owned], [token.hash, 'dying'])
  })

  test('leaves to those who bury a parent what becomes of its children', async () => {
    const { deps, make, store, tokens } = open()
    const parent = await make()
    const child = await make({ parent: parent.hash, orphan: false })
    const grandchild = await make({ parent: child.hash, orphan: false })
    await transact(store, (tx) => {
      ids.delete(tx, parent.hash)
      accessors.delete(tx, parent.accessor)
      due.delete(tx, parent)
      places.delete(tx, parent)
      dead.put(tx, parent.hash, 'orphan')
    })
    assert.deepEqual(await tidy(deps), NOTHING)
    await tokens.sweep(10)
    assert.deepEqual([tokens.byHash(child.hash)?.orphan, tokens.byHash(grandchild.hash)?.parent], [true, child.hash])
  })
})

test('auth/token/tidy answers at once, and works in the background', async () => {
  const world = await openTokenWorld()
  const { status, body } = await world.call('write', 'auth/token/tidy')
  assert.equal(status, 202)
  assert.deepEqual(body.warnings, [
    "Tidy operation successfully started. Any information from the operation will be printed to Signet's server logs.",
  ])
  const again = await world.call('write', 'auth/token/tidy')
  assert.deepEqual([again.status, again.body.warnings], [200, ['Tidy operation already in progress.']])
})
