// Every check of the lint: a rule that it finds, and the nearest one that is fine.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { policySet, requests, textOf, twinWinner } from '../testing/acl-twin.ts'
import { lint } from './lint.ts'
import { covers, overlaps, shapeOf } from './overlap.ts'
import { parsePolicy } from './parse.ts'
import { matches, toPattern } from './pattern.ts'

const sudoPaths = ['sys/seal', 'sys/auth/*path', 'sys/locked-users/:accessor/unlock/*name', 'auth/token/accessors']

const found = (...texts: string[]) =>
  lint(
    texts.map((text, n) => parsePolicy(`p${n}`, text)),
    { sudoPaths },
  )
const checks = (...texts: string[]) => found(...texts).map(({ check }) => check)
const rule = (path: string, capabilities = '"read"', more = '') => `path "${path}" { capabilities = [${capabilities}] ${more} }\n`

const CASES: readonly (readonly [text: string, checks: readonly string[]])[] = [
  [rule('secret/data/app'), []],
  [rule('secret/+/app/*'), []],
  [rule('secret/*/app'), ['star-inside']],
  [rule('secret/**'), ['star-inside']],
  [rule('secret/app+/x'), ['plus-inside']],
  [rule('secret/+app'), ['plus-inside']],
  [rule('v1/secret/app'), ['version-prefix']],
  [rule('v1x/secret'), []],
  [rule('secret//app'), ['empty-segment']],
  [rule('*'), ['everything']],
  [rule('*', '"deny"'), []],
  [rule('user/{{identity.entity.nam}}'), ['unknown-template']],
  [rule('user/{{ identity.entity.name }}/{{identity.groups.names.ops.metadata.team}}'), []],
  [rule('user/{{identity.entity.aliases.auth_ldap_1.custom_metadata.team}}'), []],
  [rule('user/{{spiffe.trust_domain}}/{{spiffe.path.10}}'), []],
  [rule('user/{{spiffe.id}}'), ['unknown-template']],
  [rule('a') + rule('a', '"list"'), ['repeated']],
  [rule('a', ''), ['empty']],
  [rule('a/+/*') + rule('a/*'), ['shadowed']],
  [rule('a/+/b*') + rule('a/*'), ['shadowed']],
  [rule('a/+/c') + rule('a/*'), []],
  [rule('a/b') + rule('a/*'), []],
  [rule('a/*', '"deny"') + rule('a/b'), ['deny-overridden']],
  [rule('a/*', '"deny"') + rule('a/+/c'), ['deny-overridden']],
  [rule('a/*', '"deny"') + rule('+/b'), []],
  [rule('a/b', '"deny"') + rule('a/*'), []],
  [rule('a/*', '"deny"') + rule('a/b', '"deny"'), []],
  [rule('secret/*', '"read", "sudo"'), ['sudo-useless']],
  [rule('sys/*', '"read", "sudo"'), []],
  [rule('sys/auth/userpass', '"update", "sudo"'), []],
  [rule('sys/locked-users/+/unlock/ann', '"update", "sudo"'), []],
  [rule('+/seal', '"update", "sudo"'), []],
  [rule('sys/seal', '"update"'), ['sudo-missing']],
  [rule('sys/seal', '"deny"'), []],
  [rule('secret/metadata/', '"list"'), []],
  [rule('secret/metadata/', '"list", "read"'), ['never-asked']],
  [rule('a', '"update"', 'denied_parameters = { x = [] }'), []],
  [rule('a', '"list"', 'denied_parameters = { x = [] }'), ['parameters-unchecked']],
  [rule('a', '"update", "delete"', 'required_parameters = ["x"]'), ['parameters-unchecked']],
  [rule('a', '"update"', 'allowed_parameters = { x = ["1"] } denied_parameters = { x = [] }'), ['parameters-contradict']],
  [rule('a/*', '"update"', 'denied_parameters = { x = [] }') + rule('a/b', '"update"'), ['parameters-bypassed']],
  [rule('a/*', '"update"', 'denied_parameters = { x = [] }') + rule('a/b', '"read"'), []],
  [rule('a/b', '"update"', 'denied_parameters = { x = [] }') + rule('a/*', '"update"'), []],
  [rule('secret/data/app') + rule('secret/app'), ['kv2-path']],
  [rule('secret/data/app') + rule('secret/*'), []],
  [rule('secret/data/app') + rule('secret/+/app'), []],
  [rule('secret/data/app') + rule('secret/*/app'), ['star-inside', 'kv2-path']],
  [rule('secret/data/app') + rule('secret/met*'), []],
  [rule('secret/data/app') + rule('secret/app*', '"deny"'), ['kv2-path']],
  [rule('secret/metadata/app') + rule('secret/{{identity.entity.name}}/*'), ['kv2-path']],
  [rule('secret/metadata/app') + rule('secret/', '"list"'), ['kv2-path']],
  [rule('secret/metadata/app') + rule('secret2/app') + rule('other/app'), []],
  [rule('team/kv/data/app') + rule('team/app'), []],
  [rule('team/kv/data/app') + rule('team/kv/app'), ['kv2-path']],
  [rule('sys/internal/data/x') + rule('sys/internal/y') + rule('+/data/x') + rule('a/b'), []],
  [rule('secret/data/*', '"read", "list"'), ['kv2-list']],
  [rule('secret/metadata/*', '"read", "list"'), []],
  [rule('secret/app'), []],
]

