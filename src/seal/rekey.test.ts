import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { openWorld, type World } from '../testing/world.ts'
import { checkSeal } from './check-seal.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4/
const NONE = {
  nonce: '',
  started: false,
  t: 0,
  n: 0,
  progress: 0,
  required: 1,
  pgp_fingerprints: null,
  backup: false,
  verification_required: false,
}

const hex = (share: Buffer) => share.toString('hex')

async function begun(world: World, request: object = { secret_shares: 3, secret_threshold: 2 }): Promise<string> {
  return (await world.ok('write', 'sys/rekey/init', request as never)).nonce
}

/** Rekeys to two of three; the shares as hex. */
async function rekeyed(world: World): Promise<string[]> {
  const nonce = await begun(world)
  return (await world.ok('write', 'sys/rekey/update', { nonce, key: hex(world.share) })).keys
}

async function opens(world: World, ...shares: string[]): Promise<boolean> {
  world.sealer.seal()
  world.sealer.reset()
  let sealed = true
  for (const key of shares) sealed = (await world.call('write', 'sys/unseal', { key })).body.sealed ?? true
  if (sealed) world.sealer.reset()
  return !sealed
}

test('a rekey by Vault’s paths, from one share to two of three', async () => {
  const world = await openWorld()
  assert.deepEqual(await world.ok('read', 'sys/rekey/init'), NONE)
  const { nonce, ...status } = await world.ok('write', 'sys/rekey/init', { secret_shares: 3, secret_threshold: 2 })
  assert.match(nonce, UUID)
  assert.deepEqual({ nonce: '', ...status }, { ...NONE, started: true, t: 2, n: 3 })
  const { keys, keys_base64, ...told } = await world.ok('write', 'sys/rekey/update', { key: hex(world.share), nonce })
  assert.deepEqual(told, { nonce, complete: true, pgp_fingerprints: null, backup: false, verification_required: false })
  assert.deepEqual(
    keys,
    keys_base64.map((one: string) => Buffer.from(one, 'base64').toString('hex')),
  )
  assert.deepEqual(await world.ok('read', 'sys/rekey/init'), { ...NONE, required: 2 })
  const { t, n } = await world.ok('read', 'sys/seal-status')
  assert.deepEqual([t, n], [2, 3])
  assert.ok(await opens(world, keys[2], keys[0]))
  await world.close()
})

test('the same by OpenBao’s paths, in an envelope', async () => {
  const world = await openWorld()
  const { data, request_id } = await world.ok('write', 'sys/rotate/root/init', { secret_shares: 1, secret_threshold: 1 })
  assert.match(request_id, /^request-/)
  const told = await world.ok('write', 'sys/rotate/root/update', { key: hex(world.share), nonce: data.nonce })
  assert.equal(told.data.complete, true)
  assert.equal(told.data.keys[0].length, 64)
  assert.ok(await opens(world, told.data.keys[0]))
  await world.close()
})

test('needs as many of the present shares as unsealing does, each once', async () => {
  const world = await openWorld()
  const [a, b, c] = (await rekeyed(world)) as [string, string, string]
  await world.ok('write', 'sys/seal')
  for (const key of [a, b]) await world.ok('write', 'sys/unseal', { key })
  const nonce = await begun(world)
  const update = async (key: string, more: object = { nonce }) => world.call('write', 'sys/rekey/update', { key, ...more })
  assert.equal((await update(a)).body.progress, 1)
  const refused: [string, object, string][] = [
    [a, { nonce }, 'given key has already been provided during this rekey operation'],
    [b, {}, `incorrect nonce supplied; nonce for this rekey operation is "${nonce}"`],
    [b, { nonce: 'other' }, `incorrect nonce supplied; nonce for this rekey operation is "${nonce}"`],
    [hex(world.share), { nonce }, 'invalid key: key is shorter than minimum 33 bytes'],
    [hex(randomBytes(33)), { nonce }, 'invalid key: not one of the key shares'],
    ['zz', { nonce }, "'key' must be a valid hex or base64 string"],
    ['', { nonce }, "'key' must be specified in request body as JSON"],
  ]
  for (const [key, more, reason] of refused) {
    const { status, body } = await update(key, more)
    assert.deepEqual([status, body], [400, { errors: [reason] }])
  }
  assert.equal((await world.ok('read', 'sys/rekey/init')).progress, 1)
  assert.equal((await update(c)).body.complete, true)
  await world.close()
})

