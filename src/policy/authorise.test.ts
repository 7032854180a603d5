// The stage that makes a call Allowed: tokens, namespaces, sudo, open ops, identities.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { invalidToken, permissionDenied } from '../base/fault.ts'
import { parsePath } from '../base/path.ts'
import type { Known, Target, Verb } from '../contract/call.ts'
import type { Access, Op } from '../contract/module.ts'
import { empty } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import { compileAcl } from './acl.ts'
import { type CallerIdentity, openAuthorise } from './authorise.ts'
import { ROOT_POLICY } from './builtin.ts'
import { parsePolicy } from './parse.ts'
import type { Policies } from './policies.ts'

const TEXTS: Record<string, string> = {
  reader: 'path "kv/*" { capabilities = ["read"] }',
  deep: 'path "ns1/kv/*" { capabilities = ["read"] }',
  pager: 'path "kv/*" { capabilities = ["list"] pagination_limit = 5 }',
  maker: 'path "kv/*" { capabilities = ["create"] }',
  wrapper: 'path "kv/*" { capabilities = ["read"] min_wrapping_ttl = "10s" }',
  keeper: 'path "sys/*" { capabilities = ["read", "sudo"] }',
  looker: 'path "sys/*" { capabilities = ["read"] }',
}

const policies = {
  aclFor: (names, identity) =>
    compileAcl(
      names.map((name) => (name === 'root' ? ROOT_POLICY : parsePolicy(name, TEXTS[name] ?? ''))),
      identity,
    ),
} as Policies

const authorise = openAuthorise(() => policies)

const op = (access: Access, always = false): Target => {
  const made: Op = { doc: '', input: {}, output: {}, access, always, bytes: false, arbitrary: false, run: () => empty() }
  return { found: 'op', op: made, params: {} }
}

const token = (names: readonly string[], namespace = ''): Token => ({ policies: names, namespace }) as Token

function call(path: string, verb: Verb, caller: Token | undefined, more: Partial<Known> = {}): Known {
  return { path: parsePath(path), verb, caller, namespace: '', target: op('token'), data: {}, ...more } as Known
}

const refused = (one: Known, creates = false) => assert.throws(() => authorise(one, creates), permissionDenied())

describe('what needs no token', () => {
  test('open ops and those served while sealed', () => {
    for (const target of [op('open'), op('token', true)])
      for (const caller of [undefined, token([])])
        assert.deepEqual(authorise(call('a', 'write', caller, { target }), false).grant, { capability: 'update', policies: [] })
  })
  test('nothing else, routed or not, help included', () => {
    for (const target of [op('token'), op('sudo'), { found: 'no-path' }, { found: 'no-op' }] as Target[])
      for (const verb of ['read', 'list', 'write', 'help'] as const)
        assert.throws(() => authorise(call('kv/a', verb, undefined, { target }), false), invalidToken())
  })
})

describe('with a token', () => {
  test('the ACL decides, and the grant says by which policies', () => {
    const allowed = authorise(call('kv/a', 'read', token(['looker', 'reader'])), false)
    assert.deepEqual(allowed.grant, { capability: 'read', policies: ['reader'] })
    assert.equal(allowed.path, 'kv/a')
    refused(call('kv/a', 'delete', token(['reader'])))
    refused(call('other', 'read', token(['reader'])))
  })
  test('unknown paths and ops are refused like known ones', () => {
    for (const target of [{ found: 'no-path' }, { found: 'no-op' }] as Target[]) {
      refused(call('other', 'read', token(['reader']), { target }))
      assert.equal(authorise(call('kv/a', 'read', token(['reader']), { target }), false).grant.capability, 'read')
    }
  })
  test('help is for every token', () => assert.equal(authorise(call('other', 'help', token([])), false).grant.policies.length, 0))
  test('ops that need sudo need it besides', () => {
    refused(call('sys/a', 'read', token(['looker']), { target: op('sudo') }))
    assert.equal(authorise(call('sys/a', 'read', token(['keeper']), { target: op('sudo') }), false).grant.capability, 'read')
    assert.equal(authorise(call('sys/a', 'read', token(['root']), { target: op('sudo') }), false).grant.policies[0], 'root')
  })
  test('a write that creates needs create', () => {
    assert.equal(authorise(call('kv/a', 'write', token(['maker'])), true).grant.capability, 'create')
    refused(call('kv/a', 'write', token(['maker'])), false)
  })
  test('bounds on wrapping and pages', () => {
    refused(call('kv/a', 'read', token(['wrapper'])))
    assert.ok(authorise(call('kv/a', 'read', token(['wrapper']), { wrapTtl: 10 }), false))
    const asked = call('kv/', 'list', token(['pager']), { data: { after: 'x' } })
    assert.deepEqual(authorise(asked, false).data, { after: 'x', limit: 5 })
    assert.deepEqual(asked.data, { after: 'x' })
  })
})

describe('namespaces', () => {
  test('a token reaches down from its own, and its policies see the path from there', () => {
    assert.ok(authorise(call('kv/a', 'read', token(['deep']), { namespace: 'ns1' }), false))
    assert.ok(authorise(call('kv/a', 'read', token(['deep']), { namespace: 'ns1/' }), false))
    refused(call('kv/a', 'read', token(['reader']), { namespace: 'ns1' }))
    assert.ok(authorise(call('kv/a', 'read', token(['reader'], 'ns1'), { namespace: 'ns1' }), false))
    assert.ok(authorise(call('kv/a', 'read', token(['root'], 'ns1'), { namespace: 'ns1/ns2' }), false))
  })
  test('and never up or aside, not even as root', () => {
    for (const namespace of ['', 'ns2', 'ns10', 'ns'])
      for (const names of [['root'], ['reader']]) refused(call('kv/a', 'read', token(names, 'ns1'), { namespace }))
  })
  test('its policies are those of its own namespace', () => {
    const asked: string[] = []
    const spy = openAuthorise((namespace) => {
      asked.push(namespace)
      return policies
    })
    spy(call('kv/a', 'read', token(['root'], 'ns1'), { namespace: 'ns1/ns2' }), false)
    assert.deepEqual(asked, ['ns1'])
  })
})

describe('identities', () => {
  const behind = (names: readonly string[]): CallerIdentity => ({
    identity: { entity: { id: 'e', name: 'ann', metadata: {}, aliases: [] }, groups: [] },
    policies: names,
  })
  test('add their policies', () => {
    const withIdentity = openAuthorise(
      () => policies,
      () => behind(['reader']),
    )
    assert.deepEqual(withIdentity(call('kv/a', 'read', token(['looker'])), false).grant.policies, ['reader'])
  })
  test('never add root', () => {
    const withIdentity = openAuthorise(
      () => policies,
      () => behind(['root', 'looker']),
    )
    assert.throws(() => withIdentity(call('kv/a', 'read', token([])), false), permissionDenied())
  })
})
