// Recovery mode: one token for those who hold the shares, what is stored to repair with it, and nothing else to anybody.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { parsePath } from '../base/path.ts'
import { Secret } from '../base/secret.ts'
import type { Received, Verb } from '../contract/call.ts'
import { Keyring } from '../seal/keyring.ts'
import { SealSet } from '../seal/seal-set.ts'
import type { Seal } from '../seal/wrapper.ts'
import { decodeToken } from '../seal/token-guard.ts'
import type { Store } from '../store/store.ts'
import { memory } from '../store/memory.ts'
import { settableClock, stillTimers as timers } from '../testing/clock.ts'
import { fakeSeal } from '../testing/fake-seal.ts'
import { openLogs } from '../telemetry/log.ts'
import { openWorld } from '../testing/world.ts'
import { bootstrap } from './bootstrap.ts'
import { openPgp } from './openpgp.ts'
import { openRecovery } from './recovery.ts'
import { openSealParts } from './seal-parts.ts'
import { silent } from '../base/log.ts'

const random = { bytes: (size: number) => randomBytes(size) }

/** A server in recovery mode over a store; `call` answers status and body. */
function recovering(store: Store, seals: readonly Seal[] = []) {
  const lines: string[] = []
  const clock = settableClock()
  const { log } = openLogs({ level: 'info', format: 'json', clock, write: (line) => void lines.push(line) })
  const keyring = new Keyring()
  const { sealer } = openSealParts(store, keyring, { clock, random, timers }, silent, new SealSet(seals, silent))
  const handle = openRecovery({ store, keyring, sealer, ports: { clock, random }, pgp: openPgp, storageType: 'inmem', log })

  async function call(verb: Verb, path: string, data: JsonObject = {}, token = '', more: Partial<Received> = {}) {
    const answer = await handle({
      id: 'r1',
      at: clock.now(),
      verb,
      path: parsePath(verb === 'list' ? `${path}/` : path),
      namespace: '',
      query: verb === 'write' ? {} : data,
      body: verb === 'write' ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0),
      contentType: 'application/json',
      peer: { address: '127.0.0.1', port: 40_000 },
      wrapTtl: undefined,
      token: token === '' ? undefined : new Secret(token),
      ...more,
    })
    const text = answer.body.toString()
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  async function tokenFor(...shares: Buffer[]): Promise<string> {
    const { otp, nonce } = (await call('write', `${MAKE}/attempt`)).body
    let told: any
    for (const share of shares) told = (await call('write', `${MAKE}/update`, { key: share.toString('hex'), nonce })).body
    assert.equal(told.complete, true, JSON.stringify(told))
    return decodeToken(told.encoded_token, otp)
  }
  return { call, tokenFor, lines, sealer, keyring }
}

const MAKE = 'sys/generate-recovery-token'

/** A store with shares of its own, and something in it. */
async function split(shares: number, threshold: number, seals: readonly Seal[] = [], recoveryOpens = false) {
  const clock = settableClock()
  const store = memory({ timers })
  const { sealer } = openSealParts(store, new Keyring(), { clock, random, timers }, silent, new SealSet(seals, silent))
  const prepare = async (inside: Store) => void (await bootstrap(inside, { clock, random }))
  return { store, shares: (await sealer.init({ shares, threshold, recoveryOpens, prepare })).map((share) => Buffer.from(share)) }
}

