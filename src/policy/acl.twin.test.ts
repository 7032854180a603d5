// The ACL against a naive twin, on random policies and requests.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { policySet, requests, textOf, twinOf } from '../testing/acl-twin.ts'
import { compileAcl } from './acl.ts'
import { parsePolicy } from './parse.ts'

test('24,000 random decisions', () => {
  fc.assert(
    fc.property(policySet, requests, fc.boolean(), (policies, asked, json) => {
      const acl = compileAcl(policies.map((rules, i) => parsePolicy(`p${i}`, textOf(rules, json))))
      for (const [path, verb, creates, sudo] of asked) {
        const folder = verb === 'list' || verb === 'scan'
        const has = twinOf(policies, path, folder)
        const expected = verb === 'help' || (has.has(verb === 'write' ? (creates ? 'create' : 'update') : verb) && (!sudo || has.has('sudo')))
        assert.equal(acl.decide({ path, verb, creates, sudo, data: {} }).allowed, expected, `${verb} ${path}`)
        const shown = [...twinOf(policies, path, true)].sort()
        assert.deepEqual(acl.capabilities(path), shown.length > 0 ? shown : ['deny'], path)
      }
    }),
    { numRuns: 2000 },
  )
})

test('the order of policies changes nothing', () => {
  fc.assert(
    fc.property(policySet, requests, (policies, asked) => {
      const parsed = policies.map((rules, i) => parsePolicy(`p${i}`, textOf(rules, false)))
      const [forth, back] = [compileAcl(parsed), compileAcl(parsed.toReversed())]
      for (const [path] of asked) assert.deepEqual(forth.capabilities(path), back.capabilities(path), path)
    }),
    { numRuns: 300 },
  )
})
