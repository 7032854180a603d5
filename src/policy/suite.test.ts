// Suites: how they are read, what they ask, and what can't be read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicy } from './parse.ts'
import { parseSuite, runSuite } from './suite.ts'

const POLICIES: Readonly<Record<string, string>> = {
  'app.hcl': `
    path "secret/data/app/*" { capabilities = ["read"] }
    path "secret/metadata/app/*" { capabilities = ["list"] }
    path "user/{{identity.entity.name}}/{{identity.entity.metadata.team}}" { capabilities = ["read"] }
    path "auth/{{identity.entity.aliases.auth_1.name}}" { capabilities = ["read"] }
    path "of/{{spiffe.trust_domain}}/{{spiffe.path.1}}" { capabilities = ["read"] }
    path "group/{{identity.groups.names.ops.id}}" { capabilities = ["read"] }
    path "wrapped" { capabilities = ["read"] min_wrapping_ttl = "1m" }
    path "form" { capabilities = ["update"] allowed_parameters = { n = [1, "one"] } }
    path "soon over" { capabilities = ["read"] expiration = "2030-01-01T00:00:00Z" }
    path "sys/audit" { capabilities = ["read", "sudo"] }`,
  'none.hcl': '',
}

const run = (text: string) => runSuite(parseSuite(text), (file) => parsePolicy(file, POLICIES[file] ?? ''))
const failing = (text: string) => run(text).flatMap(({ holds, check }) => (holds ? [] : [`${check.line} ${check.operation}`]))

test('expectations of all kinds', () => {
  const suite = `
# what the application may do
policies none.hcl app.hcl   # both at once
allow read /secret/data/app/db
deny  update,patch,delete,create secret/data/app/db
allow list secret/metadata/app/x
allow read+sudo sys/audit
deny  update+sudo sys/audit
allow update form n:=1
allow update form n=one
deny  update form n=1
deny  read wrapped
allow read wrapped -wrapped=2m
allow read "soon over"
at 2030-01-01T00:00:00Z
deny  read "soon over"

deny  read user/ann/red
identity entity.name=ann entity.metadata.team=red alias.auth_1.name=ann group.ops.id=7
allow read user/ann/red
allow read auth/ann
allow read group/7
deny  read user/bob/red
identity spiffe=spiffe://example.org/ns/red/sa/web
allow read of/example.org/red
deny  read of/example.org/blue

policies none.hcl
deny  read secret/data/app/db`
  assert.deepEqual(failing(suite), [])
  assert.equal(run(suite).length, 23)
})

test('an expectation that does not hold is told with its line and the reason', () => {
  const [first, second] = run('policies app.hcl\nallow read,update secret/data/app/db')
  assert.deepEqual([first?.holds, second?.holds, second?.check.line, second?.check.operation], [true, false, 2, 'update'])
  assert.equal(second?.explanation.decidedBy?.path, 'secret/data/app/*')
})

test('what can not be read is refused, with its line', () => {
  for (const [text, message] of [
    ['\nallows read a', 'line 2: unknown word "allows"; a line begins with policies, identity, at, allow or deny'],
    ['policies', 'line 1: policies: expected the names of policy files'],
    ['allow read a', 'line 1: allow: no policies were named before'],
    ['policies a\nallow read', 'line 2: allow: expected operations and a path, such as allow read,list secret/app'],
    [
      'policies a\nallow write a',
      'line 2: unknown operation "write"; there are read, list, scan, create, update, patch, delete, each also with +sudo',
    ],
    [
      'policies a\nallow read+root a',
      'line 2: unknown operation "read+root"; there are read, list, scan, create, update, patch, delete, each also with +sudo',
    ],
    ['policies a\nallow read a b', 'line 2: "b" is no parameter; expected name=text or name:=JSON'],
    ['policies a\nallow read a b:=x', 'line 2: failed to parse JSON input: invalid JSON'],
    ['policies a\nallow read a/../b', 'line 2: path cannot contain "." or ".." segments'],
    ['at noon', 'line 1: cannot parse as time'],
    ['at', 'line 1: at: expected one time, such as 2030-01-31T12:00:00Z'],
    [
      'identity name=ann',
      'line 1: identity: "name=ann" is not known; expected entity.FACT=…, alias.ACCESSOR.FACT=…, group.NAME.FACT=… or spiffe=ID, where FACT is id, name, metadata.KEY or custom_metadata.KEY',
    ],
  ] as const) {
    assert.throws(() => parseSuite(text), { message }, text)
  }
})
