// What the commands ask the server, and what they print of the answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const done = { data: {} }

for (const [line, expected] of [
  ['read a x=1 x=2', 'GET a?x=1&x=2'],
  ['list -after=b -limit=2 a', 'GET a?after=b&limit=2&list=true'],
  ['scan a', 'GET a?scan=true'],
  ['delete a v=1', 'DELETE a?v=1'],
  ['patch a b=1', 'PATCH a {"b":"1"}'],
  ['write -f a', 'PUT a {}'],
  ['path-help /a/', 'GET a?help=1'],
  ['token lookup', 'GET auth/token/lookup-self'],
  ['token lookup x', 'POST auth/token/lookup {"token":"x"}'],
  ['token lookup -accessor x', 'POST auth/token/lookup-accessor {"accessor":"x"}'],
  ['token renew -increment=1h', 'PUT auth/token/renew-self {"increment":3600}'],
  ['token renew x', 'PUT auth/token/renew {"token":"x","increment":0}'],
  ['token renew -accessor x', 'POST auth/token/renew-accessor {"accessor":"x","increment":0}'],
  ['token revoke x', 'PUT auth/token/revoke {"token":"x"}'],
  ['token revoke -self', 'PUT auth/token/revoke-self'],
  ['token revoke -mode=orphan x', 'PUT auth/token/revoke-orphan {"token":"x"}'],
  ['token revoke -mode=path auth/userpass', 'PUT sys/leases/revoke-prefix/auth/userpass'],
  ['token revoke -accessor x', 'POST auth/token/revoke-accessor {"accessor":"x"}'],
  ['token capabilities a/b', 'POST sys/capabilities-self {"path":"a/b"}'],
  ['token capabilities x a/b', 'POST sys/capabilities {"token":"x","path":"a/b"}'],
  [
    'token create -policy=a -policy=b -ttl=1h -use-limit=3 -metadata=k=v -orphan -no-default-policy',
    'POST auth/token/create {"policies":["a","b"],"meta":{"k":"v"},"ttl":"1h0m0s","explicit_max_ttl":"0s","period":"0s","no_parent":true,"no_default_policy":true,"display_name":"","num_uses":3,"renewable":true,"type":"service"}',
  ],
  ['secrets disable /a', 'DELETE sys/mounts/a'],
  [
    'secrets enable -path=a -version=2 -default-lease-ttl=1h -audit-non-hmac-request-keys=k kv',
    'POST sys/mounts/a {"type":"kv","description":"","config":{"default_lease_ttl":"1h0m0s","max_lease_ttl":"0s","audit_non_hmac_request_keys":["k"],"force_no_cache":false},"local":false,"seal_wrap":false,"options":{"version":"2"}}',
  ],
  ['secrets tune -max-lease-ttl=system -description=d a/', 'POST sys/mounts/a/tune {"max_lease_ttl":"system","description":"d"}'],
  ['auth tune -token-type=batch a', 'POST sys/mounts/auth/a/tune {"token_type":"batch"}'],
  ['auth disable a', 'DELETE sys/auth/a'],
  ['kv enable-versioning a', 'POST sys/mounts/a/tune {"options":{"version":"2"}}'],
  ['audit enable -path=p file file_path=/x', 'PUT sys/audit/p {"type":"file","description":"","options":{"file_path":"/x"},"local":false}'],
  ['policy delete APP', 'DELETE sys/policies/acl/app'],
  ['operator seal', 'PUT sys/seal'],
  ['operator rotate', 'PUT sys/rotate'],
  ['operator rekey -init -n 2 -t 2 -verify', 'PUT sys/rekey/init {"secret_shares":2,"secret_threshold":2,"require_verification":true}'],
  [
    'operator rekey -init -target=recovery x',
    'PUT sys/rekey-recovery-key/init {"secret_shares":5,"secret_threshold":3,"require_verification":false,"key":"x"}',
  ],
  ['operator rekey -status -verify', 'GET sys/rekey/verify'],
  ['operator rekey -cancel', 'DELETE sys/rekey/init'],
  ['operator rekey -cancel -verify x', 'DELETE sys/rekey/verify {"key":"x"}'],
  ['operator generate-root -init -otp=o', 'PUT sys/generate-root/attempt {"otp":"o"}'],
  ['operator generate-root -cancel', 'DELETE sys/generate-root/attempt'],
  ['operator init', 'PUT sys/init {"secret_shares":5,"secret_threshold":3}'],
  ['operator unseal -migrate x', 'PUT sys/unseal {"key":"x","migrate":true}'],
  [
    'operator rekey -init -target=recovery -recovery-unseal x',
    'PUT sys/rekey-recovery-key/init {"secret_shares":5,"secret_threshold":3,"require_verification":false,"recovery_unseal":true,"key":"x"}',
  ],
  ['operator init -n 3 -t 2', 'PUT sys/init {"secret_shares":3,"secret_threshold":2}'],
  ['unwrap x', 'PUT sys/wrapping/unwrap {"token":"x"}'],
] as const) {
  test(`asks: ${line}`, async () => assert.equal((await runWith(line, { script: {} })).sent.at(-1), expected))
}

