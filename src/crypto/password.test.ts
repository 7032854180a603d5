// Password hashing: round trip, equal work for nobody, and the bound on how many wait.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseOptions } from '@node-rs/argon2'
import { ARGON2, NOBODY, openPasswords } from './password.ts'

const random = { bytes: randomBytes }

test('a password is right for its own hash only', async () => {
  const passwords = openPasswords(random)
  const [one, two] = await Promise.all([passwords.hash('pässword'), passwords.hash('pässword')])
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.notEqual(one, two)
  assert.equal(await passwords.verify(one, 'pässword'), true)
  assert.equal(await passwords.verify(one, 'pässworD'), false)
  assert.equal(await passwords.verify(one, ''), false)
})

test('nobody has no password, and checking one costs what checking a user costs', async () => {
  const passwords = openPasswords(random)
  const cost = (hash: string) => {
    const { algorithm, version, saltLen, ...params } = parseOptions(hash)
    return { algorithm, version, saltLen, ...params }
  }
  assert.deepEqual(cost(NOBODY), cost(await passwords.hash('any')))
  assert.deepEqual({ ...cost(NOBODY), ...ARGON2 }, cost(NOBODY))
  assert.equal(await passwords.verify(undefined, 'any'), false)
})

test('of a flood some run, some wait, and the rest are turned away', async () => {
  const passwords = openPasswords(random, { running: 1, waiting: 2 })
  const outcomes = await Promise.allSettled(Array.from({ length: 6 }, () => passwords.verify(undefined, 'x')))
  assert.deepEqual(
    outcomes.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code)),
    [false, false, false, 'throttled', 'throttled', 'throttled'],
  )
  assert.equal(await passwords.verify(undefined, 'x'), false, 'places are free again')
})

test('a place is given back when the work fails', async () => {
  const passwords = openPasswords(random, { running: 1, waiting: 0 })
  await assert.rejects(passwords.verify('no hash', 'x'))
  assert.equal(await passwords.verify(undefined, 'x'), false)
})
