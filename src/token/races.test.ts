// Two processes act on one token at the same time, in every order that their commits can take: each outcome is one that some order of
// the two, one after the other, would have had.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Token } from '../contract/token.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { type Fate, faulty } from '../store/faulty.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { someToken } from '../testing/run-op.ts'
import { type Found, tidy } from './tidy.ts'
import { openTokens, type Tokens } from './tokens.ts'
import { openWrapping, type Wrapping } from './wrapping.ts'

const BOUNDS = { defaultTtl: 100, maxTtl: 1000 }
const LAGS = [0, 1, 2, 3, 5, 8]

interface Race {
  readonly one: Tokens
  readonly other: Tokens
  readonly parent: Token
  /** Wrapping as each of the two does it. */
  readonly wrappings: readonly [Wrapping, Wrapping]
  child(tokens: Tokens): Promise<Token>
  /** What does not fit together afterwards. */
  tidied(): Promise<Found>
}

/** Each of the two waits so many turns before each of its commits. */
async function start(lags: readonly [number, number], parentIs: Partial<Token> = {}, store: Store = memory({ timers: stillTimers })): Promise<Race> {
  const clock = settableClock()
  const view = (lag: number) => {
    const slow = lagging(store, lag)
    const random = { bytes: (size: number) => randomBytes(size) }
    const own = { store: slow, follower: follow(slow), namespaces: { idOf: () => 'root', alive: () => true } }
    const deps = { ...own, clock, random, hashKey: secretKey(Buffer.alloc(32)), mountAlive: () => true, cemetery: async () => {} }
    const tokens = openTokens(deps)
    return { tokens, wrapping: openWrapping({ tokens, store: slow, place: (hash) => `kept/${hash}` }) }
  }
  const [first, second] = [view(lags[0]), view(lags[1])]
  const [one, other] = [first.tokens, second.tokens]
  const plain = { mountAccessor: '', ttl: 100, renewable: true }
  const { token: parent } = await one.mint(someToken({ ...plain, ...parentIs }))
  const deps = {
    store,
    namespaceId: 'root',
    living: (hash: string) => one.byHash(hash),
    end: (token: Token) => one.revoke(token),
    owners: () => [],
    cemetery: async () => {},
  }
  return {
    one,
    other,
    parent,
    wrappings: [first.wrapping, second.wrapping],
    child: async (tokens) => (await tokens.mint(someToken({ ...plain, parent: parent.hash, orphan: false }))).token,
    tidied: () => tidy({ ...deps, turn: async () => {} }),
  }
}

const lagging = (store: Store, lag: number): Store =>
  faulty(store, {
    async fate(): Promise<Fate> {
      for (let turn = 0; turn < lag; turn++) await stillTimers.turn()
      return 'commit'
    },
  })

async function everyOrder(run: (lags: readonly [number, number]) => Promise<void>): Promise<void> {
  for (const one of LAGS) for (const other of LAGS) await run([one, other])
}

const NOTHING: Found = { ended: 0, added: 0, removed: 0, wiped: 0 }

const made = (settled: PromiseSettledResult<Token>) => (settled.status === 'fulfilled' ? settled.value : undefined)

