// Policy texts to rules, and the words of every refusal.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { capabilitiesOf } from './capability.ts'
import { parsePolicy } from './parse.ts'
import type { Rule } from './policy.ts'

const rules = (text: string) => parsePolicy('p', text).rules
const stanza = (body: string) => rules(`path "x" { ${body} }`)[0]

describe('stanzas', () => {
  test('paths keep their order and lose one leading slash', () => {
    const found = rules('path "/a" {}\npath "b/*" {}\npath "b/+/c" {}\npath "a" {}')
    assert.deepEqual(
      found.map(({ path }) => path),
      ['a', 'b/*', 'b/+/c', 'a'],
    )
  })
  test('the old words stand for capabilities, and add to them', () => {
    const table: [string, string[]][] = [
      ['policy = "read"', ['list', 'read']],
      ['policy = "write"', ['create', 'delete', 'list', 'read', 'update']],
      ['policy = "sudo"', ['create', 'delete', 'list', 'read', 'sudo', 'update']],
      ['policy = "deny"', ['deny']],
      ['policy = "read" capabilities = ["patch"]', ['list', 'patch', 'read']],
      ['capabilities = ["read", "deny"]', ['deny']],
      ['capabilities = []', ['deny']],
      ['', ['deny']],
    ]
    for (const [body, expected] of table) assert.deepEqual(capabilitiesOf(stanza(body)?.bits ?? -1), expected, body)
  })
  test('terms', () => {
    const rule = stanza(`
      capabilities = ["update"]
      allowed_parameters = { "Name" = ["a*", 1, true], "*" = [] }
      denied_parameters { "__proto__" = [] }
      required_parameters = ["Name", 7]
      min_wrapping_ttl = "1m30s"
      max_wrapping_ttl = 7200
      pagination_limit = "50"
      expiration = "2031-01-02T03:04:05Z"
      comment = "why"`)
    assert.deepEqual(
      [...(rule?.allowed ?? [])],
      [
        ['name', ['a*', 1, true]],
        ['*', []],
      ],
    )
    assert.deepEqual([...(rule?.denied ?? [])], [['__proto__', []]])
    assert.deepEqual(rule?.required, ['name', '7'])
    assert.deepEqual([rule?.minWrapTtl, rule?.maxWrapTtl, rule?.paginationLimit], [90, 7200, 50])
    assert.equal(rule?.expiresAt, Date.parse('2031-01-02T03:04:05Z'))
  })
  test('deny has no terms', () => {
    assert.equal(stanza('capabilities = ["deny"] allowed_parameters = { a = [] }')?.allowed, undefined)
  })
  test('nothing at all is a policy that grants nothing', () => {
    for (const text of ['', ' ', '# only a comment', '{}', 'name = "x"', '{"path": {}}']) assert.deepEqual(rules(text), [])
  })
})

const withoutLine = (rule: Rule) => ({ ...rule, line: 0 })

test('HCL and JSON mean the same', () => {
  const hcl = `
    path "a/*" { capabilities = ["read", "list"] }
    path "b" {
      policy = "write"
      allowed_parameters = { "x" = ["y*", 2], "*" = [] }
      required_parameters = ["x"]
      min_wrapping_ttl = "5m"
    }`
  const a = '{"capabilities": ["read", "list"]}'
  const b = '{"policy": "write", "allowed_parameters": {"x": ["y*", 2], "*": []}, "required_parameters": ["x"], "min_wrapping_ttl": "5m"}'
  for (const json of [
    `{"path": {"a/*": ${a}, "b": ${b}}}`,
    `{"path": [{"a/*": ${a}}, {"b": ${b}}]}`,
    `{"path": {"a/*": [${a}]}, "path": {"b": ${b}}}`,
  ])
    assert.deepEqual(rules(json).map(withoutLine), rules(hcl).map(withoutLine), json)
})

describe('refusals', () => {
  const table: [string, string][] = [
    ['path "x" { foo = 1 }', '1 error occurred:\n\t* path "x": invalid key "foo" on line 1\n\n'],
    [
      'path "x" {\n  foo = 1\n  bar {}\n}',
      '2 errors occurred:\n\t* path "x": invalid key "foo" on line 2\n\t* path "x": invalid key "bar" on line 3\n\n',
    ],
    ['paths "x" {}', '1 error occurred:\n\t* invalid key "paths" on line 1\n\n'],
    ['path "x" "y" { policy = "read" }', '1 error occurred:\n\t* path "x": invalid key "y" on line 1\n\n'],
    ['path "x" { mfa_methods = ["m"] }', '1 error occurred:\n\t* path "x": invalid key "mfa_methods" on line 1\n\n'],
    ['path "x" { __proto__ = 1 }', '1 error occurred:\n\t* path "x": invalid key "__proto__" on line 1\n\n'],
    ['path { capabilities = ["read"] }', 'path: expected a quoted path and a block'],
    ['path "x" { capabilities = ["reed"] }', 'path "x": invalid capability "reed"'],
    ['path "x" { capabilities = ["READ"] }', 'path "x": invalid capability "READ"'],
    ['path "x" { capabilities = ["constructor"] }', 'path "x": invalid capability "constructor"'],
    ['path "x" { capabilities = ["deny", "reed"] }', 'path "x": invalid capability "reed"'],
    ['path "x" { capabilities = "read" }', 'path "x": capabilities: expected a list of strings'],
    ['path "x" { capabilities = ["read"]\ncapabilities = ["deny"] }', 'path "x": 2:1: "capabilities" is set twice'],
    ['path "x" { policy = "toString" }', 'path "x": invalid policy "toString"'],
    ['path "x+*" {}', `path "x+*": invalid use of wildcards ('+*' is forbidden)`],
    ['path "{{x" {}', 'path "{{x": failed to validate policy templating: unbalanced templating characters'],
    ['path "x}}" {}', 'path "x}}": failed to validate policy templating: unbalanced templating characters'],
    ['path "{{a}}}}" {}', 'path "{{a}}}}": failed to validate policy templating: unbalanced templating characters'],
    ['path "x" { min_wrapping_ttl = "5q" }', 'path "x": error parsing min_wrapping_ttl: time: unknown unit "q" in duration "5q"'],
    ['path "x" { min_wrapping_ttl = -5 }', 'path "x": error parsing min_wrapping_ttl: cannot provide negative value -5'],
    ['path "x" { max_wrapping_ttl = true }', 'path "x": error parsing max_wrapping_ttl: could not parse duration from input'],
    ['path "x" { min_wrapping_ttl = "2m" max_wrapping_ttl = "1m" }', 'path "x": max_wrapping_ttl cannot be less than min_wrapping_ttl'],
    ['path "x" { expiration = "soon" }', 'path "x": invalid expiration time: could not parse string as date and time'],
    ['path "x" { pagination_limit = 1.5 }', 'path "x": pagination_limit: expected a whole number, 0 or more'],
    ['path "x" { allowed_parameters = { a = "b" } }', 'path "x": allowed_parameters: expected a list of values for "a"'],
    ['path "x" { allowed_parameters = { a = [], A = [] } }', 'path "x": allowed_parameters: "A" is set twice'],
    ['path "x" { denied_parameters = ["a"] }', 'path "x": denied_parameters: expected one map of lists'],
    ['path "x" [', `At 1:1: key 'path "x"' expected start of object ('{') or assignment ('=')`],
    ['{"path": ', 'At 1:10: expected a value'],
  ]
  for (const [text, message] of table) test(text, () => assert.throws(() => rules(text), new Fault('invalid', `failed to parse policy: ${message}`)))
})