for (const [text, expected] of CASES)
  test(`${text.trim().replaceAll('\n', ' ')}: ${expected.join() || 'fine'}`, () => assert.deepEqual(checks(text), expected))

test('a finding says where, and what stands in the way', () => {
  assert.deepEqual(found(`\n${rule('a/+/*')}${rule('a/*')}`), [
    { policy: 'p0', line: 2, path: 'a/+/*', check: 'shadowed', text: 'never decides: "a/*" on line 3 has all its paths, and goes before it' },
  ])
})

test('what is KV version 2 is said by the server where it was asked, and by the rules otherwise', () => {
  const text = rule('kv/app', '"read", "list"') + rule('old/data/x') + rule('old/y')
  const known = lint([parsePolicy('p', text)], { sudoPaths, kv2: ['kv/'] })
  assert.deepEqual(
    known.map(({ path, text: told }) => [path, told]),
    [
      [
        'kv/app',
        'grants nothing: "kv/" is KV version 2, as the server says; a rule on its secrets says "kv/data/app", and "kv/metadata/app" to list',
      ],
    ],
  )
  assert.deepEqual(
    found(rule('secret/data/a'), rule('secret/', '"list"') + rule('secret/b', '"deny"')).map(({ path, text: told }) => [path, told]),
    [
      ['secret/', 'grants nothing: "secret/" is KV version 2, as line 1 of p0 has it; a rule on its secrets says "secret/metadata/"'],
      ['secret/b', 'denies nothing: "secret/" is KV version 2, as line 1 of p0 has it; a rule on its secrets says "secret/data/b"'],
    ],
  )
})

test('policies of one token are looked at together', () => {
  assert.deepEqual(
    found(rule('a/*', '"deny"'), rule('a/b')).map(({ policy, text }) => [policy, text]),
    [['p0', 'does not hold for "a/b", where line 1 of p1 grants read']],
  )
  assert.deepEqual(checks(rule('a', '"update"', 'allowed_parameters = { x = [] }'), rule('a', '"update"')), ['repeated'])
})

test('the built-in default policy is clean', async () => {
  const { DEFAULT_TEXT } = await import('./builtin.ts')
  assert.deepEqual(found(DEFAULT_TEXT), [])
})

test('on random policies, a rule that is said to be shadowed never decides', () => {
  fc.assert(
    fc.property(policySet, requests, (set, asked) => {
      const dead = new Set(
        lint(
          set.map((rules, n) => parsePolicy(`p${n}`, textOf(rules, false))),
          { sudoPaths },
        ).flatMap(({ check, path }) => (check === 'shadowed' ? [path] : [])),
      )
      for (const [path, verb] of asked) assert.ok(!dead.has(twinWinner(set, path, verb === 'list') ?? ''), path)
    }),
    { numRuns: 1000 },
  )
})

test('what covers and what overlaps is what matches', () => {
  fc.assert(
    fc.property(policySet, requests, (set, asked) => {
      const paths = set.flat().map((one) => one.path)
      const fits = (rulePath: string, path: string) => {
        const pattern = toPattern(rulePath)
        return pattern ? matches(pattern, path) : rulePath === path
      }
      for (const a of paths) {
        for (const b of paths) {
          for (const [path] of asked) {
            if (covers(shapeOf(a), shapeOf(b)) && fits(b, path)) assert.ok(fits(a, path), `${a} covers ${b}, not ${path}`)
            if (fits(a, path) && fits(b, path)) assert.ok(overlaps(shapeOf(a), shapeOf(b)), `${a} and ${b} have ${path}`)
          }
        }
      }
    }),
    { numRuns: 300 },
  )
})
