// Logging in with a password: answers that tell nothing, lockout, names that vary, and renewal.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { coreFault } from '../../base/fault.ts'
import { openPasswords } from '../../crypto/password.ts'
import { ask, plainPasswords } from '../../testing/auth-bench.ts'
import { openBench, someToken } from '../../testing/run-op.ts'
import { userpass } from './userpass.ts'

const MINUTE = 60_000
const WRONG = { status: 400, errors: ['invalid username or password'] }
const DENIED = { status: 403, errors: ['permission denied'] }

async function openWith(user: Record<string, string | number | boolean> = {}) {
  const bench = openBench(userpass({ passwords: plainPasswords }))
  await ask(bench, 'write', 'users/ann', { password: 'right', ...user })
  const logIn = (name: string, password: string) => ask(bench, 'write', `login/${name}`, { password })
  return { bench, logIn }
}

test('a login gives what the user record says', async () => {
  const { logIn } = await openWith({ token_policies: 'Web,default', token_ttl: 60, token_num_uses: 3, token_bound_cidrs: '127.0.0.0/8' })
  assert.deepEqual(await logIn('ANN', 'right'), {
    status: 200,
    login: {
      policies: ['default', 'web'],
      limits: { type: 'default', ttl: 60, maxTtl: 0, explicitMaxTtl: 0, period: 0, numUses: 3, noDefaultPolicy: false, boundCidrs: ['127.0.0.0/8'] },
      alias: 'ann',
      displayName: 'ann',
      metadata: { username: 'ann' },
    },
  })
})

test('with real hashes', async () => {
  const bench = openBench(userpass({ passwords: openPasswords({ bytes: randomBytes }) }))
  await ask(bench, 'write', 'users/ann', { password: 'pässwörd' })
  assert.equal((await ask(bench, 'write', 'login/ann', { password: 'pässwörd' })).status, 200)
  assert.deepEqual(await ask(bench, 'write', 'login/ann', { password: 'passwort' }), WRONG)
  assert.deepEqual(await ask(bench, 'write', 'login/bob', { password: 'pässwörd' }), WRONG)
})

test('refusals', async () => {
  const { bench, logIn } = await openWith()
  assert.deepEqual(await ask(bench, 'write', 'login/ann'), { status: 400, errors: ['missing password'] })
  assert.deepEqual(await logIn('ann', ''), { status: 400, errors: ['missing password'] })
  assert.deepEqual(await logIn('ann.', 'right'), { status: 404, errors: ['unsupported path'] })
  assert.deepEqual(await ask(bench, 'read', 'login/ann'), { status: 405, errors: ['unsupported operation'] })
  await ask(bench, 'write', 'users/root', { password: 'right', token_policies: 'ROOT' })
  assert.deepEqual(await logIn('root', 'right'), { status: 400, errors: ['auth methods cannot create root tokens'] })
  await ask(bench, 'write', 'users/far', { password: 'right', token_bound_cidrs: '10.0.0.0/8' })
  assert.deepEqual(await logIn('far', 'right'), DENIED)
})

test('a name nobody has answers like a wrong password, also when locked, and costs a check too', async () => {
  const hashes: (string | undefined)[] = []
  const verify = (hash: string | undefined, password: string) => {
    hashes.push(hash)
    return plainPasswords.verify(hash, password)
  }
  const bench = openBench(userpass({ passwords: { ...plainPasswords, verify } }))
  await ask(bench, 'write', 'users/ann', { password: 'right' })
  const answers = { ann: [] as unknown[], nobody: [] as unknown[] }
  for (let guess = 0; guess < 7; guess++) {
    for (const name of ['ann', 'nobody'] as const) answers[name].push(await ask(bench, 'write', `login/${name}`, { password: 'x' }))
  }
  assert.deepEqual(answers.nobody, answers.ann)
  assert.deepEqual(answers.ann, [...Array(5).fill(WRONG), DENIED, DENIED])
  assert.equal(hashes.length, 10, 'both checked while not locked')
  assert.equal(hashes.filter((hash) => hash === undefined).length, 5)
})

test('locked, even the right password is denied; after 15 minutes it works again', async () => {
  const { bench, logIn } = await openWith()
  for (let guess = 0; guess < 5; guess++) assert.deepEqual(await logIn('ann', 'x'), WRONG)
  assert.deepEqual(await logIn('ann', 'right'), DENIED)
  bench.clock.advance(15 * MINUTE - 1)
  assert.deepEqual(await logIn('ann', 'right'), DENIED)
  bench.clock.advance(1)
  assert.equal((await logIn('ann', 'right')).status, 200)
  for (let guess = 0; guess < 4; guess++) assert.deepEqual(await logIn('ann', 'x'), WRONG)
  assert.equal((await logIn('ann', 'right')).status, 200, 'success set the counter back')
})