test('data comes from arguments, files and standard input', async () => {
  const files = { 'v.txt': 'from file', 'd.json': '{"n":1.0}' }
  const { sent } = await runWith(['write', 'a', 'x=1', 'x=2', 'f=@v.txt', 'at=\\@v.txt', '@d.json', 's=-', ''], { files, stdin: 'from stdin' })
  assert.equal(sent[0], 'PUT a {"x":["1","2"],"f":"from file","at":"@v.txt","n":1.0,"s":"from stdin"}')
  assert.equal((await runWith('write a -', { stdin: '{"k":{"l":null}}' })).sent[0], 'PUT a {"k":{"l":null}}')
})

for (const [words, message] of [
  [['x'], 'Failed to parse K=V data: invalid key/value pair "x": format must be key=value'],
  [['x=@none'], 'Failed to parse K=V data: invalid key/value pair "x=@none": error reading file: open none: no such file or directory'],
  [['x=-', 'y=-'], 'Failed to parse K=V data: invalid key/value pair "y=-": stdin already consumed'],
  [['@list.json'], 'Failed to parse K=V data: invalid key/value pair "@list.json": must be a JSON object'],
] as const) {
  test(`refuses data: ${words.join(' ')}`, async () => {
    const { code, err } = await runWith(['write', 'a', ...words], { files: { 'list.json': '[]' } })
    assert.deepEqual([code, err], [1, `${message}\n`])
  })
}

test('a secret as table, JSON, YAML and field', async () => {
  const script = { 'GET a': { request_id: 'r', lease_duration: 3600, data: { ttl: 60, b: ['x'], a: null } } }
  const out = async (line: string, more = {}) => (await runWith(line, { script, ...more })).out
  assert.equal(
    await out('read a'),
    'Key                 Value\n---                 -----\nrefresh_interval    1h\na                   <nil>\nb                   [x]\nttl                 1m\n',
  )
  assert.equal(
    await out('read -format=json a'),
    '{\n  "request_id": "r",\n  "lease_id": "",\n  "lease_duration": 3600,\n  "renewable": false,\n  "data": {\n    "a": null,\n    "b": [\n      "x"\n    ],\n    "ttl": 60\n  },\n  "warnings": null\n}\n',
  )
  assert.equal(
    await out('read a', { env: { VAULT_FORMAT: 'yaml' } }),
    'data:\n  a: null\n  b:\n  - x\n  ttl: 60\nlease_duration: 3600\nlease_id: ""\nrenewable: false\nrequest_id: r\nwarnings: null\n',
  )
  assert.equal(await out('read -field=ttl a'), '60')
  assert.equal(await out('read -field=ttl a', { tty: true }), '60\n')
  assert.equal(await out('read -field=b -format=json a'), '[\n  "x"\n]')
  assert.equal(await out('read -format=raw a'), `${JSON.stringify(script['GET a'])}\n`)
  assert.equal((await runWith('read -field=zz a', { script })).err, 'Field "zz" not present in secret\n')
})

test('initializing a server that unseals by itself', async () => {
  const answer = { keys: [], keys_base64: [], recovery_keys: ['00', '01'], recovery_keys_base64: ['AA==', 'AQ=='], root_token: 'r' }
  const script = { 'GET sys/seal-status': { recovery_seal: true }, 'PUT sys/init': answer }
  const { sent, out } = await runWith('operator init -recovery-shares=2 -recovery-threshold=2 -recovery-unseal', { script })
  assert.equal(sent.at(-1), 'PUT sys/init {"recovery_shares":2,"recovery_threshold":2,"recovery_unseal":true}')
  assert.match(
    out,
    /^Recovery Key 1: AA==\nRecovery Key 2: AQ==\n\nInitial Root Token: r\n\nSuccess! Vault is initialized\n\nRecovery key initialized with 2 key shares/,
  )
  const json = JSON.parse((await runWith('operator init -format=json', { script })).out)
  assert.deepEqual([json.recovery_keys_hex, json.recovery_keys_shares, json.unseal_shares], [['00', '01'], 5, 1])
  assert.equal(
    (await runWith('operator init -recovery-shares=0 -n 3', { script })).sent.at(-1),
    'PUT sys/init {"recovery_shares":0,"recovery_threshold":0,"secret_shares":3}',
  )
  const curl = await runWith('operator init -output-curl-string', { script })
  assert.match(curl.out, /^curl -X PUT .*"recovery_shares":5/)
})