test('bad requests begin nothing', async () => {
  const world = await openWorld()
  const refused: [object, string][] = [
    [{}, 'invalid rekey seal configuration: shares must be at least one'],
    [{ secret_shares: 5, secret_threshold: 1 }, 'invalid rekey seal configuration: threshold must be greater than one for multiple shares'],
    [{ secret_shares: 2, secret_threshold: 2, pgp_keys: ['a'] }, 'incorrect number of PGP keys for rekey'],
    [{ secret_shares: 1, secret_threshold: 1, backup: true }, 'cannot request a backup of the new keys without providing PGP keys for encryption'],
    [{ secret_shares: [] }, 'Field validation failed: error converting input for field "secret_shares": expected a string, got an array'],
  ]
  for (const [request, reason] of refused) {
    const { status, body } = await world.call('write', 'sys/rekey/init', request as never)
    assert.deepEqual([status, body], [400, { errors: [reason] }])
  }
  for (const [path, reason] of [
    ['sys/rekey/update', 'no barrier rekey in progress'],
    ['sys/rekey/verify', 'no rekey in progress'],
    ['sys/rekey-recovery-key/init', 'recovery rekeying not supported'],
    ['sys/rekey-recovery-key/update', 'recovery rekeying not supported'],
    ['sys/rotate/recovery/verify', 'recovery rekeying not supported'],
  ] as const) {
    const { status, body } = await world.call('write', path, { key: hex(world.share), nonce: 'x', secret_shares: 1, secret_threshold: 1 })
    assert.deepEqual([status, body], [400, { errors: [reason] }], path)
  }
  assert.deepEqual((await world.call('read', 'sys/rekey/verify')).body, { errors: ['no rekey configuration found'] })
  assert.deepEqual((await world.call('read', 'sys/rekey/backup')).body, { errors: ['no backed-up keys found'] })
  assert.equal((await world.call('delete', 'sys/rekey/backup')).status, 204)
  assert.deepEqual(await world.ok('read', 'sys/rekey/init'), NONE)
  await begun(world)
  assert.deepEqual((await world.call('write', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 })).body, {
    errors: ['rekey already in progress'],
  })
  assert.equal((await world.call('delete', 'sys/rekey/init')).status, 204)
  assert.deepEqual(await world.ok('read', 'sys/rekey/init'), NONE)
  await world.close()
})

test('whoever has neither a policy nor a share can look, and can disturb nothing', async () => {
  const world = await openWorld()
  const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] })
  const nonce = await begun(world)
  const guess = hex(randomBytes(32))
  for (const token of ['', 'hvs.wrong', auth.client_token]) {
    assert.equal((await world.call('read', 'sys/rekey/init', {}, { token })).body.nonce, nonce)
    for (const [verb, path] of [
      ['write', 'sys/rekey/init'],
      ['delete', 'sys/rekey/init'],
      ['delete', 'sys/rekey/verify'],
      ['write', 'sys/generate-root/attempt'],
      ['delete', 'sys/generate-root/attempt'],
    ] as const) {
      const { status, body } = await world.call(verb, path, {}, { token })
      assert.equal(status, 403)
      assert.match(body.errors[0], /^permission denied/)
      const sent = Buffer.from(JSON.stringify({ key: guess, secret_shares: 1, secret_threshold: 1 }))
      assert.equal((await world.call(verb, path, {}, { token, body: sent })).status, 400)
    }
    assert.equal((await world.call('write', 'sys/rekey/update', { key: guess, nonce }, { token })).status, 400)
    assert.equal((await world.call('read', 'sys/rotate/root/init', {}, { token })).status, 403)
    assert.equal((await world.call('write', 'sys/rotate/root/update', { key: hex(world.share), nonce }, { token })).status, 403)
  }
  assert.equal((await world.ok('read', 'sys/rekey/init')).progress, 0)
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).started, false)
  await world.close()
})

