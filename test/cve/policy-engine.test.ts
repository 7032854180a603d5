// Class "policy engine": denials that another verb, spelling, name or identity got around elsewhere.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Capability, Known } from '../../src/contract/call.ts'
import { openAuthorise } from '../../src/policy/authorise.ts'
import { openPolicies } from '../../src/policy/policies.ts'
import { fillTemplate, type TemplateIdentity } from '../../src/policy/template.ts'
import { follow } from '../../src/store/follow.ts'
import { memory } from '../../src/store/memory.ts'
import { openSpace } from '../../src/store/space.ts'
import { settableClock, stillTimers } from '../../src/testing/clock.ts'
import { someToken } from '../../src/testing/run-op.ts'
import { openWorld, type World } from '../../src/testing/world.ts'

const rule = (path: string, ...capabilities: Capability[]) => `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }\n`

async function withSecrets(): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'kv/team/db', { a: '1' })
  await world.ok('write', 'kv/team/sub/key', { a: '1' })
  return world
}

async function tokenWith(world: World, policy: string): Promise<string> {
  await world.ok('write', 'sys/policies/acl/p', { policy })
  const made = await world.ok('write', 'auth/token/create', { policies: ['p'], no_default_policy: true })
  return made.auth.client_token
}

describe('listing a folder that is denied (GHSA-xp3c-3jw3-4vcr)', () => {
  const DENIED: Readonly<Record<string, string>> = {
    'by its name': rule('kv/*', 'list', 'scan') + rule('kv/team', 'deny'),
    'by its name with a slash': rule('kv/*', 'list', 'scan') + rule('kv/team/', 'deny'),
    'by a prefix': rule('kv/*', 'list', 'scan') + rule('kv/tea*', 'deny'),
    'by a segment': rule('kv/*', 'list', 'scan') + rule('kv/+', 'deny'),
    'by a segment further up': rule('k*', 'list', 'scan') + rule('kv/+', 'deny'),
    'by a segment with a slash': rule('kv/*', 'list', 'scan') + rule('kv/+/', 'deny'),
    'by name, where every folder is granted': rule('+/+/', 'list', 'scan') + rule('kv/team', 'deny'),
  }
  for (const [how, policy] of Object.entries(DENIED)) {
    test(how, async () => {
      const world = await withSecrets()
      const token = await tokenWith(world, policy)
      for (const verb of ['list', 'scan'] as const) {
        for (const path of ['kv/team', 'kv/team/']) assert.equal((await world.call(verb, path, {}, { token })).status, 403, `${verb} ${path}`)
      }
    })
  }
})

describe('a capability is good for its own verb only', () => {
  const VERBS = { read: 'read', list: 'list', scan: 'scan', patch: 'patch', delete: 'delete', write: 'update' } as const
  for (const [allowed, capability] of Object.entries(VERBS)) {
    test(capability, async () => {
      const world = await withSecrets()
      const token = await tokenWith(world, rule('kv/team/db', capability))
      for (const verb of Object.keys(VERBS) as (keyof typeof VERBS)[]) {
        const { status } = await world.call(verb, 'kv/team/db', { a: '2' }, { token })
        if (verb === allowed) assert.notEqual(status, 403, verb)
        else assert.equal(status, 403, verb)
      }
    })
  }

  test('sudo alone grants nothing, and nothing else grants what needs sudo', async () => {
    const world = await withSecrets()
    for (const policy of [rule('sys/*', 'sudo'), rule('sys/*', 'create', 'read', 'update', 'delete', 'list', 'patch', 'scan')]) {
      const token = await tokenWith(world, policy)
      assert.equal((await world.call('read', 'sys/audit', {}, { token })).status, 403)
      assert.equal((await world.call('write', 'sys/seal', {}, { token })).status, 403)
    }
    assert.equal((await world.call('read', 'sys/audit')).status, 200)
  })
})

describe('root is a name that cannot be reached', () => {
  const SPELLINGS = [
    'root',
    'Root',
    'ROOT',
    ' root',
    'root ',
    '\troot',
    'root\n',
    'ｒｏｏｔ',
    'rооt',
    'root\u0000',
    'root\u200b',
    'root,default',
    'default,root',
  ]

  test('by whoever makes tokens', async () => {
    const world = await openWorld()
    const token = await tokenWith(world, rule('auth/token/create*', 'create', 'update', 'sudo'))
    for (const name of SPELLINGS) {
      for (const policies of [name, [name], ['p', name]]) {
        const { status, body } = await world.call('write', 'auth/token/create', { policies }, { token })
        const made = body?.auth?.client_token
        assert.ok(status === 400 || !body.auth.policies.includes('root'), JSON.stringify(policies))
        if (made) assert.equal((await world.call('read', 'sys/mounts', {}, { token: made })).status, 403, JSON.stringify(policies))
      }
    }
  })

  test('through a login, however the role spells it', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
    for (const [index, name] of SPELLINGS.entries()) {
      await world.call('write', `auth/userpass/users/u${index}`, { password: 'x', token_policies: name })
      const { body } = await world.call('write', `auth/userpass/login/u${index}`, { password: 'x' }, { token: '' })
      const made = body?.auth?.client_token
      if (made) assert.equal((await world.call('read', 'sys/mounts', {}, { token: made })).status, 403, JSON.stringify(name))
    }
  })

  test('by whoever writes policies', async () => {
    const world = await openWorld()
    const before = (await world.ok('list', 'sys/policies/acl')).data.keys
    for (const name of ['root', 'Root', 'ROOT', 'response-wrapping']) {
      assert.equal((await world.call('write', `sys/policies/acl/${name}`, { policy: rule('*', 'read') })).status, 400, name)
    }
    assert.deepEqual((await world.ok('list', 'sys/policies/acl')).data.keys, before)
  })

  test('by a group or an entity whose policies name it (CVE-2024-9180)', async () => {
    const { policies } = await somePolicies()
    const identity = { identity: noOne, policies: ['root', 'reader'] }
    const authorise = openAuthorise(
      () => policies,
      () => identity,
    )
    assert.deepEqual(authorise(asking('kv/a'), false).grant.policies, ['reader'])
    assert.throws(() => authorise(asking('sys/mounts'), false), { code: 'denied' })
  })
})