test('shares make one token, told as root tokens are, and only once', async () => {
  const { store, shares } = await split(3, 2)
  const { call, sealer } = recovering(store)
  const [a, b] = shares.map((share) => share.toString('hex')) as [string, string, string]
  const idle = {
    nonce: '',
    started: false,
    progress: 0,
    required: 2,
    complete: false,
    encoded_token: '',
    encoded_root_token: '',
    pgp_fingerprint: '',
    otp: '',
    otp_length: 28,
  }
  assert.deepEqual((await call('read', `${MAKE}/attempt`)).body, idle)
  assert.deepEqual((await call('write', `${MAKE}/update`, { key: a, nonce: 'x' })).body.errors, ['no root generation in progress'])
  assert.deepEqual((await call('write', `${MAKE}/attempt`, { otp: 'short' })).body.errors, ['OTP string has incorrect length'])
  const otp = 'x'.repeat(28)
  const { nonce, ...begun } = (await call('write', `${MAKE}/attempt`, { otp })).body
  assert.deepEqual({ ...begun, nonce: '' }, { ...idle, started: true })
  assert.deepEqual((await call('write', `${MAKE}/attempt`)).body.errors, ['root generation already in progress'])

  const update = async (key: string | undefined, more = nonce) => (await call('write', `${MAKE}/update`, { key: key ?? null, nonce: more })).body
  assert.deepEqual((await update(a, 'other')).errors, [`incorrect nonce supplied; nonce for this root generation operation is "${nonce}"`])
  assert.deepEqual((await update(undefined)).errors, ["'key' must be specified in request body as JSON"])
  assert.equal((await update(a)).progress, 1)
  assert.deepEqual((await update(a)).errors, ['given key has already been provided during this generation operation'])
  assert.equal((await call('read', `${MAKE}/attempt`)).body.progress, 1)
  assert.equal(sealer.status().sealed, true)
  const { encoded_token: encoded, ...told } = await update(b)
  const { encoded_token: _, ...done } = { ...idle, nonce, started: true, progress: 2, complete: true, otp_length: 0 }
  assert.deepEqual(told, done, 'no root token')
  const token = decodeToken(encoded, otp)
  assert.match(token, /^hvr\.[0-9A-Za-z]{24}$/)
  assert.equal((await call('list', 'sys/raw', {}, token)).status, 200)

  const none = ['attempted to generate recovery operation token when already unsealed']
  assert.deepEqual((await call('read', `${MAKE}/attempt`)).body, idle)
  for (const verb of ['write', 'delete'] as const) assert.deepEqual((await call(verb, `${MAKE}/attempt`)).body.errors, none)
  assert.deepEqual((await update(a)).errors, none)
})

test('shares that do not fit have to be given again, and what was begun can be given up', async () => {
  const { store, shares } = await split(3, 2)
  const { call, tokenFor, sealer } = recovering(store)
  const { nonce } = (await call('write', `${MAKE}/attempt`)).body
  const update = (share: Uint8Array) => call('write', `${MAKE}/update`, { key: Buffer.from(share).toString('base64'), nonce })
  await update(shares[0] as Buffer)
  const wrong = await update(randomBytes(33))
  assert.equal(wrong.status, 400)
  assert.match(wrong.body.errors[0], /^(?:unable to retrieve stored keys: )?invalid key/)
  assert.equal((await call('read', `${MAKE}/attempt`)).body.progress, 0)
  assert.equal(sealer.status().sealed, true)
  await update(shares[1] as Buffer)
  assert.equal((await call('delete', `${MAKE}/attempt`)).status, 204)
  assert.deepEqual((await update(shares[2] as Buffer)).body.errors, ['no root generation in progress'])
  assert.equal((await call('read', `${MAKE}/attempt`)).body.progress, 0)
  assert.match(await tokenFor(shares[0] as Buffer, shares[2] as Buffer), /^hvr\./)
})

test('of shares that come at once each counts once, and one token comes of them', async () => {
  const { store, shares } = await split(4, 3)
  const { call } = recovering(store)
  const { nonce } = (await call('write', `${MAKE}/attempt`)).body
  const all = await Promise.all([...shares, ...shares].map((share) => call('write', `${MAKE}/update`, { key: share.toString('hex'), nonce })))
  assert.equal(all.filter(({ body }) => body.complete).length, 1)
})

test('nothing is served but health, the seal’s status and the token, and raw storage to nobody without it', async () => {
  const { store, shares } = await split(1, 1)
  const { call, tokenFor, lines } = recovering(store)
  const check = async (token: string) => {
    const health = await call('read', 'sys/health')
    assert.equal(health.status, 503)
    assert.deepEqual([health.body.initialized, health.body.sealed, health.body.recovery_mode], [true, true, true])
    assert.equal((await call('read', 'sys/leader')).status, 200, 'which clients ask for the status')
    const seal = await call('read', 'sys/seal-status')
    assert.deepEqual([seal.status, seal.body.sealed, seal.body.recovery_mode, seal.body.t], [200, true, true, 1])
    for (const path of ['sys/mounts', 'secret/a', 'sys/unseal', 'sys/init', 'sys/seal', 'sys/generate-root/attempt', 'auth/token/lookup-self']) {
      for (const verb of ['read', 'write'] as const) assert.equal((await call(verb, path, {}, token)).status, 503, path)
    }
    assert.equal((await call('patch', `${MAKE}/attempt`, {}, token)).status, 405)
    for (const verb of ['read', 'write', 'delete', 'list'] as const) {
      for (const other of ['', 'hvr.guess', 'root']) {
        const { status, body } = await call(verb, 'sys/raw/ns/root/core/cluster', {}, other)
        assert.deepEqual([status, body], [403, { errors: ['permission denied'] }])
      }
    }
  }
  await check('')
  const token = await tokenFor(...shares)
  await check(token)
  const named = await call('read', 'sys/raw/ns/root/core/cluster', {}, token, { namespace: 'team' })
  assert.deepEqual([named.status, named.body.errors], [400, ['operation unavailable in namespaces']])
  assert.equal((await call('read', 'sys/raw/ns/root/core/cluster', {}, token, { wrapTtl: 60 })).status, 400)
  const log = lines.join('')
  assert.equal(log.includes(token), false)
  assert.equal(log.includes((shares[0] as Buffer).toString('hex')), false)
})