test('a share alone is enough to begin, to go on and to give up', async () => {
  const world = await openWorld()
  const key = hex(world.share)
  const call = (verb: 'write' | 'delete', path: string, body: object) =>
    world.call(verb, path, {}, { token: '', body: Buffer.from(JSON.stringify({ key, ...body })) })
  assert.equal((await call('write', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 })).status, 200)
  assert.equal((await call('delete', 'sys/rekey/init', {})).status, 204)
  const { nonce } = (await call('write', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 })).body
  assert.equal((await call('write', 'sys/rekey/update', { nonce })).body.complete, true)
  await world.close()
})

test('with verification, the old shares count until the new ones were shown', async () => {
  const world = await openWorld()
  const old = hex(world.share)
  const nonce = await begun(world, { secret_shares: 3, secret_threshold: 2, require_verification: true })
  const made = await world.ok('write', 'sys/rekey/update', { key: old, nonce })
  const [a, b, c] = made.keys as [string, string, string]
  assert.equal(made.verification_required, true)
  const status = await world.ok('read', 'sys/rekey/init')
  assert.equal(status.verification_nonce, made.verification_nonce)
  const again = await world.call('write', 'sys/rekey/update', { key: old, nonce })
  assert.match(again.body.errors[0], /^rekey operation already finished; verification must be performed; nonce for the verification operation is /)
  assert.ok(!(await opens(world, a, b)))
  assert.ok(await opens(world, old))

  const verify = (key: string, more = made.verification_nonce) => world.call('write', 'sys/rekey/verify', { key, nonce: more }, { token: '' })
  assert.deepEqual(await world.ok('read', 'sys/rekey/verify'), { nonce: made.verification_nonce, started: true, t: 2, n: 3, progress: 0 })
  assert.equal((await verify(a)).body.progress, 1)
  assert.deepEqual((await verify(a)).body.errors, ['given key has already been provided during this verify operation'])
  assert.deepEqual((await verify(b, nonce)).body.errors, [
    `incorrect nonce supplied; nonce for this verify operation is "${made.verification_nonce}"`,
  ])
  assert.deepEqual((await verify(hex(randomBytes(33)))).body.errors, ['invalid key: not one of the key shares'])
  const restarted = await world.ok('delete', 'sys/rekey/verify')
  assert.notEqual(restarted.nonce, made.verification_nonce)
  assert.equal(restarted.progress, 0)
  assert.equal((await verify(b, restarted.nonce)).status, 200)
  assert.deepEqual((await verify(c, restarted.nonce)).body, { nonce: restarted.nonce, complete: true })
  assert.deepEqual(await world.ok('read', 'sys/rekey/init'), { ...NONE, required: 2 })
  assert.ok(!(await opens(world, old)))
  assert.ok(await opens(world, a, c))
  await world.close()
})

test('a verification goes on after a restart, and giving up discards the new shares', async () => {
  const world = await openWorld()
  const old = hex(world.share)
  const nonce = await begun(world, { secret_shares: 2, secret_threshold: 2, require_verification: true })
  const made = await world.ok('write', 'sys/rekey/update', { key: old, nonce })
  const verify = (key: string) => world.call('write', 'sys/rekey/verify', { key, nonce: made.verification_nonce })
  await verify(made.keys[0])
  assert.ok(await opens(world, old))
  assert.equal((await world.ok('read', 'sys/rekey/verify')).progress, 0)
  await verify(made.keys[0])
  assert.equal((await world.call('delete', 'sys/rekey/init')).status, 204)
  assert.deepEqual((await verify(made.keys[1])).body.errors, ['no rekey in progress'])
  assert.deepEqual([...world.store.keys({ prefix: 'core/barrier/rekey' })], [])
  assert.ok(await opens(world, old))
  await world.close()
})

