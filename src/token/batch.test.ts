// Batch tokens: the format that must not change by accident, and how they live through a whole server.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { MAX_TOKEN_BYTES } from '../contract/token.ts'
import { secretKey } from '../crypto/secret-key.ts'
import { openTokenWorld } from '../testing/token-world.ts'
import { BATCH_PREFIX, openBatchTokens } from './batch.ts'

const SECRET = secretKey(Buffer.alloc(32, 7))
const PLACE = 'ns/root/token/batch'
const counting = { bytes: (size: number) => Buffer.from(Array.from({ length: size }, (_, n) => n)) }
const open = (place = PLACE, secret = SECRET) => {
  const batch = openBatchTokens({ secret, random: counting })
  return {
    seal: (said: Parameters<typeof batch.seal>[0]) => batch.seal(said, place),
    open: (id: string, hash: string) => batch.open(id, place, hash),
  }
}

const SAID = {
  createdAt: Date.UTC(2030, 0, 2, 3, 4, 5, 678),
  ttl: 3600,
  policies: ['app', 'default'],
  path: 'auth/userpass/login/ann',
  displayName: 'userpass-ann',
  parent: undefined,
  mountAccessor: 'auth_userpass_1f2e3d4c',
  metadata: { username: 'ann' },
  boundCidrs: ['10.0.0.0/8'],
  entityId: '',
  role: '',
  namespace: '',
}

const VECTOR =
  'hvb.AQAAVZwAAQIDBAUGBwgJCgtxiAzQIFu1ScTzsc8IJTux8_h8mBoC-FC7WKMCTojfzASiCL4pFWqL6hkBRP1Lqls0OzynnL7nmEuzwM83GulCr4UHLb2ghwjtMfnMoPdtrQfdDrmLU8E_8rGWZYXBzpaFzFWMHCJob2lQIsR5R6aHbd6xZmOsYp9RLnybEhaC2_dUzakl2LZDRq1EzKi6gNruG5PvFyD6qFDC_hontpNi1DfT0bBDiN125ZMvF-Zynqe_jZ3tugVjbFE'

describe('the format', () => {
  test('is this one', () => {
    assert.equal(open().seal(SAID), VECTOR)
  })

  test('opens to what was sealed, with nothing that a batch token has not', () => {
    assert.deepEqual(open().open(VECTOR, 'hash'), {
      ...SAID,
      type: 'batch',
      hash: 'hash',
      accessor: '',
      internal: undefined,
      lastRenewedAt: 0,
      expiresAt: SAID.createdAt + 3_600_000,
      explicitMaxTtl: 0,
      period: 0,
      numUses: 0,
      renewable: false,
      orphan: true,
    })
  })

  test('opens in its namespace and under its key only', () => {
    assert.equal(open('ns/other/token/batch').open(VECTOR, ''), undefined)
    assert.equal(open(PLACE, secretKey(Buffer.alloc(32, 8))).open(VECTOR, ''), undefined)
  })

  test('opens on any later day', () => {
    const later = open()
    later.seal({ ...SAID, createdAt: SAID.createdAt + 864e5 })
    assert.equal(later.open(VECTOR, '')?.displayName, 'userpass-ann')
  })

  test('has one text for one token: any other is no token', () => {
    const batch = open()
    fc.assert(
      fc.property(fc.nat(VECTOR.length - 1), fc.constantFrom('A', 'b', '_', '-', '=', '+', '/', ' ', ''), (at, letter) => {
        const altered = VECTOR.slice(0, at) + letter + VECTOR.slice(at + 1)
        assert.equal(batch.open(altered, '') === undefined, altered !== VECTOR)
      }),
    )
    for (const more of ['', '=', 'A', 'AAAA', '.ns1', '\n']) assert.equal(batch.open(VECTOR + more, '') === undefined, more !== '')
    for (const text of ['', 'hvb.', 'hvb.AA', 'hvs.AAAA', VECTOR.slice(4)]) assert.equal(batch.open(text, ''), undefined)
  })

  test('stays within what a header can carry', () => {
    const metadata = { much: 'x'.repeat(MAX_TOKEN_BYTES) }
    assert.throws(() => open().seal({ ...SAID, metadata }), { code: 'invalid' })
  })
})