test('a user made anew starts without the old one’s guesses', async () => {
  const { bench, logIn } = await openWith()
  for (let guess = 0; guess < 5; guess++) await logIn('ann', 'x')
  await ask(bench, 'delete', 'users/ann')
  await ask(bench, 'write', 'users/ann', { password: 'right' })
  assert.equal((await logIn('ann', 'right')).status, 200)
})

test('guesses made side by side get no more answers than the rule allows', async () => {
  const { logIn } = await openWith()
  const guesses = await Promise.all(Array.from({ length: 64 }, (_, n) => logIn('ann', n === 63 ? 'right' : `x${n}`)))
  const statuses = guesses.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 400).length, 5)
  assert.equal(statuses.filter((status) => status === 403).length, 59, 'the right one came too late as well')
})

test('many right logins side by side all succeed', async () => {
  const { logIn } = await openWith()
  const logins = await Promise.all(Array.from({ length: 64 }, () => logIn('ann', 'right')))
  assert.ok(logins.every(({ status }) => status === 200))
})

test('a password changed while it was checked is not good any more', async () => {
  const checking = Promise.withResolvers<void>()
  const verdict = Promise.withResolvers<boolean>()
  const verify = () => {
    checking.resolve()
    return verdict.promise
  }
  const bench = openBench(userpass({ passwords: { ...plainPasswords, verify } }))
  await ask(bench, 'write', 'users/ann', { password: 'old' })
  const login = ask(bench, 'write', 'login/ann', { password: 'old' })
  await checking.promise
  await ask(bench, 'write', 'users/ann/password', { password: 'new' })
  verdict.resolve(true)
  assert.deepEqual(await login, WRONG)
})

test('variants of a name are that user, counter and alias, or nobody at all', async () => {
  const letters = { k: ['k', 'K', '\u212a'], i: ['i', 'I', 'İ', 'ı'], s: ['s', 'S', 'ſ', 'ß'] }
  const letter = (of: keyof typeof letters) => fc.constantFrom(...letters[of])
  const edge = fc.constantFrom('', '', '', ' ', '\u00a0', '\u200d', '.', '-')
  const variant = fc.tuple(edge, letter('k'), letter('i'), letter('s'), letter('s'), edge).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(fc.array(variant, { minLength: 5, maxLength: 8 }), async (variants) => {
      const { bench, logIn } = await openWith()
      await ask(bench, 'write', 'users/kiss', { password: 'right' })
      let wrong = 0
      for (const name of variants) {
        const { status } = await logIn(encodeable(name), 'x')
        if (/^kiss$/i.test(name)) assert.equal(status, wrong++ < 5 ? 400 : 403, name)
        else assert.ok(status === 404 || status === 400, name)
      }
      assert.equal((await logIn('KISS', 'right')).status, wrong < 5 ? 200 : 403)
      for (const key of bench.store.keys({ prefix: 'user/' })) assert.match(key, /^user\/(ann|kiss)$/)
    }),
    { numRuns: 100 },
  )
})

/** The path as it arrives: Kelvin signs and the like are composed away or refused by the path itself. */
function encodeable(name: string): string {
  return name.normalize('NFC') === name ? name : 'ﬀ'
}

test('renewal', async () => {
  const { bench } = await openWith({ token_policies: 'web', token_ttl: 60, token_period: 30 })
  const renew = userpass({ passwords: plainPasswords }).renew
  const token = someToken({ policies: ['default', 'web'], metadata: { username: 'ann' } })
  assert.deepEqual(renew?.(bench.ctx(), token), {
    type: 'service',
    ttl: 60,
    maxTtl: 0,
    period: 30,
    policies: ['default', 'web'],
    explicitMaxTtl: 0,
    numUses: 0,
    boundCidrs: [],
    noDefaultPolicy: false,
  })
  await ask(bench, 'write', 'users/ann', { token_policies: 'web,ops' })
  assert.throws(() => renew?.(bench.ctx(), token), coreFault('invalid', 'failed to renew entry: policies have changed, not renewing'))
  await ask(bench, 'delete', 'users/ann')
  assert.throws(() => renew?.(bench.ctx(), token), coreFault('invalid', 'failed to renew entry: user no longer exists, not renewing'))
})
