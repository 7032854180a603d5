// What no client should send, through the whole server: the exact answer, nothing written, and a record where one is due.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Asked, assertRefused, type Front, openFront, records } from './front.ts'

interface Row extends Asked {
  readonly status: number
  readonly errors: readonly string[]
  /** False for what the edge refuses before anything is routed. */
  readonly audited?: false
}

const DENIED = ['permission denied']
const POLICY_DENIED = ['1 error occurred:\n\t* permission denied\n\n']
const NO_PATH = ['1 error occurred:\n\t* unsupported path\n\n']
const NO_OPERATION = ['1 error occurred:\n\t* unsupported operation\n\n']

const field = (name: string, problem: string) => [`Field validation failed: error converting input for field "${name}": ${problem}`]
const put = (target: string, body: unknown, errors: readonly string[], status = 400): Row => ({
  method: 'PUT',
  target: `/v1/${target}`,
  body,
  errors,
  status,
})
const get = (target: string, errors: readonly string[], status = 400): Row => ({ target: `/v1/${target}`, errors, status })
const logIn = (target: string, body: unknown, errors: readonly string[], status = 400): Row => ({ ...put(target, body, errors, status), token: '' })
const atDoor = (row: Row): Row => ({ ...row, audited: false })

const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
const KV = 'kv/a'
const CREATE = 'auth/token/create'

