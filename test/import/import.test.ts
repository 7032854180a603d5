// Moving in: everything that a server's API tells is carried into another; again, after an interruption, and into one that is in use.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ask, devServer, SIGNET } from '../support/server.ts'
import { run } from '../support/tools.ts'

interface Server {
  readonly address: string
  call(method: string, path: string, data?: unknown): Promise<{ status: number; body: any }>
  /** What it answers to a read, as data. */
  data(path: string): Promise<any>
}

async function open(t: TestContext): Promise<Server> {
  const address = await devServer(t)
  const call: Server['call'] = (method, path, data) => ask(address, method, path, data)
  return { address, call, data: async (path) => (await call('GET', path)).body?.data }
}

interface Outcome {
  readonly code: number
  readonly counts: Record<string, Record<'carried' | 'same' | 'left' | 'failed', number>>
  readonly lines: readonly { kind: string; name: string; outcome: string; why?: string }[]
  readonly err: string
}

async function importFrom(source: Server, target: Server, ...more: string[]): Promise<Outcome> {
  const env = { PATH: process.env['PATH'], HOME: '/nonexistent', VAULT_ADDR: target.address, VAULT_TOKEN: 'root', VAULT_SOURCE_TOKEN: 'root' }
  const args = ['operator', 'import', '-format=json', `-source=${source.address}`, ...more]
  const ran = await run(SIGNET, args, { env, maxBuffer: 1 << 24 }).then(
    (done) => ({ ...done, code: 0 }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
  assert.ok(ran.stdout.startsWith('{'), ran.stderr)
  return { code: ran.code, err: ran.stderr, ...JSON.parse(ran.stdout) }
}

/** Something of everything that is carried. */
async function furnish({ call }: Server): Promise<void> {
  await call('POST', 'sys/mounts/team', {
    type: 'kv',
    description: 'ours',
    options: { version: '2' },
    config: { default_lease_ttl: '2h', listing_visibility: 'unauth' },
  })
  await call('POST', 'sys/mounts/one', { type: 'kv' })
  await call('PUT', 'one/deep/er', { a: 'b', ttl: '30s' })
  for (let n = 1; n <= 6; n++) await call('PUT', 'team/data/app/db', { data: { n } })
  await call('PUT', 'team/metadata/app/db', { max_versions: 3, custom_metadata: { owner: 'ann' } })
  await call('PUT', 'team/data/app/db', { data: { n: 7 } })
  for (let n = 1; n <= 4; n++) await call('PUT', 'team/data/x', { data: { n } })
  await call('PUT', 'team/delete/x', { versions: [2] })
  await call('PUT', 'team/destroy/x', { versions: [3] })
  for (let n = 1; n <= 14; n++) await call('PUT', 'team/data/long', { data: { n } })
  await call('PUT', 'team/metadata/bare', { custom_metadata: { only: 'metadata' } })
  await call('PUT', 'team/metadata/soon', { delete_version_after: '2h', cas_required: true })
  await call('PUT', 'team/data/soon', { data: { a: 1 }, options: { cas: 0 } })
  await call('PUT', 'team/config', { max_versions: 20 })
  await call('PUT', 'sys/policies/acl/app', { policy: 'path "team/data/*" { capabilities = ["read"] }' })
  await call('POST', 'sys/auth/userpass', { type: 'userpass' })
  await call('PUT', 'auth/userpass/users/ann', { password: 'old', token_policies: ['app'], token_ttl: '1h' })
  await call('POST', 'sys/auth/approle', { type: 'approle' })
  await call('PUT', 'auth/approle/role/web', { token_policies: ['app'], secret_id_num_uses: 3 })
  await call('PUT', 'auth/approle/role/web/secret-id')
  await call('PUT', 'auth/token/roles/ci', { allowed_policies: ['app'], orphan: true, token_period: '1h' })
}

const withoutTimes = (metadata: any) => {
  const { created_time: _, updated_time: __, current_metadata_version: ___, oldest_version: ____, versions, ...rest } = metadata
  return { ...rest, versions: Object.entries<any>(versions).map(([number, one]) => [number, one.destroyed, one.deletion_time !== '']) }
}

test('everything is carried, once, and what can not be is named', async (t) => {
  const [source, target] = await Promise.all([open(t), open(t)])
  await furnish(source)
  const dry = await importFrom(source, target, '-dry-run')
  assert.equal(dry.code, 0)
  assert.equal((await target.call('GET', 'sys/mounts/team')).status, 400, 'a dry run writes nothing')
  assert.equal((await target.call('GET', 'sys/policies/acl/app')).status, 404)

  const first = await importFrom(source, target)
  assert.deepEqual([first.code, first.lines.filter(({ outcome }) => outcome === 'failed')], [0, []])
  assert.equal(first.counts['secret']?.carried, 6)
  for (const name of ['app/db', 'x', 'long', 'bare']) {
    const [from, to] = await Promise.all([source, target].map(async ({ data }) => withoutTimes(await data(`team/metadata/${name}`))))
    assert.deepEqual(to, from, name)
  }
  for (const [path, n] of [
    ['app/db?version=5', 5],
    ['app/db', 7],
    ['x?version=1', 1],
    ['x', 4],
    ['long?version=5', 5],
    ['long', 14],
  ] as const) {
    assert.deepEqual((await target.data(`team/data/${path}`)).data, { n }, path)
  }
  assert.equal((await target.call('GET', 'team/data/x?version=2')).status, 404)
  assert.deepEqual((await target.data('team/metadata/soon')).cas_required, true)
  assert.equal((await target.data('team/metadata/soon')).delete_version_after, '2h0m0s')
  assert.equal((await target.data('team/config')).max_versions, 20)
  for (const path of [
    'one/deep/er',
    'sys/mounts/team/tune',
    'auth/userpass/users/ann',
    'auth/approle/role/web',
    'auth/approle/role/web/role-id',
    'auth/token/roles/ci',
  ]) {
    assert.deepEqual(await target.data(path), await source.data(path), path)
  }
  assert.equal((await target.data('sys/policies/acl/app')).policy, 'path "team/data/*" { capabilities = ["read"] }')
  assert.equal((await ask(target.address, 'PUT', 'auth/userpass/login/ann', { password: 'old' }, '')).status, 400)
  const left = first.lines.map(({ kind, name }) => `${kind} ${name}`)
  for (const one of ['password auth/userpass/users/ann', 'secret ids auth/approle/role/web', 'deleted version team/x version 2'])
    assert.ok(left.includes(one), one)

  const second = await importFrom(source, target)
  assert.equal(second.code, 0)
  assert.ok(
    Object.values(second.counts).every(({ carried, failed }) => carried === 0 && failed === 0),
    JSON.stringify(second.counts),
  )
})

test('what was cut short is finished; what others have there is left alone', async (t) => {
  const [source, target] = await Promise.all([open(t), open(t)])
  for (const { call } of [source, target]) await call('POST', 'sys/mounts/team', { type: 'kv', options: { version: '2' } })
  for (let n = 1; n <= 5; n++) await source.call('PUT', 'team/data/cut', { data: { n } })
  for (let n = 1; n <= 2; n++) await target.call('PUT', 'team/data/cut', { data: { n } })
  await source.call('PUT', 'team/data/mine', { data: { of: 'source' } })
  await target.call('PUT', 'team/data/mine', { data: { of: 'target' } })
  await source.call('PUT', 'team/data/more', { data: { of: 'source' } })
  for (let n = 1; n <= 2; n++) await target.call('PUT', 'team/data/more', { data: { of: 'target' } })
  await source.call('POST', 'sys/mounts/kind', { type: 'kv' })
  await target.call('POST', 'sys/mounts/kind', { type: 'kv', options: { version: '2' } })

  const { code, lines } = await importFrom(source, target)
  assert.equal(code, 2)
  const failed = lines.filter(({ outcome }) => outcome === 'failed').map(({ name, why }) => `${name}: ${why}`)
  assert.deepEqual(failed.sort(), [
    'kind/: something else is mounted there: kv version 2',
    'team/mine: the target has a secret of its own there',
    'team/more: the target has a secret of its own there',
  ])
  const cut = await target.data('team/data/cut')
  assert.deepEqual([cut.data, cut.metadata.version], [{ n: 5 }, 5])
  assert.deepEqual((await target.data('team/data/cut?version=2')).data, { n: 2 })
  assert.deepEqual((await target.data('team/data/mine')).data, { of: 'target' })
})

test('a source that is not there, or without a token, is said in a line', async (t) => {
  const target = await open(t)
  for (const [args, env, why] of [
    [[], { VAULT_SOURCE_TOKEN: 'x' }, /the server to read from is needed/],
    [['-source=http://127.0.0.1:1'], { VAULT_SOURCE_TOKEN: 'x' }, /127\.0\.0\.1:1.*refused/s],
    [['-source=http://127.0.0.1:1'], {}, /Token for the source/i],
    [[`-source=${target.address}`], { VAULT_SOURCE_TOKEN: 'wrong' }, /permission denied/],
  ] as const) {
    const all = { PATH: process.env['PATH'], HOME: '/nonexistent', VAULT_ADDR: target.address, VAULT_TOKEN: 'root', ...env }
    await assert.rejects(run(SIGNET, ['operator', 'import', ...args], { env: all }), (error: { code: number; stderr: string }) => {
      assert.ok(error.code === 1 || error.code === 2)
      assert.match(error.stderr, why)
      return true
    })
  }
})
