import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { combineShares, splitSecret } from './shamir.ts'

interface Foreign {
  readonly secret: string
  readonly threshold: number
  readonly shares: readonly string[]
}

const random = { bytes: (size: number) => randomBytes(size) }
const foreign: Foreign[] = JSON.parse(readFileSync(new URL('../../test/vectors/shamir.json', import.meta.url), 'utf8'))

test("OpenBao's shares combine here", async () => {
  for (const { secret, threshold, shares } of foreign) {
    const parts = shares.map((share) => Buffer.from(share, 'hex'))
    for (const chosen of [parts, parts.slice(0, threshold), parts.slice(-threshold).reverse()]) {
      assert.equal((await combineShares(chosen, random)).toString('hex'), secret)
    }
  }
})

test('any threshold of the shares gives the secret, one less does not', async () => {
  const cases = fc.record({ secret: fc.uint8Array({ minLength: 8, maxLength: 40 }), threshold: fc.integer({ min: 2, max: 6 }), extra: fc.nat(5) })
  await fc.assert(
    fc.asyncProperty(cases, fc.infiniteStream(fc.nat(10)), async ({ secret, threshold, extra }, order) => {
      const shares = await splitSecret(secret, threshold + extra, threshold, random)
      assert.ok(shares.every((share) => share.length === secret.length + 1 && share.at(-1) !== 0))
      const shuffled = shares.map((share) => ({ share, at: order.next().value })).sort((a, b) => a.at - b.at)
      const chosen = shuffled.slice(0, threshold).map(({ share }) => share)
      assert.deepEqual(await combineShares(chosen, random), Buffer.from(secret))
      if (threshold > 2) assert.notDeepEqual(await combineShares(chosen.slice(1), random), Buffer.from(secret))
    }),
    { numRuns: 60 },
  )
})

test('a sole share is a copy of the secret', async () => {
  const secret = randomBytes(32)
  const [share] = await splitSecret(secret, 1, 1, random)
  assert.ok(share)
  assert.deepEqual(await combineShares([share], random), secret)
  share.fill(0)
  assert.notDeepEqual(secret, share)
})

test('shares that cannot be of one split are refused', async () => {
  const [a, b] = (await splitSecret(randomBytes(32), 3, 2, random)) as [Buffer, Buffer, Buffer]
  const atZero = Buffer.from(b)
  atZero[32] = 0
  await assert.rejects(combineShares([a, Buffer.from(a)], random), /duplicate part detected/)
  await assert.rejects(combineShares([a, atZero], random), /x coordinate/)
  await assert.rejects(combineShares([a, b.subarray(1)], random), /same byte length/)
  await assert.rejects(combineShares([], random))
})
