// Logging in, and the file that keeps the token.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const FILE = '/home/ann/.vault-token'
const nobody = { VAULT_TOKEN: '' }
const auth = { client_token: 'hvs.new', accessor: 'acc', lease_duration: 60, policies: ['app'], token_policies: ['app'] }
const script = {
  'GET auth/token/lookup-self': { data: { id: 'hvs.given', accessor: 'acc', policies: ['app'], ttl: 60, renewable: true, meta: { a: 'b' } } },
  'PUT auth/userpass/login/ann': { auth },
  'PUT auth/staff/login/ann': { auth },
  'PUT auth/approle/login': { auth },
  'PUT auth/spiffe/login': { auth },
}

for (const [line, given, sent, token] of [
  ['login hvs.given', {}, 'GET auth/token/lookup-self', 'hvs.given'],
  ['login token=hvs.given', {}, 'GET auth/token/lookup-self', 'hvs.given'],
  ['login -', { stdin: 'hvs.given\n' }, 'GET auth/token/lookup-self', 'hvs.given'],
  ['login', { typed: 'hvs.given' }, 'GET auth/token/lookup-self', 'hvs.given'],
  ['login hvs.any lookup=false', {}, undefined, 'hvs.any'],
  ['login -method=userpass username=ann password=pw', {}, 'PUT auth/userpass/login/ann {"password":"pw"}', 'hvs.new'],
  ['login -method=userpass username=ann', { typed: 'pw' }, 'PUT auth/userpass/login/ann {"password":"pw"}', 'hvs.new'],
  ['login -method=userpass -path=staff username=ann password=-', { stdin: 'pw' }, 'PUT auth/staff/login/ann {"password":"pw"}', 'hvs.new'],
  ['login -method=approle role_id=r secret_id=s', {}, 'PUT auth/approle/login {"role_id":"r","secret_id":"s"}', 'hvs.new'],
  ['login -method=approle role_id=r secret_id=', {}, 'PUT auth/approle/login {"role_id":"r"}', 'hvs.new'],
  ['login -method=spiffe', {}, 'PUT auth/spiffe/login {}', 'hvs.new'],
  ['login -method=spiffe role=web jwt=-', { stdin: 'e.y.J\n' }, 'PUT auth/spiffe/login {"role":"web","jwt":"e.y.J"}', 'hvs.new'],
] as const) {
  test(line, async () => {
    const ran = await runWith(line, { script, env: nobody, ...given })
    assert.equal(ran.code, 0, ran.err)
    assert.equal(ran.sent[0], sent)
    assert.equal(ran.files.get(FILE), token)
    assert.equal(ran.modes.get(FILE), 0o600)
    assert.match(ran.out, /^Success! You are now authenticated\./)
  })
}

test('a login sends no token that is lying about', async () => {
  const ran = await runWith('login -method=userpass username=ann password=pw', { script, files: { [FILE]: 'old' } })
  assert.equal(ran.requests[0]?.headers['X-Vault-Token'], undefined)
  assert.match(ran.err, /VAULT_TOKEN in the environment holds a token/)
})

for (const [line, out, stored] of [
  ['login -token-only hvs.given', 'hvs.given', false],
  ['login -field=token hvs.given', 'hvs.given', true],
  ['login -no-print hvs.given', '', true],
] as const) {
  test(`${line} prints ${JSON.stringify(out)}`, async () => {
    const ran = await runWith(line, { script, env: nobody })
    assert.deepEqual([ran.out, ran.files.has(FILE)], [out, stored])
  })
}

test('-no-store keeps the token out of the file and says so', async () => {
  const ran = await runWith('login -no-store hvs.given', { script, env: nobody })
  assert.equal(ran.files.has(FILE), false)
  assert.match(ran.out, /^Key {18}Value\n[^]*token {16}hvs\.given\n[^]*token_meta_a {9}b\n$/)
  assert.match(ran.err, /^The token was not stored/)
})

test('a wrapped login is opened before it is stored', async () => {
  const wrap_info = {
    token: 'hvs.wrap',
    accessor: 'wa',
    ttl: 60,
    creation_time: '2026-01-02T03:04:05Z',
    creation_path: 'auth/userpass/login/ann',
    wrapped_accessor: 'acc',
  }
  const wrapping = { 'PUT auth/userpass/login/ann': { wrap_info }, 'PUT sys/wrapping/unwrap': { auth } }
  const line = 'login -method=userpass -wrap-ttl=1m username=ann password=pw'
  const ran = await runWith(line, { script: wrapping, env: nobody })
  assert.equal(ran.files.get(FILE), 'hvs.new')
  assert.equal(ran.requests[1]?.headers['X-Vault-Token'], 'hvs.wrap')
  assert.equal(ran.requests[1]?.headers['X-Vault-Wrap-TTL'], undefined)
  const only = await runWith(`${line} -token-only`, { script: wrapping, env: nobody })
  assert.deepEqual([only.out, only.sent.length], ['hvs.wrap', 1])
})

for (const [line, code, message] of [
  ['login -method=userpas username=ann', 1, /^Unknown auth method: userpas\nhint: did you mean -method=userpass\?/],
  ['login -method=userpass', 2, /^Error authenticating: 'username' must be specified\n/],
  ['login', 2, /^Error authenticating: could not ask for the token: standard input is not a terminal\nhint: pipe it in: signet login -\n/],
  ['login -no-store -no-print x', 1, /cannot be used together/],
  ['login bad', 2, /^Error authenticating: error looking up token: Error making API request/],
] as const) {
  test(`${line} is refused`, async () => {
    const ran = await runWith(line, { script: { 'GET auth/token/lookup-self': 403 }, env: nobody })
    assert.equal(ran.code, code)
    assert.match(ran.err, message)
    assert.equal(ran.files.has(FILE), false)
  })
}

for (const [title, env, files, token] of [
  ['the environment', { SIGNET_TOKEN: 'ours', VAULT_TOKEN: 'theirs' }, { [FILE]: 'stored' }, 'ours'],
  ["Vault's variable", { VAULT_TOKEN: 'theirs' }, { [FILE]: 'stored' }, 'theirs'],
  ['the file', nobody, { [FILE]: 'stored\n' }, 'stored'],
  ['nowhere', nobody, {}, ''],
] as const) {
  test(`commands take the token from ${title}`, async () => {
    assert.equal((await runWith('print token', { env, files })).out, `${token}\n`)
  })
}
