// One person is one name: no spelling of it has a lockout counter, an alias or policies of its own (CVE-2025-6004, CVE-2025-54998).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../src/base/fault.ts'
import { openWorld, type Said, type World } from '../../src/testing/world.ts'

async function open(t: { after(run: () => Promise<void>): void }): Promise<World> {
  const world = await openWorld()
  t.after(() => world.close())
  for (const type of ['userpass', 'approle']) await world.ok('write', `sys/auth/${type}`, { type })
  await world.ok('write', 'auth/userpass/users/ann.lee', { password: 'right', token_policies: 'staff' })
  return world
}

const login = (world: World, name: string, password: string) => world.call('write', `auth/userpass/login/${name}`, { password }, { token: '' })

/** `ann.lee` in any letter case. */
const spelling = fc
  .array(fc.boolean(), { minLength: 7, maxLength: 7 })
  .map((upper) => Array.from('ann.lee', (letter, at) => (upper[at] ? letter.toUpperCase() : letter)).join(''))

test('userpass: guesses at any spelling are guesses at one name', async (t) => {
  const world = await open(t)
  await fc.assert(
    fc.asyncProperty(fc.array(spelling, { minLength: 6, maxLength: 6 }), async (names) => {
      const statuses: number[] = []
      for (const name of names) statuses.push((await login(world, name, 'wrong')).status)
      assert.deepEqual(statuses, [400, 400, 400, 400, 400, 403])
      world.clock.advance(16 * 60_000)
    }),
    { numRuns: 8 },
  )
})

test('userpass: any spelling logs the same user in', async (t) => {
  const world = await open(t)
  await fc.assert(
    fc.asyncProperty(spelling, async (name) => {
      const { auth } = (await login(world, name, 'right')).body
      assert.deepEqual([auth.metadata, auth.policies], [{ username: 'ann.lee' }, ['default', 'staff']])
    }),
    { numRuns: 8 },
  )
})

/** What some system somewhere takes for the same name: spaces, dots, other scripts, other forms, invisible characters. */
const LOOK_ALIKES = [
  ' ann.lee',
  'ann.lee ',
  'ann.lee.',
  '.ann.lee',
  'ann.lee\u00a0',
  'ann.lee\u200d',
  'a\u200bnn.lee',
  'ann\u2024lee',
  '\uff41nn.lee',
  'a\u0301nn.lee'.normalize('NFC'),
  '\u0430nn.lee',
  'ann.\u212aee',
  'ann.\u017fee',
  'ann.l\u0130e',
  'ann.l\u0131e',
  'ann.le\u00df',
]

/** Refused as a path that nobody serves, or as no path at all. */
async function isNobody(answer: Promise<Said>): Promise<boolean> {
  try {
    return (await answer).status === 404
  } catch (error) {
    return error instanceof Fault && error.code === 'invalid'
  }
}

test('userpass: a look-alike is nobody, wherever it is used, and leaves nothing behind', async (t) => {
  const world = await open(t)
  const before = [...world.store.keys({ prefix: '' })].length
  for (const name of LOOK_ALIKES) {
    assert.ok(await isNobody(login(world, name, 'right')), JSON.stringify(name))
    assert.ok(await isNobody(world.call('write', `auth/userpass/users/${name}`, { password: 'x' })), JSON.stringify(name))
  }
  assert.equal([...world.store.keys({ prefix: '' })].length, before)
  assert.deepEqual((await world.ok('list', 'auth/userpass/users')).data.keys, ['ann.lee'])
  assert.equal((await login(world, 'ann.lee', 'right')).status, 200, 'and did not count against her')
})

test('approle: white space around an id changes nothing, its letter case is part of it', async (t) => {
  const world = await open(t)
  await world.ok('write', 'auth/approle/role/Web', { token_policies: 'staff', role_id: 'Role-1' })
  assert.deepEqual((await world.ok('list', 'auth/approle/role')).data.keys, ['web'])
  const guess = async (id: string) => (await world.call('write', 'auth/approle/login', { role_id: id, secret_id: 'x' }, { token: '' })).status
  const spellings = ['Role-1', ' Role-1', 'Role-1 ', '\tRole-1', '\u00a0Role-1']
  const statuses: number[] = []
  for (const id of [...spellings, 'Role-1']) statuses.push(await guess(id))
  assert.deepEqual(statuses, [400, 400, 400, 400, 400, 403])
  assert.equal(await guess('role-1'), 400, 'another id')
  const { data } = await world.ok('read', 'sys/locked-users')
  assert.deepEqual(data.by_namespace[0].mount_accessors[0].alias_identifiers, ['Role-1'])
})
