// The ACL rule by rule: which rule decides, merging, verbs, parameters, pages, root, expiry, reach.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import type { Verb } from '../contract/call.ts'
import { type AclRequest, compileAcl } from './acl.ts'
import { ROOT_POLICY } from './builtin.ts'
import { parsePolicy } from './parse.ts'

/** An ACL of one policy per text: p0, p1, … */
const acl = (...texts: string[]) => compileAcl(texts.map((text, i) => parsePolicy(`p${i}`, text)))
const grant = (path: string, ...names: string[]) => `path "${path}" { capabilities = ${JSON.stringify(names)} }\n`
const ask = (path: string, verb: Verb, more: Partial<AclRequest> = {}): AclRequest => ({ path, verb, creates: false, data: {}, sudo: false, ...more })
const allows = (text: string, data: JsonObject, verb: Verb = 'write') => acl(text).decide(ask('x', verb, { data })).allowed

describe('which rule decides (the most specific alone)', () => {
  const table: [string, string[], string, string][] = [
    ['exact over prefix', ['a/b', 'a/*'], 'a/b', 'a/b'],
    ['exact over segment wildcard', ['a/b', 'a/+'], 'a/b', 'a/b'],
    ['longer prefix over shorter', ['a/*', 'a/b*'], 'a/bc', 'a/b*'],
    ['later first wildcard', ['a/+/c', '+/b/c'], 'a/b/c', 'a/+/c'],
    ['later first wildcard, prefix against segment', ['a/b*', 'a/+'], 'a/bc', 'a/b*'],
    ['whole over prefix', ['a/+/c', 'a/+/*'], 'a/b/c', 'a/+/c'],
    ['whole segment over the prefix of the same length', ['a/+', 'a/*'], 'a/b', 'a/+'],
    ['fewer segment wildcards', ['a/+/c/+', 'a/+/+/+'], 'a/b/c/d', 'a/+/c/+'],
    ['longer pattern, before what sorts later', ['+/a/+/*', '+/+/a/bb*'], 'a/a/a/bbx', '+/+/a/bb*'],
    ['longer pattern', ['a/+/c*', 'a/+/cd*'], 'a/b/cde', 'a/+/cd*'],
    ['a prefix reaches over slashes', ['a/+/c*'], 'a/b/cd/e/f', 'a/+/c*'],
    ['the first plus counts, even a literal one', ['a+/*', 'a+/+b*'], 'a+/+bc', 'a+/*'],
    ['a plus is one segment, maybe empty', ['a/+'], 'a/', 'a/+'],
    ['a plus within a segment is itself', ['a/+b'], 'a/+b', 'a/+b'],
    ['a star within a path is itself', ['a/*/b'], 'a/*/b', 'a/*/b'],
    ['everything', ['*'], 'any/thing', '*'],
  ]
  const names = ['read', 'update', 'delete', 'patch']
  for (const [title, paths, path, winner] of table) {
    test(title, () => {
      for (const order of [paths, paths.toReversed()]) {
        const list = acl(order.map((one) => grant(one, names[paths.indexOf(one)] as string)).join(''))
        assert.deepEqual(list.capabilities(path), [names[paths.indexOf(winner)]])
      }
    })
  }
  const misses: [string, string][] = [
    ['a/+', 'a/b/c'],
    ['a/+/c', 'a/c'],
    ['a/+b', 'a/xb'],
    ['a/*', 'a'],
    ['a/b', 'a/B'],
    ['a', 'a/b'],
    ['a/*/b', 'a/x/b'],
  ]
  for (const [rule, path] of misses) test(`${rule} is not ${path}`, () => assert.deepEqual(acl(grant(rule, 'read')).capabilities(path), ['deny']))
})

describe('lists', () => {
  test('take the rule of the folder without its slash, exact before wildcards', () => {
    assert.equal(acl(grant('a/b', 'list')).decide(ask('a/b/', 'list')).allowed, true)
    assert.equal(acl(grant('a/b', 'read')).decide(ask('a/b/', 'read')).allowed, false)
    assert.equal(acl(grant('a/b', 'scan') + grant('a/b/*', 'list')).decide(ask('a/b/', 'list')).allowed, false)
    assert.equal(acl(grant('a/+', 'list')).decide(ask('a/b/', 'list')).allowed, true)
  })
  test('a deny without the slash is not passed by asking with it', () => {
    assert.equal(acl(grant('a/b', 'deny') + grant('a/*', 'list')).decide(ask('a/b/', 'list')).allowed, false)
    assert.equal(acl(grant('a/+', 'deny') + grant('a/*', 'list')).decide(ask('a/b/', 'list')).allowed, false)
    assert.equal(
      acl(grant('a/+', 'deny') + grant('a/b/*', 'list')).decide(ask('a/b/', 'list')).allowed,
      true,
      'not where the folder itself is granted',
    )
  })
})

