// Stored policies, the ones that are always there, and ACLs that follow changes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import { openSpace } from '../store/space.ts'
import { openPolicies } from './policies.ts'
import type { TemplateIdentity } from './template.ts'

function world(now = { ms: 0 }) {
  const store = memory({ timers: { turn: () => Promise.resolve() } })
  const space = openSpace(store, follow(store), 'ns/root/')
  return { space, now, policies: openPolicies(space, { now: () => now.ms }) }
}

const READ = 'path "a" { capabilities = ["read"] }'

describe('by name', () => {
  test('put, get, list, delete', async () => {
    const { policies } = world()
    assert.deepEqual(await policies.put('web', READ), [])
    assert.deepEqual(policies.get('web'), { name: 'web', text: READ })
    assert.deepEqual(policies.list(), ['default', 'web'])
    await policies.delete('web')
    assert.equal(policies.get('web'), undefined)
    await policies.delete('web')
    for (const name of ['', 'a\nb', 'x'.repeat(9999)]) assert.equal(policies.get(name), undefined)
  })
  test('names are lower-cased, with a warning', async () => {
    const { policies } = world()
    assert.deepEqual(await policies.put(' Web-Team', READ), ['policy name was converted to web-team'])
    assert.equal(policies.get('WEB-TEAM')?.name, 'web-team')
    await policies.delete('Web-Team')
    assert.deepEqual(policies.list(), ['default'])
  })
  test('a text may come in base64', async () => {
    const { policies } = world()
    await policies.put('web', Buffer.from(READ).toString('base64'))
    assert.equal(policies.get('web')?.text, READ)
  })
  const refused: [string, string, string][] = [
    ['', READ, 'policy name must be provided in the URL'],
    ['a\nb', READ, 'policy name contains unprintable characters'],
    ['x'.repeat(513), READ, 'policy name is longer than 512 bytes'],
    ['web', '', "'policy' parameter not supplied or empty"],
    ['web', 'path "a" { capabilities = ["fly"] }', 'failed to parse policy: path "a": invalid capability "fly"'],
    ['root', READ, 'cannot update "root" policy'],
    ['ROOT', READ, 'cannot update "root" policy'],
    ['response-wrapping', READ, 'cannot update "response-wrapping" policy'],
  ]
  for (const [name, text, message] of refused)
    test(message, async () => await assert.rejects(world().policies.put(name, text), new Fault('invalid', message)))
})

describe('those that are always there', () => {
  test('can be read', () => {
    const { policies } = world()
    assert.equal(policies.get('root')?.text, '')
    assert.match(policies.get('response-wrapping')?.text ?? '', /cubbyhole\/response/)
    assert.match(policies.get('default')?.text ?? '', /lookup-self/)
  })
  test('cannot be deleted', async () => {
    const { policies } = world()
    for (const [name, message] of [
      ['root', 'cannot delete "root" policy'],
      ['Response-Wrapping', 'cannot delete "response-wrapping" policy'],
      ['default', 'cannot delete default policy'],
    ] as const)
      await assert.rejects(policies.delete(name), new Fault('invalid', message))
  })
  test('default can be edited', async () => {
    const { policies } = world()
    await policies.put('default', READ)
    assert.equal(policies.get('default')?.text, READ)
    assert.deepEqual(policies.aclFor(['default']).capabilities('auth/token/lookup-self'), ['deny'])
  })
  test('default grants what clients rely on', () => {
    const identity: TemplateIdentity = { entity: { id: 'e1', name: 'ann', metadata: {}, aliases: [] }, groups: [] }
    const acl = world().policies.aclFor(['default'], identity)
    const table: [string, string[]][] = [
      ['auth/token/lookup-self', ['read']],
      ['auth/token/renew-self', ['update']],
      ['auth/token/revoke-self', ['update']],
      ['sys/capabilities-self', ['update']],
      ['sys/internal/ui/resultant-acl', ['read']],
      ['identity/entity/id/e1', ['read']],
      ['identity/entity/name/ann', ['read']],
      ['identity/entity/name/bob', ['deny']],
      ['sys/leases/renew', ['update']],
      ['sys/leases/lookup', ['update']],
      ['cubbyhole/x/y', ['create', 'delete', 'list', 'read', 'update']],
      ['sys/wrapping/wrap', ['update']],
      ['sys/wrapping/lookup', ['update']],
      ['sys/wrapping/unwrap', ['update']],
      ['sys/tools/hash', ['update']],
      ['sys/tools/hash/sha2-256', ['update']],
      ['identity/oidc/provider/p/authorize', ['read', 'update']],
      ['sys/mounts', ['deny']],
      ['secret/x', ['deny']],
    ]
    for (const [path, expected] of table) assert.deepEqual(acl.capabilities(path), expected, path)
  })
  test('response-wrapping grants taking the secret only', () => {
    const acl = world().policies.aclFor(['response-wrapping'])
    assert.deepEqual(acl.capabilities('cubbyhole/response'), ['create', 'read'])
    assert.deepEqual(acl.capabilities('cubbyhole/other'), ['deny'])
  })
})

