// However a namespace is spelled, by header or path: it is the very one that policy decided on, or none.
import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import { Secret } from '../../src/base/secret.ts'
import { parseAsk } from '../../src/edge/ask.ts'
import { readHead } from '../../src/edge/head.ts'
import { EDGE_LIMITS } from '../../src/edge/limits.ts'
import { openWorld, type World } from '../../src/testing/world.ts'

let world: World
let stranger = ''

before(async () => {
  world = await openWorld()
  for (const name of ['a', 'b', 'é']) {
    await world.ok('write', `sys/namespaces/${name}`)
    await world.ok('write', `${name}/sys/mounts/kv`, { type: 'kv' })
    await world.ok('write', `${name}/kv/x`, { of: name })
  }
  await world.ok('write', 'b/sys/policies/acl/all', { policy: 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }' })
  stranger = (await world.ok('write', 'b/auth/token/create', { policies: ['all'] })).auth.client_token
})

/** As it would come through the door: the status, and what was read. */
async function get(target: string, header: string | undefined, token: string): Promise<{ status: number; of: unknown }> {
  try {
    const head = readHead('1.1', ['Host', 'x', ...(header === undefined ? [] : ['X-Vault-Namespace', header])], EDGE_LIMITS)
    const { verb, path, query } = parseAsk('GET', `/v1/${target}`, EDGE_LIMITS.parameters)
    const peer = { address: '127.0.0.1', port: 40_000 }
    const more = { contentType: undefined, wrapTtl: undefined, body: Buffer.alloc(0), query, peer }
    const received = { id: 'r', at: world.clock.now(), verb, path, namespace: head.namespace, token: new Secret(token), ...more }
    const { status, body } = await world.kernel.handle(received as Parameters<typeof world.kernel.handle>[0])
    return { status, of: JSON.parse(body.toString()).data?.of }
  } catch (error) {
    if (error instanceof Fault) return { status: error.status, of: undefined }
    throw error
  }
}

/** Spellings that lead to `a`, for whoever may go there. */
const SAME: readonly (readonly [target: string, header: string | undefined])[] = [
  ['a/kv/x', undefined],
  ['a/kv/x', ''],
  ['a/kv/x', 'root'],
  ['a/kv/x', 'root/'],
  ['a/kv/x', '/'],
  ['kv/x', 'a'],
  ['kv/x', 'a/'],
  ['kv/x', '/a'],
  ['kv/x', '/a/'],
  ['%61/kv/x', undefined],
  ['a/%6bv/x', undefined],
]

/** Spellings that lead nowhere, for anybody. */
const NOWHERE: readonly (readonly [target: string, header: string | undefined])[] = [
  ['A/kv/x', undefined],
  ['kv/x', 'A'],
  ['kv/x', 'a a'],
  ['kv/x', ' a'],
  ['kv/x', 'a\t'],
  ['kv/x', 'a%2f'],
  ['kv/x', '%61'],
  ['kv/x', 'a//'],
  ['kv/x', '//a'],
  ['kv/x', 'a/a'],
  ['kv/x', 'b/a'],
  ['kv/x', 'b/../a'],
  ['kv/x', './a'],
  ['kv/x', 'a/.'],
  ['kv/x', '..'],
  ['kv/x', 'root/a'],
  ['kv/x', 'ROOT'],
  ['kv/x', 'a\u0000'],
  ['kv/x', 'é'],
  ['kv/x', 'a,b'],
  ['kv/x', '*'],
  ['root/a/kv/x', undefined],
  ['a//kv/x', undefined],
  ['//a/kv/x', undefined],
  ['./a/kv/x', undefined],
  ['b/../a/kv/x', undefined],
  ['b/%2e%2e/a/kv/x', undefined],
  ['b/..%2fa/kv/x', undefined],
  ['a%2fkv/x', undefined],
  ['a%5ckv%5cx', undefined],
  ['a\\kv\\x', undefined],
  ['a%00/kv/x', undefined],
  ['a%20/kv/x', undefined],
  ['%ef%bd%81/kv/x', undefined],
  ['a%cc%81/kv/x', undefined],
  ['e%cc%81/kv/x', undefined],
  ['%c0%af/a/kv/x', undefined],
  ['a;/kv/x', undefined],
  ['a./kv/x', undefined],
  ['a/kv/x/', undefined],
  ['a/a/kv/x', undefined],
  ['a/kv/x', 'a'],
  ['a/kv/x', 'b'],
]

test('spellings of one namespace lead there, and nobody else gets in by them', async () => {
  for (const [target, header] of SAME) {
    assert.deepEqual(await get(target, header, world.rootToken), { status: 200, of: 'a' }, `${target} in "${header}"`)
    assert.deepEqual(await get(target, header, stranger), { status: 403, of: undefined }, `${target} in "${header}"`)
  }
})

test('what is no spelling of it leads nowhere, whoever asks', async () => {
  for (const [target, header] of NOWHERE) {
    for (const token of [world.rootToken, stranger]) {
      const { status, of } = await get(target, header, token)
      assert.ok([400, 403, 404].includes(status) && of === undefined, `${target} in "${header}": ${status} ${of}`)
    }
  }
})

test('a name beyond ASCII is the composed one, percent-encoded', async () => {
  assert.deepEqual(await get('%c3%a9/kv/x', undefined, world.rootToken), { status: 200, of: 'é' })
  assert.equal((await get('%C3%89/kv/x', undefined, world.rootToken)).status, 404)
})

test('names that could be taken for something else are refused', async () => {
  const names = ['root', 'sys', 'auth', 'cubbyhole', 'identity', 'audit', 'a b', 'a+', '*', 'x/y', '\u00a0']
  for (const name of names) {
    const said = await world.call('write', `sys/namespaces/${name}`).catch((error: Fault) => ({ status: error.status }))
    assert.equal(said.status, 400, JSON.stringify(name))
  }
})
