// Explanations: what decides, what loses and why, what would change it; and that they never differ from the decision.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Capability } from '../contract/call.ts'
import { policySet, requests, textOf, twinOf, twinWinner } from '../testing/acl-twin.ts'
import { type AclRequest, compileAcl } from './acl.ts'
import { OPERATIONS } from './capability.ts'
import { parsePolicy } from './parse.ts'
import type { TemplateIdentity } from './template.ts'

const request = (asked: string, more: Partial<AclRequest> = {}): AclRequest => {
  const [verb, path] = asked.split(' ') as [AclRequest['verb'], string]
  return { verb, path, creates: false, sudo: false, data: {}, ...more }
}

function explain(texts: Readonly<Record<string, string>>, asked: AclRequest, identity?: TemplateIdentity) {
  const policies = Object.entries(texts).map(([name, text]) => parsePolicy(name, text))
  return compileAcl(policies, identity, 1_000).explain(asked)
}

test('the best match decides, and each other says what goes before it', () => {
  const found = explain(
    {
      wide: 'path "secret/*" { capabilities = ["read"] }\npath "secret/+/db" { capabilities = ["update"] }',
      exact: 'path "secret/web/db" { capabilities = ["deny"] }',
      more: '\n\npath "secret/web/*" { capabilities = ["read", "list"] }\npath "other" { capabilities = ["read"] }',
    },
    request('read secret/web/db'),
  )
  assert.equal(found.decision.allowed, false)
  assert.deepEqual(found.decidedBy, {
    path: 'secret/web/db',
    capabilities: ['deny'],
    stanzas: [{ policy: 'exact', line: 1, path: 'secret/web/db', capabilities: ['deny'] }],
    because: 'it goes before the others: it names this very path',
  })
  assert.deepEqual(
    found.beaten.map(({ path, because, stanzas }) => [path, because, stanzas[0]?.line]),
    [
      ['secret/web/*', '"secret/web/db" goes before it: it names this very path', 3],
      ['secret/+/db', '"secret/web/db" goes before it: it names this very path', 2],
      ['secret/*', '"secret/web/db" goes before it: it names this very path', 1],
    ],
  )
})

test('between patterns, the reason is the first difference that counts', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['a/b*', 'a/+/c', 'its first wildcard comes later'],
    ['a/+/c', 'a/+/c*', 'it does not end in "*"'],
    ['a/+/c', 'a/+/+', 'it has fewer "+"'],
    ['a/*', 'a/+/*', 'it has fewer "+"'],
    ['a/+/c*', 'a/+/*', 'it is longer'],
  ]
  for (const [first, second, reason] of cases) {
    const text = `path "${second}" { capabilities = ["read"] }\npath "${first}" { capabilities = ["read"] }`
    const { decidedBy, beaten } = explain({ p: text }, request('read a/b/c'))
    assert.equal(decidedBy?.path, first)
    assert.deepEqual(
      beaten.map(({ because }) => because),
      [`${JSON.stringify(first)} goes before it: ${reason}`],
    )
  }
})

test('a list also takes the folder without its slash', () => {
  const { decidedBy, beaten } = explain(
    { p: 'path "a/b" { capabilities = ["list"] }\npath "a/*" { capabilities = ["read"] }\npath "+/b" { capabilities = ["list"] }' },
    request('list a/b/'),
  )
  assert.deepEqual([decidedBy?.path, beaten.map(({ path }) => path)], ['a/b', ['a/*', '+/b']])
  assert.equal(decidedBy?.because, 'it goes before the others: it names this very path without its last slash')
})

test('stanzas of one path count as one rule', () => {
  const { decidedBy } = explain(
    { a: 'path "x" { capabilities = ["read"] }', b: 'path "/x" { capabilities = ["update"] }\npath "x" { capabilities = [] }' },
    request('read x'),
  )
  assert.deepEqual(decidedBy?.capabilities, ['read', 'update'])
  assert.deepEqual(
    decidedBy?.stanzas.map(({ policy, line, capabilities }) => [policy, line, capabilities]),
    [
      ['a', 1, ['read']],
      ['b', 1, ['update']],
      ['b', 2, []],
    ],
  )
})

test('rules that are not in force are told apart from rules that do not match', () => {
  const text = `
    path "user/{{identity.entity.name}}/*" { capabilities = ["read"] }
    path "user/ann/a" { capabilities = ["read"] expiration = "1970-01-01T00:00:00.5Z" }
    path "other/{{identity.entity.name}}" { capabilities = ["read"] }`
  const { idle, decidedBy } = explain({ p: text }, request('read user/ann/a'))
  assert.equal(decidedBy, undefined)
  assert.deepEqual(
    idle.map(({ line, because }) => [line, because]),
    [
      [2, 'its template has no value for the one who asks'],
      [3, 'it ended at 1970-01-01T00:00:00.500Z'],
    ],
  )
  const ann: TemplateIdentity = { entity: { id: '1', name: 'ann', metadata: {}, aliases: [] }, groups: [] }
  assert.equal(explain({ p: text }, request('read user/ann/a'), ann).decidedBy?.path, 'user/ann/*')
})