test('what is stored is listed, read, written and deleted, and each use is logged without its value', async () => {
  const { store, shares } = await split(1, 1)
  const { call, tokenFor, lines } = recovering(store)
  const token = await tokenFor(...shares)
  const raw = (verb: Verb, path: string, data: JsonObject = {}) => call(verb, path === '' ? 'sys/raw' : `sys/raw/${path}`, data, token)
  const names = async (path: string, data: JsonObject = {}) => (await raw('list', path, data)).body.data?.keys
  assert.deepEqual(await names(''), ['core/', 'ns/', 'slices'])
  assert.deepEqual(await names('ns/root/mount', { after: 'auth/', limit: 1 }), ['cubbyhole/'])
  assert.equal((await raw('list', 'nope')).status, 404)

  assert.match((await raw('read', 'ns/root/core/cluster')).body.data.value, /^\{"name":"signet-/)
  const mount = JSON.parse((await raw('read', 'ns/root/mount/sys')).body.data.value)
  assert.equal(mount.path, 'sys/', 'a key that ends in a slash')
  assert.equal((await raw('read', '', { key: 'ns/root/mount/sys/' })).status, 200)
  assert.equal((await raw('read', 'nope')).status, 404)

  assert.equal((await raw('write', 'ns/root/mount/sys', { value: '{"changed":"s3cr3t"}' })).status, 204)
  assert.equal((await raw('read', '', { key: 'ns/root/mount/sys/' })).body.data.value, '{"changed":"s3cr3t"}')
  assert.equal((await raw('write', 'made', { value: Buffer.from([0xff, 0]).toString('base64'), encoding: 'base64' })).status, 204)
  assert.deepEqual((await raw('read', 'made')).body.errors, ['the value of "made" is no text: read it with encoding=base64'])
  assert.equal((await raw('read', 'made', { encoding: 'base64', compressed: 'false' })).body.data.value, '/wA=')
  assert.equal((await raw('delete', 'made')).status, 204)
  assert.equal((await raw('delete', 'made')).status, 204)
  assert.equal((await raw('read', 'made')).status, 404)
  assert.equal((await raw('write', '', { key: 'ns/root/mount/new/', value: '1' })).status, 204)
  assert.ok((await names('ns/root/mount')).includes('new/'))

  const uses = lines.map((line) => JSON.parse(line)).filter((line) => line['@message'] === 'raw storage was asked for')
  assert.deepEqual(
    uses.slice(-2).map(({ operation, path, remote_address: from, request_id: id }) => [operation, path, from, id]),
    [
      ['write', 'ns/root/mount/new/', '127.0.0.1', 'r1'],
      ['list', 'ns/root/mount/', '127.0.0.1', 'r1'],
    ],
  )
  assert.equal(lines.join('').includes('s3cr3t'), false)
})

test('bad input is refused and changes nothing', async () => {
  const { store, shares } = await split(1, 1)
  const { call, tokenFor } = recovering(store)
  const token = await tokenFor(...shares)
  const before = store.revision
  const refused: [Verb, string, JsonObject, string][] = [
    ['read', 'slices', { encoding: 'hex' }, 'invalid encoding "hex"'],
    ['read', '', {}, "name one key, in the path or as 'key'"],
    ['read', 'slices', { key: 'slices' }, "name one key, in the path or as 'key'"],
    ['delete', '', {}, "name one key, in the path or as 'key'"],
    ['write', 'x', {}, 'missing value'],
    ['write', 'x', { value: '%%%', encoding: 'base64' }, 'illegal base64 data'],
    ['write', 'x', { value: 'a', compression_type: 'gzip' }, 'invalid compression type "gzip": values are stored as they are'],
    ['write', '', { key: 'x'.repeat(2_000), value: 'a' }, 'a key must be 1 to 1900 bytes of well-formed text'],
    ['read', 'core/barrier/root-key', {}, 'cannot access "core/barrier/root-key"'],
    ['write', 'core/seal/config', { value: 'a' }, 'cannot access "core/seal/config"'],
    ['delete', '', { key: 'core/seal/keyring' }, 'cannot access "core/seal/keyring"'],
    ['list', 'core', {}, 'cannot access "core/"'],
    ['delete', 'ns/root/seal/abcdef/config', {}, 'cannot access "ns/root/seal/abcdef/config"'],
  ]
  for (const [verb, path, data, text] of refused) {
    const { status, body } = await call(verb, path === '' ? 'sys/raw' : `sys/raw/${path}`, data, token)
    assert.deepEqual([status, body.errors], [400, [text]], `${verb} ${path}`)
  }
  assert.equal((await call('write', 'sys/raw/x', { value: 'a'.repeat(1 << 21) }, token)).status, 413)
  assert.equal(store.get('x'), undefined)
  assert.ok(store.revision - before <= 1, 'only the count of what was sealed')
})

test('what a namespace guards by its own seal stays sealed', async () => {
  const world = await openWorld()
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
  await world.ok('write', 'sys/namespaces/vault/unseal', { key: data.key_shares[0] })
  await world.ok('write', 'vault/sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'vault/kv/x', { a: 1 })
  const [guarded] = [...world.inside.keys({ prefix: 'data/' })].filter((key) => key.endsWith('/meta/x'))
  const { call, tokenFor } = recovering(world.store)
  const token = await tokenFor(world.share)
  const id = (guarded as string).slice('data/'.length).split('.')[0]
  for (const path of [`sys/raw/${guarded}`, `sys/raw/ns/${id}/mount/kv`]) {
    const read = await call('read', path, {}, token)
    assert.deepEqual([read.status, read.body.errors], [503, ['namespace is sealed']], path)
    assert.equal((await call('write', path, { value: 'x' }, token)).status, 503)
  }
  assert.equal((await call('delete', `sys/raw/${guarded}`, {}, token)).status, 204)
  await world.close()
})

test('a record that can’t be opened is named, and can be replaced', async () => {
  const { store, shares } = await split(1, 1)
  await store.commit({ ops: [{ key: 'ns/root/core/cluster', value: Buffer.from('broken') }] })
  const { call, tokenFor } = recovering(store)
  const token = await tokenFor(...shares)
  const broken = await call('read', 'sys/raw/ns/root/core/cluster', {}, token)
  assert.deepEqual([broken.status, broken.body.errors], [500, ["the record at ns/root/core/cluster can't be opened"]])
  assert.equal((await call('write', 'sys/raw/ns/root/core/cluster', { value: '{"name":"n","id":"i"}' }, token)).status, 204)
  assert.equal((await call('read', 'sys/raw/ns/root/core/cluster', {}, token)).body.data.value, '{"name":"n","id":"i"}')
})

test('recovery shares do it by way of a seal, and without it where they may unseal', async () => {
  const seal = fakeSeal()
  const { store, shares } = await split(2, 2, [seal])
  const { call, tokenFor } = recovering(store, [seal])
  const token = await tokenFor(...shares)
  assert.equal((await call('read', 'sys/raw/slices', {}, token)).status, 200)

  const own = await split(2, 2, [seal], true)
  seal.down = 'away'
  assert.match(await recovering(own.store, [seal]).tokenFor(...own.shares), /^hvr\./)
})

test('a seal that is away is told of, and shares can be given again once it is there', async () => {
  const seal = fakeSeal()
  const { store, shares } = await split(1, 1, [seal])
  const { call, tokenFor } = recovering(store, [seal])
  seal.down = 'away'
  const { nonce } = (await call('write', `${MAKE}/attempt`)).body
  const { status } = await call('write', `${MAKE}/update`, { key: (shares[0] as Buffer).toString('hex'), nonce })
  assert.equal(status, 503)
  seal.down = undefined
  await call('delete', `${MAKE}/attempt`)
  assert.match(await tokenFor(...shares), /^hvr\./)
})