test('the encryption key as a table, and for machines', async () => {
  const data = { term: 2, install_time: '2026-11-07T23:25:47.098Z', encryptions: 12 }
  const script = { 'PUT sys/rotate': 204, 'GET sys/key-status': { ...data, data } }
  const shown = 'Key Term            2\nInstall Time        07 Nov 26 23:25 UTC\nEncryption Count    12\n'
  assert.equal((await runWith('operator rotate', { script })).out, `Success! Rotated key\n\n${shown}`)
  assert.equal((await runWith('operator key-status', { script })).out, shown)
  assert.equal((await runWith('operator key-status -format=json', { script })).out, `${JSON.stringify(data, null, 2)}\n`)
})

test('a login and a wrapped answer as tables', async () => {
  const auth = { client_token: 't', accessor: 'acc', lease_duration: 0, policies: ['p'], token_policies: ['p'], metadata: { user: 'ann' } }
  const { out } = await runWith('write a b=1', { script: { 'PUT a': { auth } } })
  assert.match(out, /token_duration {7}∞\n[^]*token_policies {7}\["p"\]\nidentity_policies {4}\[\]\npolicies {13}\["p"\]\ntoken_meta_user {6}ann\n$/)
  const wrap_info = { token: 'w', accessor: 'wa', ttl: 60, creation_time: '2026-01-02T03:04:05Z', creation_path: 'a' }
  const wrapped = await runWith('read a', { script: { 'GET a': { wrap_info } } })
  assert.match(wrapped.out, /wrapping_token: +w\n[^]*wrapping_token_ttl: +1m\nwrapping_token_creation_time: +2026-01-02 03:04:05 \+0000 UTC\n/)
})

test('lists, with details where they are asked for', async () => {
  const script = { 'GET a?list=true': { data: { keys: ['b', 'a/'], key_info: { b: { ttl: 60, name: 'n' } } } } }
  assert.equal((await runWith('list a', { script })).out, 'Keys\n----\na/\nb\n')
  assert.equal(
    (await runWith('list -detailed a', { script })).out,
    'Keys    name    ttl\n----    ----    ---\na/      n/a     n/a\nb       n       1m\n',
  )
  assert.equal((await runWith('list -format=json a', { script })).out, '[\n  "b",\n  "a/"\n]\n')
  assert.equal((await runWith('list -format=json b', { script })).out, '{}\n')
})

test('kv get shows path, metadata and data', async () => {
  const secret = { data: { data: { user: 'ann' }, metadata: { version: 3, destroyed: false } } }
  const script = { 'GET sys/internal/ui/mounts/secret': { data: { path: 'secret/', options: { version: '2' } } }, 'GET secret/data/app': secret }
  assert.equal(
    (await runWith('kv get -mount=secret app', { script })).out,
    '= Secret Path =\nsecret/data/app\n\n==== Metadata ====\nKey          Value\n---          -----\ndestroyed    false\nversion      3\n\n' +
      '==== Data ====\nKey     Value\n---     -----\nuser    ann\n',
  )
  assert.equal((await runWith('kv get -mount=secret -field=user app', { script })).out, 'ann')
})

test('kv patch reads and writes where it may not patch', async () => {
  const script = {
    'GET sys/internal/ui/mounts/secret/app': { data: { path: 'secret/', options: { version: '2' } } },
    'GET secret/data/app': { data: { data: { a: 1, b: 2 }, metadata: { version: 4 } } },
    'PATCH secret/data/app': 403,
    'PUT secret/data/app': { data: { version: 5 } },
  }
  const { code, sent, err } = await runWith('kv patch -remove-data=b secret/app c=3', { script })
  assert.equal(code, 0)
  assert.equal(sent.at(-1), 'PUT secret/data/app {"data":{"a":1,"c":"3"},"options":{"cas":4}}')
  assert.match(err, /with the "patch" capability/)
  assert.equal((await runWith('kv patch -method=patch secret/app c=3', { script })).code, 2)
})