test('what would have to change, in each case', () => {
  const rule = (path: string, ...capabilities: string[]) =>
    `path "${path}" {\n  capabilities = [${capabilities.map((one) => `"${one}"`).join(', ')}]\n}\n`
  const cases: readonly (readonly [string, AclRequest, string, string?])[] = [
    ['path "b" {}', request('read a'), 'give one of the policies a rule for this path', rule('a', 'read')],
    ['path "b" {}', request('write a', { sudo: true }), 'give one of the policies a rule for this path', rule('a', 'sudo', 'update')],
    [
      'path "a" { capabilities = ["read"] }',
      request('write a'),
      'give one of the policies what is missing on this path: update',
      rule('a', 'update'),
    ],
    [
      'path "a/*" { capabilities = ["read", "list"] }',
      request('write a/b', { creates: true }),
      'give one of the policies a rule for this path; in place of "a/*" it must grant all that is wanted here',
      rule('a/b', 'create', 'list', 'read'),
    ],
    [
      'path "a/*" { capabilities = ["read"] required_parameters = ["x"] }',
      request('delete a/b'),
      'give one of the policies a rule for this path; in place of "a/*" it must grant all that is wanted here; it comes without the terms of that rule, such as its parameters',
      rule('a/b', 'delete', 'read'),
    ],
    ['path "a" { capabilities = ["deny"] }', request('read a'), 'only without the deny on this path in p: it goes before all that grants'],
    [
      'path "a/*" { capabilities = ["deny"] }',
      request('read a/b'),
      'give one of the policies a rule for this path, if the deny on "a/*" in p is not meant for it',
      rule('a/b', 'read'),
    ],
    ['path "a" { capabilities = ["read"] min_wrapping_ttl = "1m" }', request('read a'), 'ask for the answer to be wrapped for at least 60 seconds'],
    ['path "a" { capabilities = ["read"] max_wrapping_ttl = "1m" }', request('read a'), 'ask for the answer to be wrapped for at most 60 seconds'],
    [
      'path "a" { capabilities = ["read"] min_wrapping_ttl = "1m" max_wrapping_ttl = "2m" }',
      request('read a'),
      'ask for the answer to be wrapped for 60 to 120 seconds',
    ],
    [
      'path "a" { capabilities = ["list"] pagination_limit = 5 }',
      request('list a/', { data: { limit: 9 } }),
      'ask for 5 names at most, by the parameter "limit"',
    ],
    ['path "a" { capabilities = ["update"] required_parameters = ["x"] }', request('write a'), 'send the parameter "x", which the rule asks for'],
    [
      'path "a" { capabilities = ["update"] denied_parameters = { x = [] } }',
      request('write a', { data: { X: 'hunter2' } }),
      'leave out the parameter "X", or send another value: the rule denies it',
    ],
    [
      'path "a" { capabilities = ["update"] allowed_parameters = { x = [] } }',
      request('write a', { data: { y: 'hunter2' } }),
      'leave out the parameter "y", or send another value: it is not among those that the rule allows',
    ],
    [
      'path "b" {}',
      request('read a/+/c'),
      'give one of the policies a rule for this path; its characters mean more in a rule, so none can be for it alone',
    ],
  ]
  for (const [text, asked, told, added] of cases) {
    const { decision, remedy } = explain({ p: text }, asked)
    assert.equal(decision.allowed, false, text)
    assert.deepEqual(remedy, added === undefined ? { text: told } : { text: told, rule: added }, text)
  }
})

test('root and help need no rule', () => {
  assert.deepEqual(compileAcl([{ name: 'root', text: '', rules: [] }]).explain(request('read a')), {
    decision: { allowed: true, root: true, capability: 'read', policies: ['root'] },
    decidedBy: undefined,
    beaten: [],
    idle: [],
    remedy: undefined,
  })
  assert.equal(explain({ p: '' }, request('help a')).decision.allowed, true)
})

test('on random policies and requests, the explanation is that of the decision, and its remedy works and takes nothing away', () => {
  fc.assert(
    fc.property(policySet, requests, (set, asked) => {
      const policies = set.map((rules, i) => parsePolicy(`p${i}`, textOf(rules, false)))
      const acl = compileAcl(policies)
      for (const [path, verb, creates, sudo] of asked) {
        const call = request(`${verb} ${path}`, { creates, sudo })
        const folder = verb === 'list' || verb === 'scan'
        const { decision, decidedBy, beaten, remedy } = acl.explain(call)
        assert.deepEqual(decision, acl.decide(call))
        if (verb === 'help') continue
        const has = twinOf(set, path, folder)
        const needed = verb === 'write' ? (creates ? 'create' : 'update') : verb
        assert.equal(decision.allowed, has.has(needed) && (!sudo || has.has('sudo')), `${verb} ${path}`)
        assert.equal(decidedBy?.path, twinWinner(set, path, folder), `${verb} ${path}`)
        assert.equal(decision.refusal?.why === 'no-rule', decidedBy === undefined)
        assert.equal(remedy === undefined, decision.allowed)
        assert.equal(new Set([decidedBy, ...beaten].map((rule) => rule?.path)).size, beaten.length + 1)
        if (remedy?.rule === undefined) continue
        const mended = compileAcl([...policies, parsePolicy('remedy', remedy.rule)])
        assert.equal(mended.decide(call).allowed, true, `${verb} ${path}: ${remedy.rule}`)
        for (const [capability, asking] of Object.entries(OPERATIONS)) {
          if (!has.has(capability as Capability) || folder !== (asking.verb === 'list' || asking.verb === 'scan')) continue
          assert.ok(mended.decide(request(`${asking.verb} ${path}`, asking)).allowed, `${path} lost ${capability}`)
        }
      }
    }),
    { numRuns: 1000 },
  )
})