test('a policy that changes, changes for the very next request', async () => {
  const world = await withSecrets()
  const token = await tokenWith(world, rule('kv/team/*', 'read'))
  for (let round = 0; round < 10; round++) {
    await world.ok('write', 'sys/policies/acl/p', { policy: rule('kv/team/*', round % 2 ? 'read' : 'deny') })
    assert.equal((await world.call('read', 'kv/team/db', {}, { token })).status, round % 2 ? 200 : 403)
  }
  await world.ok('delete', 'sys/policies/acl/p')
  assert.equal((await world.call('read', 'kv/team/db', {}, { token })).status, 403)
})

describe('templates (GHSA-59w7-v8rr-pr4p, CVE-2021-43998, CVE-2022-40186)', () => {
  const party = (name: string, metadata: Record<string, string> = {}) => ({ id: `id-of-${name}`, name, metadata })
  const alias = (name: string, mountAccessor: string) => ({ ...party(name, { team: name }), mountAccessor, customMetadata: {} })
  const someone = (name: string): TemplateIdentity => ({ entity: { ...party(name), aliases: [] }, groups: [] })

  test('a value with a metacharacter voids the rule instead of widening it', () => {
    for (const name of ['*', '+', 'a*', 'a/b', '../x', '/', 'a/+/b', '']) {
      assert.equal(fillTemplate('kv/{{identity.entity.name}}/x', someone(name)), undefined, JSON.stringify(name))
    }
    assert.equal(fillTemplate('kv/{{identity.entity.name}}/x', someone('{{identity.entity.id}}')), 'kv/{{identity.entity.id}}/x', 'filled once')
  })

  test('an alias is the one of the named mount, and no other', () => {
    const identity: TemplateIdentity = { entity: { ...party('ann'), aliases: [alias('first', 'acc_1'), alias('second', 'acc_2')] }, groups: [] }
    assert.equal(fillTemplate('{{identity.entity.aliases.acc_2.name}}', identity), 'second')
    assert.equal(fillTemplate('{{identity.entity.aliases.acc_2.metadata.team}}', identity), 'second')
    for (const other of ['acc', 'acc_3', 'acc_1.acc_2', '__proto__']) {
      assert.equal(fillTemplate(`{{identity.entity.aliases.${other}.name}}`, identity), undefined, other)
    }
  })

  test('nothing is inherited from where every object has it', () => {
    for (const fact of ['metadata.constructor', 'metadata.__proto__', 'metadata.toString', 'constructor', 'aliases', '__proto__.name']) {
      assert.equal(fillTemplate(`{{identity.entity.${fact}}}`, someone('ann')), undefined, fact)
    }
  })

  test('the ACL of one identity is never the one of another', async () => {
    const { policies } = await somePolicies()
    const authorise = openAuthorise(
      () => policies,
      (token) => ({ identity: someone(token.entityId), policies: ['own'] }),
    )
    for (const name of ['ann', 'ben', 'ann']) {
      authorise(asking(`own/${name}/x`, name), false)
      assert.throws(() => authorise(asking(`own/${name === 'ann' ? 'ben' : 'ann'}/x`, name), false), { code: 'denied' })
    }
  })
})

const noOne: TemplateIdentity = { entity: { id: 'e', name: 'e', metadata: {}, aliases: [] }, groups: [] }

async function somePolicies() {
  const store = memory({ timers: stillTimers })
  const policies = openPolicies(openSpace(store, follow(store), ''), settableClock())
  await policies.put('reader', rule('kv/*', 'read'))
  await policies.put('own', rule('own/{{identity.entity.name}}/*', 'read'))
  return { policies }
}

/** A read of a mounted path by the token of an entity. */
function asking(path: string, entityId = 'e'): Known {
  const call = { path, namespace: '', verb: 'read', data: {}, target: { found: 'no-path' }, caller: someToken({ policies: [], entityId }) }
  return call as unknown as Known
}