test('without verification, the old shares stay good until the new ones were used, in case those never arrived', async () => {
  const world = await openWorld()
  const old = hex(world.share)
  const lost = await rekeyed(world)
  assert.ok(await opens(world, old))
  const { t, n } = await world.ok('read', 'sys/seal-status')
  assert.deepEqual([t, n], [1, 1])
  assert.ok(!(await opens(world, ...lost)))
  assert.ok(await opens(world, old))
  const [a, b] = (await rekeyed(world)) as [string, string]
  assert.ok(await opens(world, a, b))
  assert.ok(!(await opens(world, old)))
  assert.ok(await opens(world, b, a))
  await world.close()
})

test('the shares of before stay good through a new root key', async () => {
  const world = await openWorld()
  const [a, b] = (await rekeyed(world)) as [string, string]
  assert.equal((await world.call('write', 'sys/rotate/root')).status, 204)
  assert.equal((await world.call('write', 'sys/rotate')).status, 204)
  assert.deepEqual(checkSeal(world.store, world.keyring), [])
  assert.ok(await opens(world, hex(world.share)))
  assert.ok(!(await opens(world, a, b)))
  assert.deepEqual(checkSeal(world.store, world.keyring), [])
  await world.close()
})

test('without verification, the old shares end after ten minutes', async () => {
  const world = await openWorld()
  const old = hex(world.share)
  const [a, b] = (await rekeyed(world)) as [string, string]
  world.clock.advance(599_000)
  await world.kernel.sweep()
  const nonce = await begun(world)
  await world.ok('write', 'sys/rekey/update', { nonce, key: old })
  assert.deepEqual((await world.call('write', 'sys/rekey/update', { nonce, key: a })).body.errors, ['no barrier rekey in progress'])
  world.clock.advance(600_000)
  await world.kernel.sweep()
  assert.deepEqual([...world.store.keys({ prefix: 'core/seal/' })], ['core/seal/config', 'core/seal/keyring', 'core/seal/root'])
  assert.ok(!(await opens(world, old)))
  assert.ok(!(await opens(world, a, b)))
  await world.close()
})

test('while both sets are good, a wrong share of either ends the attempt', async () => {
  const world = await openWorld()
  const [a, b] = (await rekeyed(world)) as [string, string]
  const wrong = hex(randomBytes(32))
  assert.ok(!(await opens(world, wrong)))
  world.sealer.seal()
  assert.equal((await world.call('write', 'sys/unseal', { key: wrong })).body.progress, 1)
  assert.equal((await world.call('write', 'sys/unseal', { key: a })).status, 400)
  assert.equal((await world.ok('read', 'sys/seal-status')).progress, 0)
  assert.ok(await opens(world, b, a))
  await world.close()
})

test('a rekey makes another root key, which the old one cannot replace', async () => {
  const world = await openWorld()
  const before = world.store.get('core/seal/root')?.value
  await rekeyed(world)
  world.clock.advance(600_000)
  await world.kernel.sweep()
  await world.store.commit({ ops: [{ key: 'core/seal/root', value: before }] })
  world.sealer.seal()
  await world.store.commit({ ops: [{ key: 'core/seal/config', value: Buffer.from('{"type":"shamir","shares":1,"threshold":1}') }] })
  assert.equal((await world.call('write', 'sys/unseal', { key: hex(world.share) })).status, 500)
  await world.close()
})

test('no share is in the audit log', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
  const keys = await rekeyed(world)
  const log = JSON.stringify(world.audit('/log'))
  assert.match(log, /sys\/rekey\/update/)
  for (const key of [hex(world.share), ...keys]) {
    assert.ok(!log.includes(key))
    assert.ok(!log.includes(Buffer.from(key, 'hex').toString('base64')))
  }
  await world.close()
})