test('kv rollback writes the old data again, unless it is gone', async () => {
  const version = (metadata: object, data: object | null) => ({ data: { data, metadata } })
  const script = {
    'GET sys/internal/ui/mounts/secret/app': { data: { path: 'secret/', options: { version: '2' } } },
    'GET secret/data/app': version({ version: 4 }, { a: 4 }),
    'GET secret/data/app?version=1': version({ version: 1 }, { a: 1 }),
    'GET secret/data/app?version=2': [404, version({ version: 2, deletion_time: 'then' }, null)],
    'PUT secret/data/app': { data: { version: 5 } },
  } as const
  assert.equal(
    (await runWith('kv rollback -version=1 secret/app', { script })).sent.at(-1),
    'PUT secret/data/app {"data":{"a":1},"options":{"cas":4}}',
  )
  assert.equal((await runWith('kv rollback -version=2 secret/app', { script })).err, 'Cannot roll back to a version that has been deleted\n')
})

test('init prints shares and token, and for machines under the names they know', async () => {
  const script = { 'PUT sys/init': { keys: ['aa', 'bb'], keys_base64: ['qg==', 'uw=='], root_token: 'hvs.x' } }
  const people = await runWith('operator init -n 2 -t 2', { script })
  assert.match(people.out, /^Unseal Key 1: qg==\nUnseal Key 2: uw==\n\nInitial Root Token: hvs\.x\n\nInitialized with 2 key shares/)
  const machines = JSON.parse((await runWith('operator init -n 2 -t 2 -format=json', { script })).out)
  assert.deepEqual(
    [machines.unseal_keys_b64, machines.unseal_keys_hex, machines.unseal_threshold, machines.root_token],
    [['qg==', 'uw=='], ['aa', 'bb'], 2, 'hvs.x'],
  )
})

test('a share of the key is asked for, piped in or given', async () => {
  const script = {
    'PUT sys/unseal': { type: 'shamir', sealed: true, t: 2, n: 3, progress: 1, nonce: 'abc' },
    'GET sys/leader': { ha_enabled: false },
  }
  const sent = async (line: string, given: object) => (await runWith(line, { script, ...given })).sent[0]
  assert.equal(await sent('operator unseal', { typed: ' k ' }), 'PUT sys/unseal {"key":"k"}')
  assert.equal(await sent('operator unseal -', { stdin: 'k\n' }), 'PUT sys/unseal {"key":"k"}')
  assert.equal(await sent('operator unseal k', {}), 'PUT sys/unseal {"key":"k"}')
  assert.equal(await sent('operator unseal -reset', {}), 'PUT sys/unseal {"reset":true}')
  assert.match((await runWith('operator unseal k', { script })).out, /Unseal Progress {4}1\/2\n/)
  const alone = await runWith('operator unseal', { script })
  assert.deepEqual([alone.code, alone.sent.length], [1, 0])
  assert.equal((await runWith('operator unseal -non-interactive', { script, typed: 'k' })).code, 1)
})

test('mounts as table and as JSON', async () => {
  const mount = {
    accessor: 'kv_1',
    type: 'kv',
    description: 'd',
    config: { max_lease_ttl: 0, default_lease_ttl: 60 },
    options: { version: '2' },
    local: true,
    uuid: 'u',
  }
  const script = { 'GET sys/mounts': { data: { 'kv/': mount } } }
  assert.equal(
    (await runWith('secrets list', { script })).out,
    'Path    Type    Accessor    Description\n----    ----    --------    -----------\nkv/     kv      kv_1        d\n',
  )
  assert.match(
    (await runWith('secrets list -detailed', { script })).out,
    /kv\/ +kv +kv_1 +60 +system +n\/a +local +n\/a +n\/a +map\[version:2\] +d +u +/,
  )
  assert.deepEqual(Object.keys(JSON.parse((await runWith('secrets list -format=json', { script })).out)['kv/']), [
    'uuid',
    'type',
    'description',
    'accessor',
    'config',
    'options',
    'local',
  ])
})

