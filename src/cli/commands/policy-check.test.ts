// `policy explain`, `policy test`, `policy lint` and `whoami`: what they send, print and exit with.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kv2 } from '../../engines/kv/v2.ts'
import { KV2_PARTS } from '../../policy/lint-kv.ts'
import { runWith } from '../../testing/cli-ports.ts'

const FILES = {
  'policies/app.hcl': 'path "secret/data/app" {\n  capabilities = ["read"]\n}\n',
  'policies/app.test': 'policies app.hcl\nallow read secret/data/app\ndeny delete secret/data/app\n',
  'policies/wrong.test': 'policies app.hcl\nallow read,update secret/data/app\n',
  'policies/broken.test': 'policies app.hcl\nallow all secret/data/app\n',
  'policies/empty.test': '# nothing\n',
  'policies/lost.test': 'policies lost.hcl\nallow read a\n',
  'odd.hcl': 'path "secret/*/app" {\n  capabilities = ["read"]\n}\n',
  'bad.hcl': 'path "a" { capabilities = ["fly"] }',
}

test('expectations that hold', async () => {
  const ran = await runWith('policy test policies/app.test', { files: FILES })
  assert.deepEqual([ran.code, ran.out, ran.err], [0, 'ok      policies/app.test: 2 expectations hold\n', ''])
})

test('expectations that do not hold are explained', async () => {
  const ran = await runWith('policy test policies/app.test policies/wrong.test', { files: FILES })
  assert.deepEqual(
    [ran.code, ran.out],
    [
      1,
      `ok      policies/app.test: 2 expectations hold
policies/wrong.test:2: expected allow update secret/data/app, but
    update secret/data/app is refused: "secret/data/app" does not grant update.

    decides    secret/data/app    app:1    read    no other rule matches

    To allow it: give one of the policies what is missing on this path: update.

        path "secret/data/app" {
          capabilities = ["update"]
        }

FAILED  policies/wrong.test: 1 of 2 expectations do not hold
`,
    ],
  )
  const { code, out } = await runWith('policy test -format=json policies/wrong.test', { files: FILES })
  const [first, second] = JSON.parse(out)
  assert.deepEqual([code, first.holds, second.holds, second.line, second.reason], [1, true, false, 2, '"secret/data/app" does not grant update'])
})

test('files that can not be read or mean nothing', async () => {
  for (const [line, message] of [
    ['policy test policies/broken.test', /^policies\/broken.test: line 2: unknown operation "all"/],
    ['policy test policies/empty.test', /^policies\/empty.test: it expects nothing/],
    ['policy test policies/lost.test', /^open policies\/lost.hcl: no such file or directory/],
    ['policy test nowhere.test', /^open nowhere.test: no such file or directory/],
    ['policy lint bad.hcl', /^bad.hcl: failed to parse policy: path "a": invalid capability "fly"/],
  ] as const) {
    const ran = await runWith(line, { files: FILES })
    assert.equal(ran.code, 1, line)
    assert.match(ran.err, message, line)
  }
})

test('lint prints what it found, where, and by which check', async () => {
  const clean = await runWith('policy lint policies/app.hcl', { files: FILES })
  assert.deepEqual([clean.code, clean.out], [0, 'Nothing was found.\n'])
  const ran = await runWith('policy lint policies/app.hcl odd.hcl', { files: FILES })
  assert.deepEqual(
    [ran.code, ran.out],
    [1, 'odd.hcl:1: "secret/*/app" "*" means anything at the end of a path only; elsewhere it is a star. "+" stands for one segment [star-inside]\n'],
  )
  const { out } = await runWith('policy lint -format=json odd.hcl', { files: FILES })
  assert.deepEqual(Object.keys(JSON.parse(out)[0]).sort(), ['check', 'file', 'line', 'path', 'text'])
})

test('lint looks at files together where it is told to', async () => {
  const files = { 'a.hcl': 'path "a/*" { capabilities = ["deny"] }', 'b.hcl': 'path "a/b" { capabilities = ["read"] }' }
  assert.equal((await runWith('policy lint a.hcl b.hcl', { files })).code, 0)
  const { code, out } = await runWith('policy lint -together a.hcl b.hcl', { files })
  assert.deepEqual([code, out], [1, 'a.hcl:1: "a/*" does not hold for "a/b", where line 1 of b.hcl grants read [deny-overridden]\n'])
})

