// The shared token fields: merging, older names, refusals, and what a login makes of them.
import { policyNames } from '../base/policy-names.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { someToken } from '../testing/run-op.ts'
import { mergeTokenFields, NO_TOKEN_PARAMS, renewedGrant, showTokenFields, type TokenInput, type TokenParams, tokenGrant } from './token-fields.ts'

const ALIASES = { policies: 'token_policies', ttl: 'token_ttl', bound_cidrs: 'token_bound_cidrs' } as const
const PEER = { address: '192.0.2.1', port: 1 }

const merge = (input: TokenInput, before: TokenParams = NO_TOKEN_PARAMS) => mergeTokenFields(before, input, ALIASES)
const show = (params: TokenParams) => showTokenFields(params, ALIASES)

test('a role without any shows Vault defaults', () => {
  assert.deepEqual(show(NO_TOKEN_PARAMS), {
    token_bound_cidrs: [],
    token_explicit_max_ttl: 0,
    token_max_ttl: 0,
    token_no_default_policy: false,
    token_num_uses: 0,
    token_period: 0,
    token_policies: [],
    token_strictly_bind_ip: false,
    token_ttl: 0,
    token_type: 'default',
  })
})

test('what is not sent stays', () => {
  const one = merge({ token_ttl: 5, token_policies: ['B', 'a'], token_bound_cidrs: ['10.0.0.1/32', '2001:DB8::/32'] })
  const two = merge({ token_max_ttl: 9 }, one)
  assert.deepEqual([two.ttl, two.maxTtl, two.policies, two.boundCidrs], [5, 9, ['B', 'a'], ['10.0.0.1', '2001:db8::/32']])
})

test('an older name sets the newer one and is shown until the newer one is set alone', () => {
  const old = merge({ policies: ['Z', 'b', 'b'], ttl: 7 })
  assert.deepEqual([show(old)['token_policies'], show(old)['policies'], show(old)['ttl']], [['b', 'z'], ['b', 'z'], 7])
  const both = merge({ ttl: 1, token_ttl: 8 }, old)
  assert.deepEqual([show(both)['token_ttl'], show(both)['ttl']], [8, 8])
  const newer = merge({ token_ttl: 9 }, both)
  assert.deepEqual([show(newer)['token_ttl'], 'ttl' in show(newer), 'policies' in show(newer)], [9, false, true])
  assert.equal('ttl' in show(merge({ ttl: 0 }, newer)), false)
})

const REFUSED: readonly (readonly [input: TokenInput, text: string])[] = [
  [{ token_num_uses: -1 }, "'token_num_uses' cannot be negative"],
  [{ token_ttl: 2, token_max_ttl: 1 }, "'token_ttl' cannot be greater than 'token_max_ttl'"],
  [{ token_strictly_bind_ip: true, token_bound_cidrs: ['10.0.0.1'] }, "'token_strictly_bind_ip' conflicts with 'token_bound_cidrs'; set only one"],
  [
    { token_type: 'batch', token_num_uses: 1 },
    "'token_type' cannot be 'batch' or 'default_batch' when set to generate tokens with limited use count",
  ],
  [{ token_type: 'default-batch', token_period: 1 }, "'token_type' cannot be 'batch' or 'default_batch' when set to generate periodic tokens"],
  [{ token_type: 'bogus' }, `invalid 'token_type' value "bogus"`],
  [{ token_type: 'constructor' }, `invalid 'token_type' value "constructor"`],
  [{ token_bound_cidrs: ['foo'] }, 'error parsing address "foo": Unable to convert "foo" to an IPv4 or IPv6 address'],
  [{ bound_cidrs: ['10.0.0.0/33'] }, 'error parsing address "10.0.0.0/33": Unable to convert "10.0.0.0/33" to an IPv4 or IPv6 address'],
]

test('refusals', () => {
  for (const [input, text] of REFUSED) assert.throws(() => merge(input), new Fault('invalid', text))
})

test('token types', () => {
  for (const type of ['service', 'batch', 'default', 'default-service', 'default-batch'])
    assert.equal(show(merge({ token_type: type }))['token_type'], type)
  assert.equal(show(merge({ token_type: '' }))['token_type'], 'default')
})

test('policy names are lower-cased at this gate, and root stands alone', () => {
  assert.deepEqual(policyNames([' B', 'a', 'A', '']), ['a', 'b'])
  assert.deepEqual(policyNames(['a', 'ROOT']), ['root'])
})

test('a login never gives root', () => {
  for (const root of ['root', 'ROOT', ' Root ']) {
    assert.throws(() => tokenGrant(merge({ token_policies: ['a', root] }), PEER), new Fault('invalid', 'auth methods cannot create root tokens'))
  }
})

test('a login binds to the address it came from where the role says so', () => {
  assert.deepEqual(tokenGrant(merge({ token_strictly_bind_ip: true }), { ...PEER, address: '::ffff:192.0.2.1' }).limits.boundCidrs, ['192.0.2.1'])
  assert.deepEqual(tokenGrant(merge({ token_bound_cidrs: ['10.0.0.0/8'] }), PEER).limits.boundCidrs, ['10.0.0.0/8'])
})

test('a renewal takes lifetimes from the role and the rest from the token', () => {
  const token = someToken({ type: 'service', policies: ['a', 'default'], explicitMaxTtl: 99, numUses: 3, boundCidrs: ['10.0.0.1'] })
  assert.deepEqual(renewedGrant(merge({ token_ttl: 5, token_period: 6, token_explicit_max_ttl: 7, token_policies: ['b'] }), token), {
    type: 'service',
    ttl: 5,
    maxTtl: 0,
    period: 6,
    policies: ['a', 'default'],
    explicitMaxTtl: 99,
    numUses: 3,
    boundCidrs: ['10.0.0.1'],
    noDefaultPolicy: false,
  })
})