describe('a batch token', () => {
  test('is made and used without writing anything', async () => {
    const world = await openTokenWorld()
    const parent = await world.make({ policies: ['maker'] })
    const { revision } = world.store
    const auth = await world.make({ type: 'batch', ttl: '1h', meta: { team: 'x' }, display_name: 'job' }, parent.client_token)
    assert.ok(auth.client_token.startsWith(BATCH_PREFIX))
    assert.deepEqual([auth.token_type, auth.accessor, auth.renewable, auth.orphan, auth.num_uses], ['batch', '', false, false, 0])
    const self = await world.self(auth.client_token)
    assert.deepEqual(self, {
      accessor: '',
      creation_time: 1893553445,
      creation_ttl: 3600,
      display_name: 'token-job',
      entity_id: '',
      expire_time: '2030-01-02T04:04:05.678Z',
      explicit_max_ttl: 0,
      id: auth.client_token,
      issue_time: '2030-01-02T03:04:05.678Z',
      meta: { team: 'x' },
      num_uses: 0,
      orphan: false,
      path: 'auth/token/create',
      policies: ['default', 'maker'],
      renewable: false,
      ttl: 3600,
      type: 'batch',
    })
    assert.equal(world.store.revision, revision)
  })

  test('can be neither renewed nor revoked, and gives nothing on', async () => {
    const world = await openTokenWorld()
    const { client_token: token } = await world.make({ type: 'batch', policies: ['maker', 'sudoer'] })
    const cubbyhole = "cubbyhole operations are only supported by 'service' type tokens"
    assert.deepEqual(await world.refused('auth/token/renew-self', {}, token), [400, 'batch tokens cannot be renewed'])
    assert.deepEqual(await world.refused('auth/token/renew', { token }), [400, 'batch tokens cannot be renewed'])
    assert.deepEqual(await world.refused('auth/token/revoke-self', {}, token), [400, 'batch tokens cannot be revoked'])
    assert.deepEqual(await world.refused('auth/token/revoke', { token }), [400, 'batch tokens cannot be revoked'])
    assert.deepEqual(await world.refused('auth/token/revoke-orphan', { token }), [400, 'batch tokens cannot be revoked'])
    for (const path of ['create', 'create-orphan']) {
      assert.deepEqual(await world.refused(`auth/token/${path}`, {}, token), [400, 'batch tokens cannot create more tokens'])
    }
    for (const verb of ['read', 'write', 'list', 'delete'] as const) {
      const { status, body } = await world.call(verb, 'cubbyhole/a', verb === 'write' ? { a: 1 } : {}, { token })
      assert.deepEqual([status, body.errors], [400, [cubbyhole]])
    }
    for (const path of ['lookup', 'renew', 'revoke']) {
      assert.deepEqual(await world.refused(`auth/token/${path}-accessor`, { accessor: '' }), [400, '1 error occurred:\n\t* missing accessor\n\n'])
    }
    assert.equal((await world.self(token)).type, 'batch')
  })

  const REFUSED: readonly (readonly [data: Record<string, any>, text: string])[] = [
    [{ policies: ['root'] }, 'batch tokens cannot be root tokens'],
    [{ num_uses: 1 }, 'batch tokens cannot have "num_uses" set'],
    [{ num_uses: -1 }, 'batch tokens cannot have "num_uses" set'],
    [{ period: '1h' }, 'batch tokens cannot have "period" set'],
    [{ explicit_max_ttl: '1h' }, 'batch tokens cannot have "explicit_max_ttl" set'],
    [{ explicit_max_ttl: 'x' }, "'explicit_max_ttl' value could not be parsed"],
    [{ period: 'x' }, "'period' value could not be parsed"],
    [{ id: 'mine' }, 'batch tokens cannot have "id" set'],
  ]

  test('has no limits but its life', async () => {
    const world = await openTokenWorld()
    for (const [data, text] of REFUSED) {
      assert.deepEqual(await world.refused('auth/token/create', { policies: ['a'], ...data, type: 'batch' }), [400, text], JSON.stringify(data))
    }
    const zero = { type: 'batch', policies: ['a'], num_uses: 0, period: '0', explicit_max_ttl: 0, renewable: true, ttl: 0 }
    assert.equal((await world.make(zero)).lease_duration, 2_764_800)
  })

  test('is recorded by its type, without an accessor', async () => {
    const world = await openTokenWorld()
    await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/log' } })
    const { client_token: token } = await world.make({ type: 'batch', policies: ['default'], ttl: '1h' })
    await world.self(token)
    const [made, asked] = [world.audit('/log').at(-3), world.audit('/log').at(-1)]
    assert.deepEqual([made.response.auth.token_type, made.response.auth.accessor], ['batch', undefined])
    assert.deepEqual([asked.auth.token_type, asked.auth.accessor, asked.request.client_token_accessor], ['batch', undefined, undefined])
    assert.equal(asked.auth.token_ttl, 3600)
    assert.equal(made.response.auth.client_token, asked.auth.client_token)
  })

  test('ends with its time', async () => {
    const world = await openTokenWorld()
    const { client_token: token } = await world.make({ type: 'batch', policies: ['default'], ttl: '10s' })
    world.clock.advance(9_999)
    assert.equal((await world.self(token)).ttl, 1)
    world.clock.advance(1)
    assert.equal(await world.self(token), undefined)
  })

  test('ends with its parent, however that ends, unless it is an orphan', async () => {
    const world = await openTokenWorld()
    for (const how of ['revoke', 'revoke-orphan']) {
      const { client_token: parent } = await world.make({ policies: ['maker'] })
      const { client_token: child } = await world.make({ type: 'batch' }, parent)
      const { client_token: orphan } = await world.make({ type: 'batch' }, parent, 'create-orphan')
      await world.ok('write', `auth/token/${how}`, { token: parent })
      assert.equal(await world.self(child), undefined)
      assert.equal((await world.self(orphan)).orphan, true)
    }
  })

  test('is bound to the addresses of its role', async () => {
    const world = await openTokenWorld()
    await world.ok('write', 'auth/token/roles/near', { token_type: 'default-batch', token_bound_cidrs: '192.0.2.0/24', allowed_policies: 'default' })
    const { client_token: token } = await world.make({}, undefined, 'create/near')
    assert.equal(await world.self(token), undefined)
    const near = { token, peer: { address: '192.0.2.9', port: 1 } }
    assert.equal((await world.ok('read', 'auth/token/lookup-self', {}, near)).data.role, 'near')
  })

  test('is unknown to another server', async () => {
    const [one, other] = [await openTokenWorld(), await openTokenWorld()]
    const { client_token: token } = await one.make({ type: 'batch', policies: ['default'] })
    assert.equal(await other.self(token), undefined)
  })
})

