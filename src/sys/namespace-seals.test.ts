// Namespaces with seals of their own, through a whole server: what their shares open, and what nobody reads while they are sealed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { decrypt, generateKey, readMessage } from 'openpgp'
import { openWorld, type World } from '../testing/world.ts'

const SEAL = 'seal "shamir" { shares = 3 threshold = 2 }'

interface Vaulted {
  readonly world: World
  readonly shares: readonly string[]
}

async function withVault(after?: World): Promise<Vaulted> {
  const world = await openWorld(after ? { after } : {})
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: SEAL })
  return { world, shares: data.key_shares }
}

async function open({ world, shares }: Vaulted, path = 'sys/namespaces/vault/unseal'): Promise<void> {
  for (const key of shares.slice(0, 2)) await world.ok('write', path, { key })
}

async function opened(): Promise<Vaulted> {
  const vaulted = await withVault()
  await open(vaulted)
  const { world } = vaulted
  await world.ok('write', 'vault/sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'vault/kv/data/x', { data: { of: 'the tenant' } })
  await world.ok('write', 'vault/sys/policies/acl/reader', { policy: 'path "kv/*" { capabilities = ["read"] }' })
  return vaulted
}

const SEALED = [503, { errors: ['namespace is sealed'] }]

async function refuses(asked: ReturnType<World['call']>, expected: unknown[], about = ''): Promise<void> {
  const { status, body } = await asked
  assert.deepEqual([status, body], expected, about)
}

describe('a namespace with a seal of its own', () => {
  test('is made with shares that are shown once, and is sealed until enough of them are given', async () => {
    const { world, shares } = await withVault()
    assert.equal(shares.length, 3)
    for (const share of shares) assert.match(share, /^[0-9a-f]{66}$/)
    const state = { initialized: true, n: 3, nonce: '', progress: 0, sealed: true, t: 2, type: 'shamir' }
    assert.deepEqual((await world.ok('read', 'sys/namespaces/vault/seal-status')).data, state)
    assert.equal('key_shares' in (await world.ok('read', 'sys/namespaces/vault')).data, false)
    await refuses(world.call('read', 'vault/sys/mounts'), SEALED)

    const once = (await world.ok('write', 'sys/namespaces/vault/unseal', { key: shares[0] as string })).data
    assert.deepEqual([once.progress, once.sealed], [1, true])
    const again = (await world.ok('write', 'sys/namespaces/vault/unseal', { key: shares[0] as string })).data
    assert.deepEqual([again.progress, again.nonce], [1, once.nonce])
    const base64 = Buffer.from(shares[2] as string, 'hex').toString('base64')
    assert.deepEqual((await world.ok('write', 'sys/namespaces/vault/unseal', { key: base64 })).data, { ...state, sealed: false })
    await world.ok('read', 'vault/sys/mounts')
  })

  test('lets nobody in while it is sealed, and all as it was after', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    const { client_token: token } = (await world.ok('write', 'vault/auth/token/create', { policies: ['reader'] })).auth
    await world.ok('write', 'vault/cubbyhole/mine', { a: 1 }, { token: (await world.ok('write', 'vault/auth/token/create', {})).auth.client_token })
    assert.equal((await world.call('write', 'sys/namespaces/vault/seal')).status, 204)
    assert.equal((await world.call('write', 'sys/namespaces/vault/seal')).status, 204)
    for (const path of ['vault/kv/data/x', 'vault/sys/mounts', 'vault/sys/policies/acl/reader', 'vault/auth/token/lookup-self', 'vault/nope']) {
      await refuses(world.call('read', path), SEALED, path)
      await refuses(world.call('read', path, {}, { token }), SEALED, path)
    }
    await refuses(world.call('list', 'sys/namespaces', {}, { namespace: 'vault' }), SEALED)
    await refuses(world.call('delete', 'sys/namespaces/vault'), SEALED)
    assert.equal((await world.call('read', 'auth/token/lookup-self', {}, { token })).status, 403)
    assert.equal((await world.call('write', 'auth/token/lookup', { token })).status, 403)
    await open(vaulted)
    assert.deepEqual((await world.ok('read', 'vault/kv/data/x', {}, { token })).data.data, { of: 'the tenant' })
  })

  test('is sealed after a restart, and no process has its keys', async () => {
    const vaulted = await opened()
    vaulted.world.sealer.seal()
    const world = await openWorld({ after: vaulted.world })
    await refuses(world.call('read', 'vault/kv/data/x'), SEALED)
    await open({ ...vaulted, world })
    assert.deepEqual((await world.ok('read', 'vault/kv/data/x')).data.data, { of: 'the tenant' })
  })

  test('keeps what it holds under keys of its own: those of the server open nothing of it', async () => {
    const { world } = await opened()
    await world.ok('write', 'vault/sys/auth/up', { type: 'userpass' })
    await world.ok('write', 'vault/auth/up/users/ann', { password: 'p', token_policies: 'reader' })
    const { id } = (await world.ok('read', 'sys/namespaces/vault')).data
    const keys = [`data/${id}.`, `ns/${id}/`].flatMap((prefix) => [...world.inside.keys({ prefix })])
    const own = keys.map((key) => ({ key, value: world.inside.get(key)?.value ?? assert.fail(key) }))
    const clear = own.filter(({ value }) => value.length === 0 || /[\w"{}]{12}/.test(value.toString('latin1')))
    assert.ok(own.length > 10)
    assert.deepEqual(clear, [])
    for (const { value } of own) assert.equal(value.includes('the tenant'), false)
  })

  test('gives others of its kind within it keys of their own, which go when it is sealed', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    const { data } = await world.ok('write', 'vault/sys/namespaces/inner', { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
    await world.ok('write', 'vault/sys/namespaces/plain')
    await world.ok('write', 'vault/plain/sys/mounts/kv', { type: 'kv' })
    await world.ok('write', 'vault/plain/kv/x', { a: 1 })
    const unseal = () => world.call('write', 'vault/sys/namespaces/inner/unseal', { key: data.key_shares[0] })
    assert.equal((await unseal()).body.data.sealed, false)
    await world.ok('read', 'vault/inner/sys/mounts')
    await world.ok('write', 'sys/namespaces/vault/seal')
    for (const path of ['vault/inner/sys/mounts', 'vault/plain/kv/x']) await refuses(world.call('read', path), SEALED, path)
    await refuses(unseal(), SEALED)
    await open(vaulted)
    await world.ok('read', 'vault/plain/kv/x')
    await refuses(world.call('read', 'vault/inner/sys/mounts'), SEALED)
    await unseal()
    await world.ok('read', 'vault/inner/sys/mounts')
  })
})

test('no share stands in an audit record', async () => {
  const world = await openWorld()
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: SEAL })
  for (const key of data.key_shares) await world.call('write', 'sys/namespaces/vault/unseal', { key })
  await world.call('write', 'sys/namespaces/vault/unseal', { key: `${data.key_shares[0]}00` })
  const records = world.audit('/audit')
  assert.ok(records.some(({ request }) => request.path === 'sys/namespaces/vault/unseal'))
  for (const share of data.key_shares) assert.equal(JSON.stringify(records).includes(share), false)
})

test('shares are for those alone whose PGP keys are given', async () => {
  const { privateKey, publicKey } = await generateKey({ userIDs: [{ name: 'Ann' }], format: 'object' })
  const world = await openWorld()
  const pgp = Buffer.from(publicKey.write()).toString('base64')
  const { data } = await world.ok('write', 'sys/namespaces/vault', { seal: 'seal "shamir" { shares = 1 threshold = 1 }', pgp_keys: [pgp] })
  const message = await readMessage({ binaryMessage: Buffer.from(data.key_shares[0], 'hex') })
  const { data: key } = await decrypt({ message, decryptionKeys: privateKey })
  assert.equal((await world.ok('write', 'sys/namespaces/vault/unseal', { key })).data.sealed, false)

  const mismatch = 'invalid seal config: count mismatch between number of provided PGP keys and number of shares'
  await refuses(world.call('write', 'sys/namespaces/x', { seal: SEAL, pgp_keys: [pgp] }), [400, { errors: [mismatch] }])
  const bad = await world.call('write', 'sys/namespaces/x', { seal: SEAL, pgp_keys: ['a', 'b', 'c'] })
  assert.equal(bad.status, 400)
  assert.match(bad.body.errors[0], /^error parsing PGP key/)
  assert.equal((await world.call('read', 'sys/namespaces/x')).status, 404)
})

describe('the keys of a namespace', () => {
  const ROTATES = ['rotate', 'rotate/keyring', 'rotate/root']
  const READS = ['key-status', 'rotate/config', 'rotate/keyring/config', 'generate-root-token/attempt']

  test('are changed in it: what older terms sealed stays readable, now and when it is opened again', async () => {
    const vaulted = await opened()
    const { world } = vaulted
    const term = () => vaulted.world.keyring.active
    const before = term()
    for (const [n, path] of ROTATES.entries()) {
      assert.equal((await world.call('write', `vault/sys/${path}`)).status, 204, path)
      await world.ok('write', `vault/kv/data/${n}`, { data: { n } })
    }
    assert.equal(term(), before, 'of the server they stay')
    await world.ok('write', 'sys/namespaces/vault/seal')
    await open(vaulted)
    for (const n of ROTATES.keys()) assert.deepEqual((await world.ok('read', `vault/kv/data/${n}`)).data.data, { n })
    assert.deepEqual((await world.ok('read', 'vault/kv/data/x')).data.data, { of: 'the tenant' })
  })

  test('are shared anew: the old shares are good for ten minutes more, or until the new ones were used', async () => {
    const vaulted = await opened()
    const { world, shares } = vaulted
    const { nonce } = (await world.ok('write', 'vault/sys/rotate/root/init', { secret_shares: 1, secret_threshold: 1 })).data
    const update = (key: string) => world.ok('write', 'vault/sys/rotate/root/update', { nonce, key })
    assert.equal((await update(shares[0] as string)).data.progress, 1)
    const { keys } = (await update(shares[1] as string)).data
    assert.equal(keys.length, 1)
    world.clock.advance(600_001)
    await world.kernel.sweep()
    await world.ok('write', 'sys/namespaces/vault/seal')
    for (const key of shares.slice(0, 2)) assert.equal((await world.call('write', 'sys/namespaces/vault/unseal', { key })).status, 400)
    assert.equal((await world.ok('write', 'sys/namespaces/vault/unseal', { key: keys[0] })).data.sealed, false)
    assert.deepEqual((await world.ok('read', 'vault/kv/data/x')).data.data, { of: 'the tenant' })
    assert.equal((await world.ok('read', 'sys/seal-status')).n, 1)
  })

  test('are those of the one with the seal: neither of others, nor asked for without sudo, nor while it is sealed', async () => {
    const { world } = await opened()
    await world.ok('write', 'vault/sys/namespaces/inner')
    await world.ok('write', 'sys/namespaces/plain')
    const refusal = [400, { errors: ['operation only available in root namespace'] }]
    for (const at of ['vault/inner', 'plain']) {
      for (const path of [...ROTATES, 'rotate/root/init']) await refuses(world.call('write', `${at}/sys/${path}`), refusal, `${at} ${path}`)
      for (const path of READS) await refuses(world.call('read', `${at}/sys/${path}`), refusal, `${at} ${path}`)
    }
    for (const path of ['rotate/recovery/init', 'rekey/init', 'generate-root/attempt']) {
      await refuses(world.call('read', `vault/sys/${path}`), refusal, path)
    }
    const { client_token: token } = (await world.ok('write', 'vault/auth/token/create', { policies: ['reader'] })).auth
    for (const path of [...ROTATES, 'rotate/root/init', 'generate-root-token/attempt'])
      assert.equal((await world.call('write', `vault/sys/${path}`, {}, { token })).status, 403, path)
    await world.ok('write', 'sys/namespaces/vault/seal')
    for (const path of ROTATES) await refuses(world.call('write', `vault/sys/${path}`), SEALED, path)
    for (const path of READS) await refuses(world.call('read', `vault/sys/${path}`), SEALED, path)
  })
})

describe('what is refused of seals', () => {
  const MADE: readonly (readonly [seal: string, text: string])[] = [
    ['', 'seal config must contain exactly one seal stanza'],
    ['seal "shamir" { shares = 1 threshold = 1 } seal "shamir" { }', 'seal config must contain exactly one seal stanza'],
    ['seal "awskms" { }', 'namespaces currently only support shamir seals'],
    ['x', "unable to parse seal config: At 1:1: key 'x' expected start of object ('{') or assignment ('=')"],
    ['seal "shamir" { }', 'invalid seal config: shares must be at least one'],
    ['seal "shamir" { shares = 2 threshold = 3 }', 'invalid seal config: threshold cannot be larger than shares'],
    ['seal "shamir" { shares = "x" threshold = 3 }', 'value of shares parameter must be integer'],
  ]
  for (const [seal, text] of MADE) {
    test(`making one with ${JSON.stringify(seal)}`, async () => {
      const world = await openWorld()
      await refuses(world.call('write', 'sys/namespaces/x', { seal }), [400, { errors: [text] }])
      assert.equal((await world.call('read', 'sys/namespaces/x')).status, 404)
      assert.deepEqual([...world.store.keys({ prefix: 'ns/root/seal/' })], [])
    })
  }

  test('JSON says the same as HCL', async () => {
    const world = await openWorld()
    for (const [n, seal] of [{ seal: { shamir: { shares: 2, threshold: 2 } } }, { seal: [{ shamir: { shares: '2', threshold: 2 } }] }].entries()) {
      const { data } = await world.ok('write', `sys/namespaces/x${n}`, { seal: JSON.stringify(seal) })
      assert.deepEqual([data.key_shares.length, data.key_threshold], [2, 2])
    }
  })

  test('changing the seal of one that is there', async () => {
    const { world } = await withVault()
    await world.ok('write', 'sys/namespaces/plain')
    for (const name of ['vault', 'plain']) {
      const expected = [400, { errors: ['cannot modify existing namespace seal config'] }]
      await refuses(world.call('write', `sys/namespaces/${name}`, { seal: SEAL }), expected)
    }
    assert.equal((await world.ok('write', 'sys/namespaces/vault', { custom_metadata: { a: 'b' } })).data.custom_metadata.a, 'b')
  })

  test('asking one that has none, or is not there', async () => {
    const { world } = await withVault()
    await world.ok('write', 'sys/namespaces/plain')
    for (const [verb, path] of [
      ['read', 'seal-status'],
      ['write', 'seal'],
      ['write', 'unseal'],
    ] as const) {
      const body = path === 'unseal' ? { key: 'ab'.repeat(33) } : {}
      await refuses(world.call(verb, `sys/namespaces/plain/${path}`, body), [400, { errors: ['namespace is not sealable'] }], path)
      const absent = path === 'seal' ? "namespace doesn't exist" : `namespace "nope/" doesn't exist`
      await refuses(world.call(verb, `sys/namespaces/nope/${path}`, body), [400, { errors: [absent] }], path)
    }
  })

  test('shares that are none, or not of this seal', async () => {
    const { world, shares } = await withVault()
    const other = (await world.ok('write', 'sys/namespaces/other', { seal: SEAL })).data.key_shares
    const unseal = (body: object) => world.call('write', 'sys/namespaces/vault/unseal', body as never)
    await refuses(unseal({ key: 'aa' }), [400, { errors: ["'key' must be a valid hex or base64 string"] }])
    await refuses(unseal({}), [400, { errors: ["'key' must be specified in request body as JSON, or 'reset' set to true"] }])
    await unseal({ key: shares[0] })
    const wrong = 'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed'
    await refuses(unseal({ key: other[1] }), [400, { errors: [wrong] }])
    assert.equal((await world.ok('read', 'sys/namespaces/vault/seal-status')).data.progress, 0)
    await unseal({ key: shares[0] })
    assert.equal((await unseal({ reset: true })).body.data.progress, 0)
    const { client_token: token } = (await world.ok('write', 'auth/token/create', { policies: ['default'] })).auth
    assert.equal((await world.call('write', 'sys/namespaces/vault/unseal', { key: shares[0] as string }, { token })).status, 403)
  })

  test('moving a mount in or out', async () => {
    const { world } = await opened()
    await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
    const text = 'a mount cannot be moved into or out of a namespace with a seal of its own'
    await refuses(world.call('write', 'sys/remount', { from: 'kv', to: 'vault/kv2' }), [400, { errors: [text] }])
    await refuses(world.call('write', 'sys/remount', { from: 'vault/kv', to: 'kv2' }), [400, { errors: [text] }])
    await world.ok('write', 'vault/sys/namespaces/inner')
    await world.ok('write', 'sys/remount', { from: 'vault/kv', to: 'vault/inner/kv' })
    assert.deepEqual((await world.ok('read', 'vault/inner/kv/data/x')).data.data, { of: 'the tenant' })
  })
})
