// `user_lockout` blocks: what they become, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config.ts'
import { parseSource } from './read.ts'

const BASE = 'storage "lmdb" { path = "/data" } listener "tcp" { tls_disable = true }\n'
const parse = (text: string) => parseConfig([parseSource('1.hcl', BASE + text)]).config.lockout.byType

test('each block is for one type, or for all', () => {
  assert.deepEqual(parse(''), {})
  assert.deepEqual(
    parse(`
      user_lockout "all" { lockout_duration = "10m" lockout_counter_reset = 600 }
      user_lockout "Userpass" { lockout_threshold = "25" }
      user_lockout "approle" { disable_lockout = "true" }`),
    { all: { lockSeconds: 600, resetSeconds: 600 }, userpass: { threshold: 25 }, approle: { disabled: true } },
  )
})

test('what can not be meant is refused', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['user_lockout { }', '1.hcl:2:1: "user_lockout" needs a label: user_lockout "…" { … }'],
    ['user_lockout = 3', '1.hcl:2:1: "user_lockout" must be a block'],
    ['user_lockout "ldap" { }', '1.hcl:2:1: user_lockout "ldap" is not offered; all, approle, userpass are'],
    ['user_lockout "all" { }\nuser_lockout "ALL" { }', '1.hcl:3:1: user_lockout "all" is set already, at 1.hcl:2:1'],
    [
      'user_lockout "all" { lockout_treshold = 3 }',
      '1.hcl:2:22: "lockout_treshold" in user_lockout "all" is not known; did you mean "lockout_threshold"?',
    ],
    ['user_lockout "all" { lockout_threshold = 0 }', '1.hcl:2:1: lockout_threshold must be at least 1; disable_lockout = true locks nobody out'],
    ['user_lockout "all" { lockout_duration = "-1s" }', `1.hcl:2:22: lockout_duration in user_lockout "all": cannot provide negative value '-1'`],
  ]
  for (const [text, message] of cases) assert.throws(() => parse(text), { message }, text)
})