test('lint asks the server for its mounts where it is told to, and never otherwise', async () => {
  const files = { 'a.hcl': 'path "kv/app" {\n  capabilities = ["read"]\n}\n' }
  assert.deepEqual((await runWith('policy lint a.hcl', { files })).sent, [])
  const mount = (type: string, options: object | null) => ({ type, options })
  const secret = { 'kv/': mount('kv', { version: '2' }), 'old/': mount('kv', { version: '1' }), 'cubbyhole/': mount('cubbyhole', null) }
  const script = { 'GET sys/internal/ui/mounts': { data: { secret, auth: {} } } }
  const ran = await runWith('policy lint -mounts a.hcl', { files, script })
  assert.deepEqual(
    [ran.code, ran.sent, ran.out],
    [
      1,
      ['GET sys/internal/ui/mounts'],
      'a.hcl:1: "kv/app" grants nothing: "kv/" is KV version 2, as the server says; a rule on its secrets says "kv/data/app" [kv2-path]\n',
    ],
  )
  assert.equal((await runWith('policy lint -mounts a.hcl', { files, script: { 'GET sys/internal/ui/mounts': 403 } })).code, 2)
})

test('the parts of KV version 2 are those that the engine serves', () => {
  const served = new Set(kv2.paths.map(({ template }) => template.split('/', 1)[0] as string).filter((part) => !part.startsWith('*')))
  assert.deepEqual(KV2_PARTS, [...served].sort())
})

const TOLD = {
  allowed: false,
  operation: 'read',
  path: 'secret/a',
  needs: ['read'],
  reason: '"secret/*" does not grant read',
  policies: ['app', 'gone'],
  absent_policies: ['gone'],
  decided_by: {
    path: 'secret/*',
    capabilities: ['list'],
    because: 'it goes before the others: its pattern fits best',
    stanzas: [{ policy: 'app', line: 3, path: 'secret/*', capabilities: ['list'] }],
  },
  beaten: [{ path: '*', capabilities: ['deny'], because: '"secret/*" goes before it: it is longer', stanzas: [] }],
  idle: [{ policy: 'app', line: 9, path: 'secret/{{x}}', capabilities: ['read'], because: 'its template has no value for the one who asks' }],
  change: { text: 'give one of the policies a rule', rule: 'path "secret/a" {\n  capabilities = ["list", "read"]\n}\n' },
}

test('an explanation of the token in use', async () => {
  const script = { 'POST sys/policies/explain-self': { data: TOLD } }
  const ran = await runWith('policy explain read secret/a', { script })
  assert.deepEqual(ran.sent, ['POST sys/policies/explain-self {"operation":"read","path":"secret/a"}'])
  assert.equal(
    ran.out,
    `read secret/a is refused: "secret/*" does not grant read.

decides    secret/*    app:3    list    it goes before the others: its pattern fits best
loses      *           n/a      deny    "secret/*" goes before it: it is longer

not in force    secret/{{x}}    app:9    its template has no value for the one who asks

There is no policy named gone.

To allow it: give one of the policies a rule.

    path "secret/a" {
      capabilities = ["list", "read"]
    }
`,
  )
  assert.deepEqual(JSON.parse((await runWith('policy explain -format=json read secret/a', { script })).out), TOLD)
})

test('explanations of others and of refused requests', async () => {
  for (const [line, sent, stdin] of [
    ['policy explain -accessor=x read a', 'POST sys/policies/explain {"operation":"read","path":"a","accessor":"x"}'],
    [
      'policy explain -policy=a -policy=b update a k=v',
      'POST sys/policies/explain {"operation":"update","path":"a","parameters":{"k":"v"},"policies":["a","b"]}',
    ],
    [
      'policy explain -token=- -wrapped=5m read a',
      'POST sys/policies/explain {"operation":"read","path":"a","wrap_ttl":300,"token":"hvs.x"}',
      'hvs.x\n',
    ],
    ['policy explain -id=abc', 'POST sys/policies/explain-self {"id":"abc"}'],
  ] as const) {
    const ran = await runWith(line, stdin === undefined ? {} : { stdin })
    assert.equal(ran.sent[0], sent)
  }
  for (const line of ['policy explain', 'policy explain read', 'policy explain -id=abc read a']) {
    const ran = await runWith(line)
    assert.deepEqual([ran.code, ran.sent], [1, []], line)
  }
})

test('whoami', async () => {
  const data = {
    display_name: 'userpass-ann',
    policies: ['app', 'default'],
    mount: { path: 'auth/userpass/', type: 'userpass', accessor: 'a' },
    ttl: 60,
  }
  const script = { 'GET sys/whoami': { data } }
  const ran = await runWith('whoami', { script })
  assert.match(ran.out, /^display_name +userpass-ann$/m)
  assert.match(ran.out, /^mount +auth\/userpass\/ \(userpass\)$/m)
  assert.deepEqual(JSON.parse((await runWith('whoami -format=json', { script })).out), data)
})