test('a child made while its parent is revoked is refused, or ends with it', async () => {
  await everyOrder(async (lags) => {
    const { one, other, parent, child, tidied } = await start(lags)
    const [born] = await Promise.allSettled([child(other), one.revoke(parent)])
    const token = made(born)
    if (!token) assert.equal((born as PromiseRejectedResult).reason.message, 'parent token not found')
    else assert.deepEqual([one.byHash(token.hash), other.byHash(token.hash)], [undefined, undefined])
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('a child made while its parent is revoked as an orphan maker is refused, or lives on without it', async () => {
  await everyOrder(async (lags) => {
    const { one, other, parent, child, tidied } = await start(lags)
    const elder = await child(one)
    const [born] = await Promise.allSettled([child(other), one.revokeOrphan(parent)])
    const token = made(born)
    for (const tokens of [one, other]) {
      assert.equal(tokens.byHash(parent.hash), undefined)
      assert.equal(tokens.byHash(elder.hash)?.orphan, true)
      if (token) assert.equal(tokens.byHash(token.hash)?.orphan, true)
    }
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('a use and a renewal both count', async () => {
  await everyOrder(async (lags) => {
    const { one, other, parent, tidied } = await start(lags, { numUses: 5 })
    await Promise.all([one.renew(parent, { increment: 500 }, BOUNDS), other.use(parent), other.use(parent)])
    const after = one.byHash(parent.hash)
    assert.deepEqual([after?.numUses, after?.expiresAt], [3, parent.createdAt + 500_000])
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('a renewal never revives what is revoked, nor a use', async () => {
  await everyOrder(async (lags) => {
    const { one, other, parent, tidied } = await start(lags, { numUses: 2 })
    await Promise.allSettled([other.renew(parent, { increment: 500 }, BOUNDS), other.use(parent), one.revoke(parent)])
    assert.deepEqual([one.byHash(parent.hash), other.byHash(parent.hash)], [undefined, undefined])
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('what a token holds is taken, or the token is used otherwise, never both', async () => {
  await everyOrder(async (lags) => {
    const { one, other, wrappings, tidied } = await start(lags)
    const content = { response: '{}' }
    const { token } = await wrappings[0].wrap({ content, ttl: 60, path: 'kv/a', namespace: '' })
    const [taken, used] = await Promise.allSettled([wrappings[0].take(token), other.use(token)])
    const isUsed = used.status === 'fulfilled' && used.value !== undefined
    assert.equal(taken.status === 'fulfilled', !isUsed)
    if (taken.status === 'rejected') assert.equal(taken.reason.message, 'wrapping token is not valid or does not exist')
    const [rest] = await Promise.allSettled([wrappings[1].take(token)])
    assert.equal(rest.status, 'rejected')
    if (isUsed) await one.revoke(token)
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('what a token holds is taken or passed on by one of two', async () => {
  await everyOrder(async (lags) => {
    const { wrappings, tidied } = await start(lags)
    const content = { response: '{}' }
    const { token } = await wrappings[0].wrap({ content, ttl: 60, path: 'kv/a', namespace: '' })
    const [taken, passed] = await Promise.allSettled([wrappings[0].take(token), wrappings[1].rewrap(token, 'sys/wrapping/rewrap', undefined)])
    assert.notEqual(taken.status, passed.status)
    if (passed.status === 'fulfilled') assert.deepEqual(await wrappings[0].take(passed.value.token), content)
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('two that revoke, with and without the children, agree in the end', async () => {
  await everyOrder(async (lags) => {
    const { one, other, parent, child, tidied } = await start(lags)
    const [first, second] = [await child(one), await child(one)]
    await Promise.all([one.revoke(parent), other.revokeOrphan(parent)])
    for (const { hash } of [first, second]) assert.equal(one.byHash(hash)?.hash, other.byHash(hash)?.hash)
    assert.equal(one.byHash(parent.hash), undefined)
    assert.deepEqual(await tidied(), NOTHING)
  })
})

test('a revocation that a crash cuts short at any commit is finished by the next sweep, and works at once', async () => {
  for (const how of ['revoke', 'revokeOrphan'] as const) {
    for (let last = 1; last < 12; last++) {
      const store = memory({ timers: stillTimers })
      const { one, parent, child, tidied } = await start([0, 0], {}, store)
      const [first] = [await child(one), await child(one)]
      const dying = await start([0, 0], {}, faulty(store, { fate: (nth) => (nth > last ? 'refuse' : 'commit') }))
      const [cut] = await Promise.allSettled([dying.one[how](parent)])
      const begun = one.byHash(parent.hash) === undefined
      if (begun && how === 'revoke') assert.equal(one.byHash(first.hash), undefined)
      if (cut.status === 'fulfilled') assert.ok(begun)
      await one.sweep(100)
      if (begun) assert.equal(one.byHash(first.hash)?.orphan, how === 'revoke' ? undefined : true)
      assert.deepEqual(await tidied(), NOTHING)
    }
  }
})