describe('merging of one path', () => {
  test('capabilities add up, in any order of policies', () => {
    assert.deepEqual(acl(grant('a', 'read'), grant('a', 'list')).capabilities('a'), ['list', 'read'])
  })
  test('deny wipes all else and sticks', () => {
    for (const texts of [
      [grant('a', 'deny'), grant('a', 'read')],
      [grant('a', 'read'), grant('a', 'deny'), grant('a', 'list')],
    ])
      assert.deepEqual(acl(...texts).capabilities('a'), ['deny'])
  })
  test('a less specific deny does not reach a more specific rule', () => {
    assert.deepEqual(acl(grant('a/*', 'deny'), grant('a/b', 'read')).capabilities('a/b'), ['read'])
  })
  test('the lower bound wins, for each bound', () => {
    const wrapped = (min: string, max: string) => `path "a" { capabilities = ["read"] min_wrapping_ttl = "${min}" max_wrapping_ttl = "${max}" }`
    const list = acl(wrapped('10s', '100s'), wrapped('20s', '50s'))
    for (const [ttl, expected] of [
      [undefined, false],
      [9, false],
      [10, true],
      [50, true],
      [51, false],
    ] as const)
      assert.equal(list.decide(ask('a', 'read', { wrapTtl: ttl })).allowed, expected, String(ttl))
  })
  test('a minimum above the maximum lets nothing through', () => {
    const list = acl('path "a" { capabilities = ["read"] min_wrapping_ttl = "60s" }', 'path "a" { capabilities = ["read"] max_wrapping_ttl = "30s" }')
    for (const wrapTtl of [30, 45, 60]) assert.equal(list.decide(ask('a', 'read', { wrapTtl })).allowed, false)
  })
  test('parameters limited on one side limit both', () => {
    const list = acl(grant('a', 'update'), 'path "a" { capabilities = ["update"] allowed_parameters = { x = [] } }')
    assert.equal(list.decide(ask('a', 'write', { data: { y: 1 } })).allowed, false)
    assert.equal(list.decide(ask('a', 'write', { data: { x: 1 } })).allowed, true)
  })
  test('values add up by key, and an empty list takes any', () => {
    const one = (params: string) => `path "a" { capabilities = ["update"] allowed_parameters = { ${params} } }`
    const list = acl(one('x = ["1"], y = ["1"]'), one('x = ["2"], y = []'))
    for (const data of [{ x: '1' }, { x: '2' }, { y: 'any' }]) assert.equal(list.decide(ask('a', 'write', { data })).allowed, true)
    assert.equal(list.decide(ask('a', 'write', { data: { x: '3' } })).allowed, false)
  })
  test('what is required adds up', () => {
    const one = (name: string) => `path "a" { capabilities = ["update"] required_parameters = ["${name}"] }`
    const list = acl(one('x'), one('Y'))
    assert.equal(list.decide(ask('a', 'write', { data: { x: 1 } })).allowed, false)
    assert.equal(list.decide(ask('a', 'write', { data: { x: 1, y: 1 } })).allowed, true)
  })
  test('the policies that granted are told', () => {
    const list = acl(grant('a', 'read'), grant('a', 'read', 'list'), grant('a', 'list'), grant('b', 'read'))
    assert.deepEqual(list.decide(ask('a', 'read')).policies, ['p0', 'p1'])
    assert.deepEqual(list.decide(ask('a', 'list')).policies, ['p1', 'p2'])
    assert.deepEqual(list.decide(ask('a', 'delete')).policies, [])
  })
})

describe('verbs', () => {
  test('a write needs create or update by whether the thing exists', () => {
    const list = acl(grant('a', 'create') + grant('b', 'update'))
    assert.deepEqual(
      ['a', 'b'].flatMap((path) => [true, false].map((creates) => list.decide(ask(path, 'write', { creates })).allowed)),
      [true, false, false, true],
    )
  })
  for (const verb of ['read', 'list', 'scan', 'patch', 'delete'] as const) {
    test(`${verb} needs its own capability`, () => {
      const others = ['read', 'list', 'scan', 'patch', 'delete', 'create', 'update', 'sudo'].filter((name) => name !== verb)
      assert.equal(acl(grant('a', verb)).decide(ask('a', verb)).allowed, true)
      assert.equal(acl(grant('a', ...others)).decide(ask('a', verb)).allowed, false)
    })
  }
  test('help needs nothing', () => assert.equal(acl(grant('a', 'deny')).decide(ask('a', 'help')).allowed, true))
  test('sudo is needed besides, never instead', () => {
    assert.equal(acl(grant('a', 'read')).decide(ask('a', 'read', { sudo: true })).allowed, false)
    assert.equal(acl(grant('a', 'sudo')).decide(ask('a', 'read', { sudo: true })).allowed, false)
    assert.equal(acl(grant('a', 'read', 'sudo')).decide(ask('a', 'read', { sudo: true })).allowed, true)
  })
})