const TABLES: Readonly<Record<string, Readonly<Record<string, Row>>>> = {
  'a body that is not JSON': {
    'cut short': put(KV, '{', ['failed to parse JSON input: invalid JSON']),
    'followed by more': put(KV, '{"a":1}x', ['failed to parse JSON input: invalid JSON']),
    'two documents': put(KV, '{"a":1}{"a":2}', ['failed to parse JSON input: invalid JSON']),
    'a list': put(KV, '[1]', ['failed to parse JSON input: expected an object']),
    'a text': put(KV, '"x"', ['failed to parse JSON input: expected an object']),
    'a number': put(KV, '1e400', ['failed to parse JSON input: expected an object']),
    'single quotes': put(KV, "{'a':1}", ['failed to parse JSON input: invalid JSON']),
    'a trailing comma': put(KV, '{"a":1,}', ['failed to parse JSON input: invalid JSON']),
    'with a byte order mark': put(KV, '\ufeff{"a":1}', ['failed to parse JSON input: invalid JSON']),
    'invalid UTF-8': put(KV, Buffer.from('{"a":"\xff"}', 'latin1'), ['failed to parse JSON input: invalid UTF-8']),
    'overlong UTF-8': put(KV, Buffer.from('{"a":"\xc0\xaf"}', 'latin1'), ['failed to parse JSON input: invalid UTF-8']),
    'half a surrogate pair in UTF-8': put(KV, Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1'), ['failed to parse JSON input: invalid UTF-8']),
    'UTF-16': put(KV, Buffer.from('{"a":1}', 'utf16le'), ['failed to parse JSON input: invalid JSON']),
    'nested too deep': put(KV, nested(301), ['JSON is nested deeper than 300 levels']),
    'nested very deep': put(KV, '['.repeat(1 << 20), ['JSON is nested deeper than 300 levels']),
    'a string past 1 MiB': put(KV, JSON.stringify({ a: 'x'.repeat((1 << 20) + 1) }), ['JSON string is longer than 1048576 bytes'], 413),
    'too many values': put(KV, `[${'0,'.repeat(100_000)}0]`, ['JSON has more than 100000 values'], 413),
    nothing: put(KV, '', ['missing data fields']),
    'an empty object': put(KV, {}, ['missing data fields']),
    'a form of nothing': { ...put(KV, '&', ['missing data fields']), headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
  },
  'a value of the wrong type': {
    'a list for an object': put('secret/data/a', { data: [1] }, field('data', 'expected a map')),
    'a text for an object': put('secret/data/a', { data: 'x' }, field('data', 'expected a map')),
    'a number for an object': put('secret/data/a', '{"data":1e999}', field('data', 'expected a map')),
    'no data': put('secret/data/a', {}, ['no data provided']),
    'no object for the options': put('secret/data/a', { data: {}, options: 'x' }, field('options', 'expected a map')),
    'a word for a version': put('secret/data/a', { data: {}, options: { cas: 'x' } }, ['error parsing check-and-set parameter']),
    'a fraction for a version': put('secret/data/a', '{"data":{},"options":{"cas":0.5}}', ['error parsing check-and-set parameter']),
    'a word for a count': put('secret/config', { max_versions: 'x' }, field('max_versions', 'cannot parse as int')),
    'past every integer': put('secret/config', '{"max_versions":9223372036854775808}', field('max_versions', 'cannot parse as int')),
    'infinity for a count': put('secret/config', '{"max_versions":1e999}', field('max_versions', 'cannot parse as int')),
    'a word for a duration': put('secret/config', { delete_version_after: 'x' }, field('delete_version_after', 'time: invalid duration "x"')),
    'a word in the query': get('secret/data/a?version=x', field('version', 'cannot parse as int')),
    'two values in the query': get('secret/data/a?version=1&version=2', field('version', 'expected a string, got an array')),
    'no versions': put('secret/delete/a', {}, ['No version number provided']),
    'objects for versions': put('secret/destroy/a', { versions: [{}] }, field('versions', 'expected a string, got an object')),
    'a word for a lifetime': put(CREATE, { ttl: 'x' }, ['time: invalid duration "x"']),
    'a negative lifetime': put(CREATE, { ttl: '-1s' }, ['ttl must be positive']),
    'negative uses': put(CREATE, { num_uses: -1 }, ['number of uses cannot be negative']),
    'an object for a list': put(CREATE, { policies: { a: 1 } }, field('policies', 'expected a string, got an object')),
    'half a surrogate pair': put(CREATE, '{"display_name":"\\ud800"}', field('display_name', 'text is not well-formed Unicode')),
    'an unknown kind': put(CREATE, { type: 'zzz' }, ["invalid 'token_type' value"]),
    'an object for a password': logIn('auth/userpass/login/ann', { password: {} }, field('password', 'expected a string, got an object')),
    'a word for a flag': put('sys/mounts/x', { type: 'kv', local: 'x' }, field('local', 'cannot parse as bool')),
    'a text for a configuration': put('sys/mounts/x', { type: 'kv', config: 'x' }, field('config', 'expected a map')),
  },
  'a request that makes no sense': {
    'an unknown engine': put('sys/mounts/x', { type: 'nope' }, ['plugin not found in the catalog: nope']),
    'the type of a prototype': put('sys/mounts/x', { type: 'constructor' }, ['plugin not found in the catalog: constructor']),
    'no engine': put('sys/mounts/x', {}, ['backend type must be specified as a string']),
    'a mount over another': put('sys/mounts/kv', { type: 'kv' }, ['path is already in use at kv/']),
    'a mount within another': put('sys/mounts/kv/b', { type: 'kv' }, ['path is already in use at kv/']),
    'a mount over the system': put('sys/mounts/sys', { type: 'kv' }, ['cannot mount "sys/"']),
    'lifetimes that cross': put('sys/mounts/x', { type: 'kv', config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } }, [
      'given default lease TTL greater than given max lease TTL',
    ]),
    'a version that does not exist': put('sys/mounts/x', { type: 'kv', options: { version: '3' } }, ['invalid version provided: 3']),
    'tuning what is not there': get('sys/mounts/never/tune', ['cannot fetch sysview for path "never/"']),
    'reading what is not mounted': get('sys/mounts/never', ['No secret engine mount at never/']),
    'an unknown capability': put('sys/policies/acl/p', { policy: 'path "a" { capabilities = ["nope"] }' }, [
      'failed to parse policy: path "a": invalid capability "nope"',
    ]),
    'no policy': put('sys/policies/acl/p', {}, ["'policy' parameter not supplied or empty"]),
    'a policy named root': put('sys/policies/acl/root', { policy: 'path "a" {}' }, ['cannot update "root" policy']),
    'a policy named ROOT': put('sys/policies/acl/ROOT', { policy: 'path "a" {}' }, ['cannot update "root" policy']),
    'the end of the default policy': {
      method: 'DELETE',
      target: '/v1/sys/policies/acl/default',
      status: 400,
      errors: ['cannot delete default policy'],
    },
    'no paths to judge': put('sys/capabilities-self', {}, ['paths must be supplied']),
    'a method that the path has not': { method: 'DELETE', target: '/v1/sys/mounts', status: 405, errors: NO_OPERATION },
    'a path that the mount has not': get('sys/nope', NO_PATH, 404),
    'a folder where a secret is meant': { method: 'DELETE', target: '/v1/kv/a/', status: 404, errors: NO_PATH },
    'a mount that is not there': get('nope/x', ['no handler for route "nope/x". route entry not found.'], 404),
    'a token that does not exist': put('auth/token/lookup', { token: 'none' }, ['bad token'], 403),
    'renewing a token that does not exist': put('auth/token/renew', { token: 'none' }, ['token not found']),
    'no role': logIn('auth/approle/login', {}, ['missing role_id']),
    'no password': logIn('auth/userpass/login/ann', {}, ['missing password']),
  },
  'a caller who is nobody': {
    'no token': { ...get('secret/data/a', DENIED, 403), token: '' },
    'an unknown token': { ...get('secret/data/a', DENIED, 403), token: 'hvs.AAAAAAAAAAAAAAAAAAAAAAAA' },
    'a token with a quote': { ...get('secret/data/a', DENIED, 403), token: `hvs.'"\\{}` },
    'no token, no mount': { ...get('nope/x', DENIED, 403), token: '' },
    'no token, no such login': { ...put('auth/nope/login', {}, DENIED, 403), token: '' },
    'no token, to write': { ...put(KV, { a: 1 }, DENIED, 403), token: '' },
    'no token, bad input': { ...put(CREATE, { ttl: 'x' }, DENIED, 403), token: '' },
    'no token, to seal': { ...put('sys/seal', {}, DENIED, 403), token: '' },
    'a scheme that is no token': { ...get('secret/data/a', DENIED, 403), token: '', headers: { Authorization: 'Basic cm9vdDpyb290' } },
  },
  'what the edge refuses': {
    'a body past its limit': atDoor(put(KV, Buffer.alloc(4097, ' '), ['request body is larger than 4096 bytes'], 413)),
    'dots in the path': atDoor(get('kv/../sys/mounts', ['path cannot contain "." or ".." segments'])),
    'encoded dots': atDoor(get('kv/%2e%2e/sys/mounts', ['path cannot contain "." or ".." segments'])),
    'an empty segment': atDoor(get('kv//a', ['path cannot contain empty segments'])),
    'an encoded slash': atDoor(get('kv/a%2Fb', ['path must not contain encoded slashes'])),
    'an encoded backslash': atDoor(get('kv/a%5cb', ['path must not contain encoded slashes'])),
    'a backslash': atDoor(get('kv/a\\b', ['path cannot contain a backslash'])),
    'a zero byte': atDoor(get('kv/a%00b', ['path contains unprintable characters'])),
    'a line end': atDoor(get('kv/a%0d%0aX', ['path contains unprintable characters'])),
    'a zero-width joiner': atDoor(get('kv/a%e2%80%8db', ['path contains unprintable characters'])),
    'a right-to-left override': atDoor(get('kv/a%e2%80%aeb', ['path contains unprintable characters'])),
    'a decomposed letter': atDoor(get('kv/e%cc%81', ['path is not in Unicode normalization form C'])),
    'overlong dots': atDoor(get('kv/%c0%ae%c0%ae/a', ['path is not valid percent-encoded UTF-8'])),
    'a stray byte': atDoor(get('kv/%ff', ['path is not valid percent-encoded UTF-8'])),
    'a path past its limit': atDoor(get(`kv/${'a'.repeat(1022)}`, ['path is longer than 1024 bytes'])),
    'a write to a folder': atDoor(put('kv/a/', { a: 1 }, ["cannot write to a path ending in '/'"])),
    'a list that may be one': atDoor(get('kv?list=maybe', [])),
    'two tokens': atDoor({ ...get(KV, ['header x-vault-token was sent twice']), headers: { 'x-vault-token': 'a' } }),
    'a length that two readers could read': atDoor({ ...get(KV, ['malformed request']), headers: { 'Content-Length': '+1' } }),
    'a chunked body with a length': atDoor({ ...put(KV, '0\r\n\r\n', ['malformed request']), headers: { 'Transfer-Encoding': 'chunked' } }),
    'a chunked body that is not': atDoor({ ...get(KV, ['unsupported Transfer-Encoding']), headers: { 'Transfer-Encoding': 'xchunked' } }),
    'a compressed body': atDoor({ ...put(KV, '{}', ['unsupported Content-Encoding'], 415), headers: { 'Content-Encoding': 'gzip' } }),
    'a malformed wrap TTL': atDoor({
      ...get(KV, ['error parsing X-Vault-Wrap-TTL header: time: invalid duration "x"']),
      headers: { 'X-Vault-Wrap-TTL': 'x' },
    }),
    'a namespace with dots': atDoor({ ...get(KV, ['path cannot contain "." or ".." segments']), headers: { 'X-Vault-Namespace': 'a/../b' } }),
    'a patch of another type': atDoor({
      ...put('secret/data/a', {}, ['PATCH requires Content-Type of application/merge-patch+json, provided application/json'], 415),
      method: 'PATCH',
      headers: { 'Content-Type': 'application/json' },
    }),
  },
}

describe('bad input', () => {
  let front: Front
  let small: Front
  before(async () => {
    front = await openFront()
    small = await openFront({ limits: { bodyBytes: 4096 } })
    for (const { world } of [front, small]) {
      await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
      await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
      await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
      await world.ok('write', 'sys/auth/approle', { type: 'approle' })
      await world.ok('write', 'auth/userpass/users/ann', { password: 'right' })
      // Salts are made at the first use; here nothing may be written any more.
      await world.call('write', 'auth/userpass/login/ann', { password: 'right' })
      await world.call('write', 'auth/approle/login', { role_id: 'x', secret_id: 'y' })
    }
  })
  after(async () => {
    await front[Symbol.asyncDispose]()
    await small[Symbol.asyncDispose]()
  })

  for (const [title, rows] of Object.entries(TABLES)) {
    describe(title, () => {
      for (const [name, { status, errors, audited, ...asked }] of Object.entries(rows)) {
        test(name, () => assertRefused(audited === false ? small : front, asked, { status, errors, audited: audited !== false }))
      }
    })
  }

  test('a refusal by policy tells nothing of what is there', async () => {
    const made = await front.world.ok('write', CREATE, { policies: ['default'] })
    const token = made.auth.client_token
    for (const target of ['/v1/secret/data/a', '/v1/nope/x', '/v1/sys/nope', '/v1/sys/mounts', '/v1/auth/userpass/users/ann']) {
      await assertRefused(front, { target, token }, { status: 403, errors: POLICY_DENIED, audited: true })
    }
  })
  test('removing what is not there is answered as ever, and writes nothing', async () => {
    const { world } = front
    const { revision } = world.store
    for (const path of [
      'kv/never',
      'cubbyhole/never',
      'secret/data/never',
      'secret/metadata/never',
      'auth/userpass/users/never',
      'auth/approle/role/never',
    ]) {
      assert.equal((await front.ask({ method: 'DELETE', target: `/v1/${path}` })).status, 204, path)
    }
    for (const path of ['mounts/never', 'auth/never', 'policies/acl/never', 'audit/never']) {
      assert.equal((await front.ask({ method: 'DELETE', target: `/v1/sys/${path}` })).status, 204, path)
    }
    assert.equal(world.store.revision, revision)
  })
})

describe('a token that is no longer one', () => {
  test('expired, revoked, used up, or without its parent: refused as if it had never been', async () => {
    await using front = await openFront()
    const { world } = front
    const make = async (more: Record<string, string | number>, by = world.rootToken) =>
      (await world.ok('write', CREATE, { policies: ['root'], ...more }, { token: by })).auth.client_token as string
    const [expired, revoked, used, parent] = [await make({ ttl: 60 }), await make({}), await make({ num_uses: 1 }), await make({})]
    const child = await make({}, parent)
    await world.ok('read', 'auth/token/lookup-self', {}, { token: used })
    await world.ok('write', 'auth/token/revoke', { token: revoked })
    await world.ok('write', 'auth/token/revoke', { token: parent })
    world.clock.advance(61_000)
    for (const token of [expired, revoked, used, parent, child]) {
      for (const asked of [
        { target: '/v1/sys/mounts', token },
        { method: 'PUT', target: '/v1/sys/policies/acl/p', body: { policy: 'path "a" {}' }, token },
        { method: 'PUT', target: '/v1/auth/token/create', body: {}, token },
      ]) {
        await assertRefused(front, asked, { status: 403, errors: DENIED, audited: true })
      }
    }
  })
})

describe('a server that can not serve', () => {
  const ASKED: readonly Asked[] = [
    { target: '/v1/sys/mounts' },
    { target: '/v1/sys/mounts', token: '' },
    { method: 'PUT', target: '/v1/kv/a', body: { a: 1 } },
    { method: 'PUT', target: '/v1/auth/userpass/login/ann', body: { password: 'x' }, token: '' },
    { method: 'LIST', target: '/v1/sys/policies/acl' },
    { method: 'DELETE', target: '/v1/sys/mounts/kv' },
    { target: '/v1/nope/x' },
  ]

  test('sealed: 503 to everyone, whatever is asked', async () => {
    await using front = await openFront()
    await front.world.ok('write', 'sys/seal')
    for (const asked of ASKED) await assertRefused(front, asked, { status: 503, errors: ['Vault is sealed'], audited: false })
    const health = await front.ask({ target: '/v1/sys/health', token: '' })
    assert.deepEqual([health.status, health.body.sealed], [503, true])
  })

  test('uninitialised: 503, and nothing can be unsealed', async () => {
    await using front = await openFront({ blank: true })
    for (const asked of ASKED) await assertRefused(front, { token: 'hvs.x', ...asked }, { status: 503, errors: ['Vault is sealed'], audited: false })
    const unseal = { method: 'PUT', target: '/v1/sys/unseal', body: { key: 'aa'.repeat(32) }, token: '' }
    await assertRefused(front, unseal, { status: 400, errors: ['Vault is not initialized'], audited: false })
    assert.equal((await front.ask({ target: '/v1/sys/health', token: '' })).status, 501)
  })

  test('shares that are none leave it sealed and end nothing but the attempt', async () => {
    await using front = await openFront()
    await front.world.ok('write', 'sys/seal')
    const rows: Readonly<Record<string, readonly [unknown, string]>> = {
      nothing: [{}, "'key' must be specified in request body as JSON, or 'reset' set to true"],
      'a word': [{ key: 'zz' }, "'key' must be a valid hex or base64 string"],
      'a number': [{ key: 7 }, "'key' must be a valid hex or base64 string"],
      short: [{ key: 'aa'.repeat(16) }, 'invalid key: key is shorter than minimum 32 bytes'],
      long: [{ key: 'aa'.repeat(33) }, 'invalid key: key is longer than maximum 32 bytes'],
      wrong: [
        { key: 'aa'.repeat(32) },
        'unable to retrieve stored keys: invalid key: failed to decrypt keys from storage: cipher: message authentication failed',
      ],
      'no JSON': ['{', 'failed to parse JSON input: invalid JSON'],
    }
    for (const [body, error] of Object.values(rows)) {
      const refused = { method: 'PUT', target: '/v1/sys/unseal', body, token: '' }
      await assertRefused(front, refused, { status: 400, errors: [error], audited: false })
    }
    const right = { method: 'PUT', target: '/v1/sys/unseal', body: { key: front.world.share.toString('hex') }, token: '' }
    assert.equal((await front.ask(right)).body.sealed, false)
  })

  test('without an audit device that takes records: 500, and nothing happened', async () => {
    await using front = await openFront()
    await front.world.ok('write', 'sys/mounts/kv', { type: 'kv' })
    front.world.breakAudit(new Error('disk full'))
    const { revision } = front.world.store
    for (const asked of [{ target: '/v1/sys/mounts' }, { method: 'PUT', target: '/v1/kv/a', body: { a: 1 } }, { target: '/v1/nope' }]) {
      const { status, body } = await front.ask(asked)
      assert.deepEqual([status, body], [500, { errors: ['internal error'] }])
    }
    assert.equal(front.world.store.revision, revision)
    front.world.breakAudit(undefined)
    assert.equal((await front.ask({ target: '/v1/kv/a' })).status, 404)
  })
})

test('nothing is read behind a request that was refused for its framing', async () => {
  await using front = await openFront()
  await front.world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  const smuggled = `PUT /v1/kv/smuggled HTTP/1.1\r\nHost: a\r\nX-Vault-Token: ${front.world.rootToken}\r\nContent-Length: 7\r\n\r\n{"a":1}`
  const heads = [
    'Content-Length: 5\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Content-Length: 0\r\nContent-Length: 3',
    'Content-Length: 0x3',
    'Content-Length: 1 1',
    'X: a\r\n Content-Length: 3',
    'X: a\nContent-Length: 3',
  ]
  const { revision } = front.world.store
  const before = records(front.world).length
  for (const head of heads) {
    const client = front.dial()
    await client.send(`POST /v1/kv/outer HTTP/1.1\r\nHost: a\r\n${head}\r\n\r\n0\r\n\r\n${smuggled}`)
    assert.equal((await client.next())?.status, 400, head)
    assert.equal(await client.closed(), '', head)
  }
  assert.equal(front.world.store.revision, revision)
  assert.equal(records(front.world).length, before)
})
