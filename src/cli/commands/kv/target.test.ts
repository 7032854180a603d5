// Where keys of KV mounts live in the API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../../testing/cli-ports.ts'
import { apiPath } from './target.ts'

for (const [path, mount, expected] of [
  ['secret/app', 'secret/', 'secret/data/app'],
  ['secret', 'secret/', 'secret/data'],
  ['secret/a/b', 'secret/', 'secret/data/a/b'],
  ['team/kv/a', 'team/kv/', 'team/kv/data/a'],
  ['secret/secret/a', 'secret/', 'secret/data/secret/a'],
  ['secretive/a', 'secretive/', 'secretive/data/a'],
  ['kv/a', 'ns1/kv/', 'kv/data/a'],
  ['kv', 'ns1/ns2/kv/', 'kv/data'],
] as const) {
  test(`${path} in ${mount}`, () => assert.equal(apiPath(path, mount, 'data'), expected))
}

const v2 = { data: { path: 'secret/', options: { version: '2' } } }
const v1 = { data: { path: 'kv/', options: null } }

for (const [line, script, expected] of [
  ['kv get secret/app', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'GET secret/data/app'],
  ['kv get -mount=secret /app/', { 'GET sys/internal/ui/mounts/secret': v2 }, 'GET secret/data/app'],
  ['kv get -mount=secret -version=2 app', { 'GET sys/internal/ui/mounts/secret': v2 }, 'GET secret/data/app?version=2'],
  ['kv get kv/app', { 'GET sys/internal/ui/mounts/kv/app': v1 }, 'GET kv/app'],
  ['kv get -mount=kv app', { 'GET sys/internal/ui/mounts/kv': v1 }, 'GET kv/app'],
  ['kv get old/app', {}, 'GET old/app'],
  ['kv get -mount=old app', {}, 'GET old/app'],
  ['kv list secret', { 'GET sys/internal/ui/mounts/secret': v2 }, 'GET secret/metadata?list=true'],
  ['kv list -mount=secret', { 'GET sys/internal/ui/mounts/secret': v2 }, 'GET secret/metadata?list=true'],
  ['kv scan -mount=secret a', { 'GET sys/internal/ui/mounts/secret': v2 }, 'GET secret/metadata/a?scan=true'],
  ['kv put secret/app a=1', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'PUT secret/data/app {"data":{"a":"1"},"options":{}}'],
  ['kv put -cas=0 secret/app a=1', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'PUT secret/data/app {"data":{"a":"1"},"options":{"cas":0}}'],
  ['kv put kv/app a=1', { 'GET sys/internal/ui/mounts/kv/app': v1 }, 'PUT kv/app {"a":"1"}'],
  ['kv delete secret/app', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'DELETE secret/data/app'],
  [
    'kv delete -versions=1,2 -versions=3 secret/app',
    { 'GET sys/internal/ui/mounts/secret/app': v2 },
    'PUT secret/delete/app {"versions":["1","2","3"]}',
  ],
  ['kv undelete -versions=1 secret/app', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'PUT secret/undelete/app {"versions":["1"]}'],
  ['kv destroy -versions=1 secret/app', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'PUT secret/destroy/app {"versions":["1"]}'],
  ['kv metadata delete secret/app', { 'GET sys/internal/ui/mounts/secret/app': v2 }, 'DELETE secret/metadata/app'],
  [
    'kv metadata put -max-versions=2 -cas-required -delete-version-after=90m -custom-metadata=o=x secret/app',
    { 'GET sys/internal/ui/mounts/secret/app': v2 },
    'PUT secret/metadata/app {"max_versions":2,"cas_required":true,"delete_version_after":"1h30m0s","custom_metadata":{"o":"x"}}',
  ],
  [
    'kv metadata patch -remove-custom-metadata=o secret/app',
    { 'GET sys/internal/ui/mounts/secret/app': v2 },
    'PATCH secret/metadata/app {"custom_metadata":{"o":null}}',
  ],
  [
    'kv patch -remove-data=b secret/app a=1',
    { 'GET sys/internal/ui/mounts/secret/app': v2 },
    'PATCH secret/data/app {"data":{"a":"1","b":null},"options":{}}',
  ],
] as const) {
  test(line, async () => assert.equal((await runWith(line, { script })).sent.at(-1), expected))
}

test('the preflight decides: a refusal ends the command', async () => {
  const ran = await runWith('kv get secret/app', {
    script: { 'GET sys/internal/ui/mounts/secret/app': [403, { errors: ['preflight capability check returned 403'] }] },
  })
  assert.equal(ran.code, 2)
  assert.equal(ran.sent.length, 1)
  assert.match(ran.err, /\* preflight capability check returned 403\nhint: see what your token may do there: signet token capabilities secret\/app/)
})

test('the preflight is sent unwrapped, even where the request itself is only shown', async () => {
  const script = { 'GET sys/internal/ui/mounts/secret/app': v2 }
  const ran = await runWith('kv get -wrap-ttl=1m -output-curl-string secret/app', { script })
  assert.equal(ran.code, 0)
  assert.deepEqual(ran.sent, ['GET sys/internal/ui/mounts/secret/app'])
  assert.equal(ran.requests[0]?.headers['X-Vault-Wrap-TTL'], undefined)
  assert.equal(
    ran.out,
    `curl -H 'X-Vault-Request: true' -H "X-Vault-Token: $(signet print token)" -H 'X-Vault-Wrap-TTL: 1m0s' 'http://server/v1/secret/data/app'\n`,
  )
})

for (const [line, code, err] of [
  ['kv patch kv/app a=1', 2, 'K/V engine mount must be version 2 for patch support\n'],
  ['kv rollback -version=1 kv/app', 2, 'K/V engine mount must be version 2 for rollback support\n'],
  ['kv metadata get kv/app', 1, 'Metadata not supported on KV Version 1\n'],
  ['kv undelete -versions=1 kv/app', 1, 'Undelete not supported on KV Version 1\n'],
  ['kv destroy -versions=1 kv/app', 1, 'Destroy not supported on KV Version 1\n'],
  ['kv destroy kv/app', 1, 'No versions provided, use the "-versions" flag to specify the version to destroy.\n'],
  ['kv rollback kv/app', 1, 'Version flag must be specified\n'],
  ['kv put kv/app', 1, 'Must supply data\n'],
  ['kv get kv/app', 2, 'No value found at kv/app\n'],
] as const) {
  test(`${line} is refused`, async () => {
    const ran = await runWith(line, { script: { 'GET sys/internal/ui/mounts/kv/app': v1 } })
    assert.deepEqual([ran.code, ran.err], [code, err])
  })
}