describe('parameters', () => {
  const limited = (terms: string) => `path "x" { capabilities = ["create", "read", "update", "delete", "list", "patch"]\n${terms} }`
  const table: [string, JsonObject, boolean][] = [
    ['allowed_parameters = { a = [] }', { a: 'any' }, true],
    ['allowed_parameters = { a = [] }', { A: 'any' }, true],
    ['allowed_parameters = { a = [] }', { a: 1, b: 1 }, false],
    ['allowed_parameters = { a = [] }', {}, true],
    ['allowed_parameters = { a = ["x"] }', { a: 'y' }, false],
    ['allowed_parameters = { a = ["x*"] }', { a: 'xyz' }, true],
    ['allowed_parameters = { a = ["*x"] }', { a: 'zx' }, true],
    ['allowed_parameters = { a = ["*x*"] }', { a: 'zxz' }, true],
    ['allowed_parameters = { a = ["x*"] }', { a: 'zx' }, false],
    ['allowed_parameters = { a = ["*"] }', { a: 'x' }, false],
    ['allowed_parameters = { a = [1, true] }', { a: 1 }, true],
    ['allowed_parameters = { a = [1, true] }', { a: true }, true],
    ['allowed_parameters = { a = [1] }', { a: '1' }, false],
    ['allowed_parameters = { a = ["x", "y"] }', { a: ['x', 'y'] }, true],
    ['allowed_parameters = { a = ["x", "y"] }', { a: ['x', 'z'] }, false],
    ['allowed_parameters = { a = ["x"] }', { a: [] }, false],
    ['allowed_parameters = { a = [["x", "y"]] }', { a: ['x', 'y'] }, true],
    ['allowed_parameters = { a = [["x", "y"]] }', { a: ['y', 'x'] }, false],
    ['allowed_parameters = { a = ["x"] }', { a: null }, false],
    ['allowed_parameters = { "*" = [] }', { a: 1 }, true],
    ['allowed_parameters = { "*" = [], a = ["x"] }', { a: 'y' }, false],
    ['allowed_parameters = { "*" = [], a = ["x"] }', { b: 'y' }, true],
    ['allowed_parameters = {}', { b: 'y' }, true],
    ['allowed_parameters = { a = [] }', JSON.parse('{"__proto__": 1}'), false],
    ['allowed_parameters = { a = [] }', { constructor: 1 }, false],
    ['allowed_parameters = { constructor = [], "__proto__" = ["x"] }', JSON.parse('{"__proto__": "x", "constructor": 1}'), true],
    ['denied_parameters = { a = [] }', { a: 1 }, false],
    ['denied_parameters = { a = [] }', { A: 1 }, false],
    ['denied_parameters = { a = [] }', { b: 1 }, true],
    ['denied_parameters = { "*" = [] }', { b: 1 }, false],
    ['denied_parameters = { "*" = [] }', {}, true],
    ['denied_parameters = { a = ["x*"] }', { a: 'xy' }, false],
    ['denied_parameters = { a = ["x*"] }', { a: 'y' }, true],
    ['denied_parameters = { a = ["*"] }', { a: 'y' }, false],
    ['denied_parameters = { a = ["1"] }', { a: 1 }, false],
    ['denied_parameters = { a = [1] }', { a: '1' }, false],
    ['denied_parameters = { a = [true] }', { a: 'true' }, false],
    ['denied_parameters = { a = ["x"] }', { a: ['y', 'x'] }, false],
    ['denied_parameters = { a = ["x"] }', { a: ['y'] }, true],
    ['denied_parameters = { a = ["x"] }\nallowed_parameters = { a = [] }', { a: 'x' }, false],
    ['denied_parameters = { "__proto__" = [] }', JSON.parse('{"__proto__": 1}'), false],
    ['required_parameters = ["a"]', {}, false],
    ['required_parameters = ["A"]', { a: 1 }, true],
    ['required_parameters = ["toString"]', {}, false],
    ['required_parameters = ["__proto__"]', {}, false],
  ]
  for (const [terms, data, expected] of table) {
    test(`${terms} ${JSON.stringify(data)}`, () => {
      for (const verb of ['read', 'write', 'patch'] as const) assert.equal(allows(limited(terms), data, verb), expected, verb)
    })
  }
  test('mean nothing for delete and list', () => {
    for (const verb of ['delete', 'list'] as const)
      assert.equal(allows(limited('allowed_parameters = { a = [] }\nrequired_parameters = ["a"]'), { b: 1 }, verb), true)
  })
})

