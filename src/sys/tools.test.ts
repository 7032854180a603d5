import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openWorld } from '../testing/world.ts'

const world = await openWorld()
after(() => world.close())

async function drawn(path: string, data = {}): Promise<string> {
  return (await world.ok('write', `sys/tools/${path}`, data)).data.random_bytes
}

async function refused(path: string, data = {}): Promise<string> {
  const { status, body } = await world.call('write', `sys/tools/${path}`, data)
  assert.equal(status, 400)
  return body.errors[0]
}

const hello = Buffer.from('hello').toString('base64')

test('random bytes, as many as are asked for, in either format', async () => {
  assert.equal(Buffer.from(await drawn('random'), 'base64').length, 32)
  assert.equal(Buffer.from(await drawn('random/131072'), 'base64').length, 131_072)
  assert.match(await drawn('random', { bytes: 3, format: 'hex' }), /^[0-9a-f]{6}$/)
  assert.match(await drawn('random/platform/2', { format: 'hex' }), /^[0-9a-f]{4}$/)
  assert.match(await drawn('random/all', { format: 'hex' }), /^[0-9a-f]{64}$/)
  assert.notEqual(await drawn('random'), await drawn('random'))
  const { warnings } = await world.ok('write', 'sys/tools/random/seal/2')
  assert.deepEqual(warnings, ['no seal/entropy augmentation available, using platform entropy source'])
})

test('a wrong count, format or source of random bytes is refused', async () => {
  assert.equal(await refused('random/0'), "'bytes' cannot be less than 1")
  assert.equal(await refused('random/131073'), "'bytes' should be less than 131072")
  assert.equal(await refused('random/many'), 'error parsing url-set byte count: strconv.Atoi: parsing "many": invalid syntax')
  assert.equal(await refused('random', { format: 'x' }), 'unsupported encoding format "x"; must be "hex" or "base64"')
  assert.equal(await refused('random/moon/2'), 'unsupported entropy source "moon"; must be "platform" or "seal", or "all"')
})

test('hashes, by every algorithm', async () => {
  const sum = async (path: string, data = {}) => (await world.ok('write', `sys/tools/${path}`, { input: hello, ...data })).data.sum
  assert.equal(await sum('hash'), '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824')
  assert.equal(await sum('hash/sha3-256'), '3338be694f50c5f338814986cdf0686453a888b84f424d792af4b9202398f392')
  assert.equal(await sum('hash', { algorithm: 'sha2-224', format: 'base64' }), '6gmunMZ2jFD87pA+0FRVblv8g0eQfxJZiqJBkw==')
  for (const name of ['sha2-384', 'sha2-512', 'sha3-224', 'sha3-384', 'sha3-512']) assert.match(await sum(`hash/${name}`), /^[0-9a-f]{56,128}$/)
  assert.equal((await world.ok('write', 'sys/tools/hash')).data.sum, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})

test('what is no base64, no algorithm or no format is refused', async () => {
  assert.equal(await refused('hash', { input: '???' }), 'unable to decode input as base64: illegal base64 data at input byte 0')
  for (const input of ['YQ', 'YQ=', 'YQ==YQ==', 'Y===']) assert.match(await refused('hash', { input }), /^unable to decode input as base64/)
  assert.equal(await refused('hash', { input: hello, algorithm: 'md5' }), 'unsupported algorithm md5')
  assert.equal(await refused('hash', { input: hello, format: 'x' }), 'unsupported encoding format x; must be "hex" or "base64"')
})

test('the default policy may hash, and nothing else of it', async () => {
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] })
  const as = { token: auth.client_token }
  assert.equal((await world.call('write', 'sys/tools/hash', { input: hello }, as)).status, 200)
  assert.equal((await world.call('write', 'sys/tools/random', {}, as)).status, 403)
})
