// Class "path canonicalisation": however a path is spelled, it is refused, or decided on exactly the bytes that are routed.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Capability } from '../../src/contract/call.ts'
import { parseAsk } from '../../src/edge/ask.ts'
import type { World } from '../../src/testing/world.ts'
import { type Front, openFront, records, rotate } from '../security/front.ts'
import { decodeOnce, mutantsOf } from '../security/path-mutants.ts'

const HIDDEN = ['kv/hidden/door', 'secret/data/hidden/door', 'secret/metadata/hidden/door', 'secret/subkeys/hidden/door']
const VALUE = 'behind-the-door'

const CLOSED = HIDDEN.map((path) => path.replace('/door', ''))

/** Everything but the closed folders, for one capability. */
function policy(capability: Capability): string {
  const rule = (path: string, what: string) => `path "${path}" { capabilities = ["${what}"] }`
  const open = ['kv/*', 'secret/*'].map((path) => rule(path, capability))
  return [...open, ...CLOSED.flatMap((path) => [rule(path, 'deny'), rule(`${path}/*`, 'deny')])].join('\n')
}

/** The same in other words. */
function isOpen(path: string): boolean {
  return /^(?:kv|secret)\//.test(path) && !CLOSED.some((closed) => path === closed || path.startsWith(`${closed}/`))
}

const METHOD: Partial<Record<Capability, string>> = {
  read: 'GET',
  list: 'LIST',
  scan: 'SCAN',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
}

interface Decided {
  readonly status: number
  readonly text: string
  /** What was routed; undefined where the edge refused it. */
  readonly path: string | undefined
}

/** As the edge takes a request in, without the socket. */
async function decide(world: World, method: string, target: string, token: string): Promise<Decided> {
  try {
    const { verb, path, query } = parseAsk(method, `/v1/${target}`, 100)
    const hasBody = verb === 'write' || verb === 'patch'
    const body = hasBody ? Buffer.from('{"data":{"new":"1"}}') : Buffer.alloc(0)
    const answer = await world.kernel.handle({
      id: randomUUID(),
      at: world.clock.now(),
      verb,
      path,
      namespace: '',
      query,
      body,
      contentType: undefined,
      token: new Secret(token),
      peer: { address: '127.0.0.1', port: 1 },
      wrapTtl: undefined,
    })
    return { status: answer.status, text: answer.body.toString(), path }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { status: error.status, text: error.message, path: undefined }
  }
}

async function openHouse(): Promise<Front> {
  const front = await openFront()
  const { world } = front
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'kv/hidden/door', { value: VALUE })
  await world.ok('write', 'secret/data/hidden/door', { data: { value: VALUE } })
  return front
}

async function tokenFor(world: World, capability: Capability): Promise<string> {
  await world.ok('write', `sys/policies/acl/only-${capability}`, { policy: policy(capability) })
  const made = await world.ok('write', 'auth/token/create', { policies: [`only-${capability}`], no_default_policy: true })
  return made.auth.client_token
}

/** One spelling of each path: nothing is left for a second reader to decode, resolve, fold or cut. */
function assertCanonical(path: string, target: string): void {
  const [raw = ''] = target.split('?')
  const decoded = decodeOnce(raw)
  assert.ok(decoded !== undefined, target)
  assert.ok(path === decoded || path === `${decoded}/`, `${target} became ${path}`)
  assert.doesNotMatch(path, /(?:^|\/)\.{0,2}(?:\/|$)(?!$)|[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, target)
  assert.equal(path, path.normalize('NFC'), target)
  assert.ok(!/%2f|%5c/i.test(raw), target)
}

async function assertUntouched(world: World): Promise<void> {
  assert.deepEqual((await world.ok('read', 'kv/hidden/door')).data, { value: VALUE })
  const { data } = await world.ok('read', 'secret/data/hidden/door')
  assert.deepEqual([data.data, data.metadata.version], [{ value: VALUE }, 1])
}

const MUTANTS = mutantsOf(HIDDEN)

test('the corpus is large enough, and has the known ones', () => {
  assert.ok(MUTANTS.length >= 5_000, String(MUTANTS.length))
  const known = [
    'kv/open/../hidden/door',
    'open/%2e%2e/kv/hidden/door',
    'kv//hidden/door',
    'kv/open%2fhidden%2fdoor',
    'KV/hidden/door',
    'kv/hidden/door/',
  ]
  for (const one of known) assert.ok(MUTANTS.includes(one), one)
})

for (const [capability, method] of Object.entries(METHOD) as [Capability, string][]) {
  test(`${capability}: no spelling gets past a denied folder`, async () => {
    await using front = await openHouse()
    const { world } = front
    const token = await tokenFor(world, capability)
    let routed = 0
    for (const [index, target] of MUTANTS.entries()) {
      if (index % 100 === 0) rotate(world)
      const before = records(world).length
      const { status, text, path } = await decide(world, method, target, token)
      const made = records(world).slice(before)
      assert.ok(!text.includes(VALUE), target)
      if (path === undefined) {
        assert.ok(status === 400 && made.length === 0, target)
        continue
      }
      routed++
      assertCanonical(path, target)
      assert.ok(made.length === 2 && made.every((record) => record.request.path === path), target)
      if (!isOpen(path)) assert.equal(status, 403, `${target} as ${path}`)
      else if (capability !== 'create' && capability !== 'update') assert.notEqual(status, 403, `${target} as ${path}`)
    }
    assert.ok(routed > 500, String(routed))
    await assertUntouched(world)
  })
}

test('the same over a socket', async () => {
  await using front = await openHouse()
  const { world } = front
  const token = await tokenFor(world, 'read')
  for (const target of MUTANTS.filter((one, index) => index % 20 === 0 && !/[\t"<>^`{|}]/.test(one))) {
    const expected = await decide(world, 'GET', target, token)
    const { status, text } = await front.ask({ target: `/v1/${target}`, token })
    assert.equal(status, expected.status, target)
    assert.ok(!text.includes(VALUE), target)
  }
  await assertUntouched(world)
})

test('what is written under one spelling is read under that one only', async () => {
  await using front = await openHouse()
  const { world } = front
  const spellings = ['door', 'Door', 'DOOR', 'd%c3%b6or', 'do+r', 'do*r', 'do%20r', 'do;r', '%c4%b0', 'i', '...', 'do%25r', '__proto__', 'do%2br%2a']
  for (const [index, one] of spellings.entries()) await front.ask({ method: 'PUT', target: `/v1/kv/open/${one}`, body: { index } })
  for (const [index, one] of spellings.entries()) {
    const { body } = await front.ask({ target: `/v1/kv/open/${one}` })
    assert.equal(body.data.index, index, one)
  }
  const { data } = await world.ok('list', 'kv/open')
  assert.equal(data.keys.length, spellings.length)
})