describe('a login gives', () => {
  /** What the mount says, what the role says, and what it is then. */
  const KINDS: readonly (readonly [mount: string, role: string, type: string])[] = [
    ['default-service', 'default', 'service'],
    ['default-service', 'service', 'service'],
    ['default-service', 'default-service', 'service'],
    ['default-service', 'batch', 'batch'],
    ['default-service', 'default-batch', 'batch'],
    ['default-batch', 'default', 'batch'],
    ['default-batch', 'batch', 'batch'],
    ['default-batch', 'default-batch', 'batch'],
    ['default-batch', 'service', 'service'],
    ['default-batch', 'default-service', 'service'],
    ['service', 'batch', 'service'],
    ['service', 'default', 'service'],
    ['batch', 'service', 'batch'],
    ['batch', 'default', 'batch'],
  ]

  async function open() {
    const world = await openTokenWorld()
    await world.ok('write', 'sys/auth/up', { type: 'userpass' })
    await world.ok('write', 'auth/up/users/ann', { password: 'correct horse' })
    const logIn = () => world.call('write', 'auth/up/login/ann', { password: 'correct horse' }, { token: '' })
    return { world, logIn }
  }

  test('the kind that mount and role agree on', async () => {
    const { world, logIn } = await open()
    for (const [mount, role, type] of KINDS) {
      await world.ok('write', 'sys/auth/up/tune', { token_type: mount })
      assert.equal((await world.ok('read', 'sys/auth/up/tune')).data.token_type, mount)
      assert.equal((await world.ok('read', 'sys/auth')).data['up/'].config.token_type, mount)
      await world.ok('write', 'auth/up/users/ann', { token_type: role })
      assert.equal((await logIn()).body.auth.token_type, type, `${mount} ${role}`)
    }
  })

  test('a batch token that ends with its mount', async () => {
    const { world, logIn } = await open()
    await world.ok('write', 'auth/up/users/ann', { token_type: 'batch', token_ttl: '1h' })
    const { auth } = (await logIn()).body
    assert.deepEqual([auth.lease_duration, auth.renewable, auth.orphan, auth.metadata], [3600, false, true, { username: 'ann' }])
    assert.equal((await world.self(auth.client_token)).display_name, 'up-ann')
    await world.ok('delete', 'sys/auth/up')
    assert.equal(await world.self(auth.client_token), undefined)
  })

  test('none where a limited number of uses would be lost', async () => {
    const { world, logIn } = await open()
    await world.ok('write', 'auth/up/users/ann', { token_num_uses: 1 })
    await world.ok('write', 'sys/auth/up/tune', { token_type: 'batch' })
    assert.deepEqual((await logIn()).body.errors, ['batch tokens cannot have "num_uses" set'])
  })

  test('what tune may say of it', async () => {
    const { world } = await open()
    const refused = (path: string, token_type: string) => world.refused(path, { token_type })
    assert.deepEqual(await refused('sys/auth/up/tune', 'odd'), [400, "invalid value for 'token_type'"])
    assert.deepEqual(await refused('sys/auth/token/tune', 'batch'), [400, "'token_type' cannot be set for 'token' or 'ns_token' auth mounts"])
    assert.deepEqual(await refused('sys/mounts/cubbyhole/tune', 'batch'), [400, 'cannot tune parameter token_type of cubbyhole/'])
    assert.deepEqual(await world.refused('sys/auth/b', { type: 'userpass', config: { token_type: 'odd' } }), [400, "invalid value for 'token_type'"])
    await world.ok('write', 'sys/auth/b', { type: 'userpass', config: { token_type: 'batch' } })
    assert.equal((await world.ok('read', 'sys/auth/b')).data.config.token_type, 'batch')
  })
})