test('a mount is moved, and followed until it is there', async () => {
  const info = (status: string) => ({ data: { migration_info: { status } } })
  const script = { 'POST sys/remount': { data: { migration_id: 'm' } }, 'GET sys/remount/status/m': info('success') }
  const { out, sent } = await runWith('secrets move a b/', { script })
  assert.equal(
    out,
    'Started moving secrets engine a/ to b/, with migration ID m\nSuccess! Finished moving secrets engine a/ to b/, with migration ID m\n',
  )
  assert.equal(sent[0], 'POST sys/remount {"from":"a/","to":"b/"}')
  assert.equal((await runWith('auth move a b', { script })).sent[0], 'POST sys/remount {"from":"auth/a/","to":"auth/b/"}')
  assert.equal((await runWith('auth move auth/a auth/b', { script })).sent[0], 'POST sys/remount {"from":"auth/a/","to":"auth/b/"}')
  const failed = await runWith('secrets move a b', { script: { ...script, 'GET sys/remount/status/m': info('failure') } })
  assert.deepEqual([failed.code, failed.err], [2, 'Failure! Error encountered moving secrets engine a/ to b/, with migration ID m\n'])
  assert.equal((await runWith('secrets move a b', { script: { 'POST sys/remount': { data: { migration_id: 'm' } } } })).code, 2)
  assert.equal((await runWith('secrets move a')).code, 1)
})

test('policies are listed, read, written and formatted', async () => {
  const script = {
    'GET sys/policies/acl?list=true': { data: { keys: ['default', 'root'] } },
    'GET sys/policies/acl/app': { data: { policy: 'path "a" {}\n' } },
    'PUT sys/policies/acl/app': 204,
  }
  assert.equal((await runWith('policy list', { script })).out, 'default\nroot\n')
  assert.equal((await runWith('policy read APP', { script })).out, 'path "a" {}\n')
  assert.deepEqual(
    [(await runWith('policy read none', { script })).code, (await runWith('policy read none', { script })).err],
    [2, 'No policy named: none\n'],
  )
  const written = await runWith('policy write App -', { script, stdin: 'rules' })
  assert.deepEqual([written.sent[0], written.out], ['PUT sys/policies/acl/app {"policy":"rules"}', 'Success! Uploaded policy: app\n'])
  assert.equal(written.err, 'Policy name was converted from "App" to "app"\n')
  const formatted = await runWith('policy fmt ~/p.hcl', { files: { '/home/ann/p.hcl': 'rules' } })
  assert.equal(formatted.files.get('/home/ann/p.hcl'), 'formatted rules')
})

test('capabilities are sorted', async () => {
  const script = { 'POST sys/capabilities-self': { data: { a: ['update', 'read'], capabilities: ['update', 'read'] } } }
  assert.equal((await runWith('token capabilities a', { script })).out, 'read, update\n')
})

test('server and dev hand on what they were asked for', async () => {
  const [server] = (await runWith('server -config=a.hcl -config b.hcl -log-level=debug')).started
  assert.deepEqual(server, { config: ['a.hcl', 'b.hcl'], dev: undefined, recovery: false, logLevel: 'debug', logFormat: undefined })
  assert.equal((await runWith('server -config=a.hcl -recovery')).started[0]?.recovery, true)
  const dev = { rootTokenId: 'root', listenAddress: '127.0.0.1:1', kvV1: true, trustDomain: 'example.org', noStoreToken: true }
  const line = '-dev-root-token-id=root -dev-listen-address=127.0.0.1:1 -dev-kv-v1 -dev-trust-domain=example.org -dev-no-store-token'
  assert.deepEqual((await runWith(`server -dev ${line}`)).started[0]?.dev, dev)
  assert.deepEqual((await runWith(`dev ${line}`)).started[0]?.dev, dev)
})

test('an empty answer prints success for people and nothing for machines', async () => {
  const script = { 'PUT a': 204 }
  assert.equal((await runWith('write a b=1', { script })).out, 'Success! Data written to: a\n')
  assert.equal((await runWith('write -format=json a b=1', { script })).out, '')
  assert.equal(
    (await runWith('unwrap -', { script: { 'PUT sys/wrapping/unwrap': done }, stdin: 'w\n' })).sent[0],
    'PUT sys/wrapping/unwrap {"token":"w"}',
  )
})

test('audit records are printed page by page, one a line', async () => {
  const page = (n: number, more: boolean, rotated = false) => ({ data: { records: [{ n }, { n: n + 1 }], next: `at${n}`, more, rotated } })
  const script = {
    'GET sys/audit-view?limit=1000&since=2030-01-31T12%3A00%3A00Z': page(1, true),
    'GET sys/audit-view?after=at1&limit=1000&since=2030-01-31T12%3A00%3A00Z': page(3, false, true),
  }
  const { code, out, err } = await runWith('audit view -since=2030-01-31T12:00:00Z', { script })
  assert.deepEqual([code, out], [0, '{"n":1}\n{"n":2}\n{"n":3}\n{"n":4}\n'])
  assert.match(err, /some records of the one before may be missing/)
  for (const status of [403, 404]) assert.equal((await runWith('audit view', { script: { 'GET sys/audit-view?limit=1000': status } })).code, 2)
})