describe('ACLs', () => {
  test('are kept per set of names, in whatever order, until a policy changes', async () => {
    const { policies } = world()
    await policies.put('a', READ)
    await policies.put('b', 'path "a" { capabilities = ["list"] }')
    const first = policies.aclFor(['a', 'b'])
    assert.equal(policies.aclFor(['b', 'a', 'b']), first)
    assert.deepEqual(first.capabilities('a'), ['list', 'read'])
    await policies.delete('b')
    assert.deepEqual(policies.aclFor(['a', 'b']).capabilities('a'), ['read'])
    await policies.put('a', 'path "a" { capabilities = ["deny"] }')
    assert.deepEqual(policies.aclFor(['a', 'b']).capabilities('a'), ['deny'])
  })
  test('are not those of names that are not as stored', async () => {
    const { policies } = world()
    await policies.put('a', READ)
    for (const names of [['A'], ['ROOT'], ['Root'], [' root'], ['root\n'], ['a,b'], ['none'], []])
      assert.deepEqual(policies.aclFor(names).capabilities('a'), ['deny'], String(names))
  })
  test('of root are root alone', () => {
    assert.deepEqual(world().policies.aclFor(['root']).capabilities('x'), ['root'])
    assert.throws(() => world().policies.aclFor(['default', 'root']), /other policies present along with root/)
  })
  test('with templates are kept per identity', async () => {
    const { policies } = world()
    await policies.put('own', 'path "kv/{{identity.entity.name}}" { capabilities = ["read"] }')
    const of = (name: string): TemplateIdentity => ({ entity: { id: name, name, metadata: {}, aliases: [] }, groups: [] })
    const [ann, bob] = [of('ann'), of('bob')]
    assert.deepEqual(policies.aclFor(['own'], ann).capabilities('kv/ann'), ['read'])
    assert.deepEqual(policies.aclFor(['own'], bob).capabilities('kv/ann'), ['deny'])
    assert.equal(policies.aclFor(['own'], ann), policies.aclFor(['own'], ann))
    assert.deepEqual(policies.aclFor(['own']).capabilities('kv/ann'), ['deny'])
  })
  test('lose rules at their time', async () => {
    const { policies, now } = world()
    await policies.put('a', 'path "a" { capabilities = ["read"] expiration = "1970-01-01T00:00:10Z" }')
    assert.deepEqual(policies.aclFor(['a']).capabilities('a'), ['read'])
    now.ms = 10_000
    assert.deepEqual(policies.aclFor(['a']).capabilities('a'), ['deny'])
  })
  test('are not compiled from a stored text that is broken', async () => {
    const { policies, space } = world()
    await space.store.commit({ ops: [{ key: 'policy/a', value: Buffer.from('{"text":"path"}') }] })
    assert.throws(() => policies.aclFor(['a']), Fault)
  })
})