describe('pages of lists', () => {
  const page = (terms: string, data: JsonObject) => {
    const { allowed, limit } = acl(`path "x" { capabilities = ["list"]\n${terms} }`).decide(ask('x', 'list', { data }))
    return allowed ? (limit ?? 'as sent') : 'refused'
  }
  const table: [string, JsonObject, number | string][] = [
    ['', { limit: '5' }, 'as sent'],
    ['', {}, 'as sent'],
    ['', { limit: 'max' }, 0],
    ['pagination_limit = 10', {}, 10],
    ['pagination_limit = 10', { limit: '10' }, 'as sent'],
    ['pagination_limit = 10', { limit: 3 }, 'as sent'],
    ['pagination_limit = 10', { limit: '11' }, 'refused'],
    ['pagination_limit = 10', { limit: '-1' }, 'refused'],
    ['pagination_limit = 10', { limit: 'all' }, 'refused'],
    ['pagination_limit = 10', { limit: ['1', '99'] }, 'refused'],
    ['pagination_limit = 10', { limit: '' }, 'refused'],
    ['pagination_limit = 10', { limit: '0' }, 10],
    ['pagination_limit = 10', { limit: 'max' }, 10],
    ['pagination_limit = 10\nrequired_parameters = ["limit"]', {}, 'refused'],
    ['pagination_limit = 10\nrequired_parameters = ["limit"]', { limit: 'max' }, 10],
  ]
  for (const [terms, data, expected] of table) test(`${terms} ${JSON.stringify(data)}`, () => assert.equal(page(terms, data), expected))
  test('the lowest bound wins', () => {
    const one = (limit: number) => `path "x" { capabilities = ["list"] pagination_limit = ${limit} }`
    assert.equal(acl(one(20), one(10), one(30), grant('x', 'list')).decide(ask('x', 'list')).limit, 10)
  })
})

describe('root', () => {
  test('may do everything', () => {
    const root = compileAcl([ROOT_POLICY])
    assert.deepEqual(root.capabilities('any'), ['root'])
    assert.deepEqual(root.decide(ask('any', 'write', { sudo: true })), { allowed: true, root: true, capability: 'update', policies: ['root'] })
  })
  test('is alone', () => assert.throws(() => compileAcl([ROOT_POLICY, parsePolicy('a', '')]), /other policies present along with root/))
})

test('what an ACL reaches', () => {
  const table: [string, string, boolean][] = [
    ['kv/a', 'kv/', true],
    ['kv/a', 'kv2/', false],
    ['kv', 'kv/', true],
    ['kv/*', 'kv/', true],
    ['k*', 'kv/', true],
    ['*', 'kv/', true],
    ['kv/a/b*', 'kv/', true],
    ['kv2/*', 'kv/', false],
    ['+/a', 'kv/', true],
    ['+', 'kv/', true],
    ['kv/+/b', 'kv/', true],
    ['other/+/b', 'kv/', false],
    ['auth/+/login', 'auth/ldap/', true],
    ['auth/+', 'auth/ldap/', true],
    ['+', 'auth/ldap/', false],
    ['+/ld*', 'auth/ldap/', true],
    ['+/x*', 'auth/ldap/', false],
    ['+/+/+', 'auth/ldap/', true],
  ]
  for (const [path, folder, expected] of table) {
    assert.equal(acl(grant(path, 'read')).reaches(folder), expected, `${path} ${folder}`)
    assert.equal(acl(grant(path, 'deny')).reaches(folder), false, `deny ${path}`)
    assert.equal(acl(grant(path)).reaches(folder), false, `nothing on ${path}`)
  }
  assert.equal(compileAcl([ROOT_POLICY]).reaches('kv/'), true)
})

test('rules end at their time', () => {
  const policy = parsePolicy('p', 'path "a" { capabilities = ["read"] expiration = "1970-01-01T00:00:10Z" }\npath "b" { capabilities = ["read"] }')
  const before = compileAcl([policy], undefined, 9_999)
  assert.deepEqual([before.capabilities('a'), before.expiresAt], [['read'], 10_000])
  const after = compileAcl([policy], undefined, 10_000)
  assert.deepEqual([after.capabilities('a'), after.capabilities('b'), after.expiresAt], [['deny'], ['read'], Number.POSITIVE_INFINITY])
})

test('no policies, no capabilities; names of nature are paths like any other', () => {
  const none = compileAcl([])
  for (const path of ['', 'a', '__proto__', 'constructor/x', 'toString']) assert.deepEqual(none.capabilities(path), ['deny'])
  const some = acl(grant('__proto__/+/x', 'read') + grant('constructor', 'list') + grant('a/__proto__*', 'patch'))
  assert.deepEqual(
    ['__proto__/y/x', 'constructor', 'a/__proto__/b', '__proto__/y/y'].map((path) => some.capabilities(path)),
    [['read'], ['list'], ['patch'], ['deny']],
  )
})
