// Snapshots through the API of a whole server: taken, checked, restored, refused; nothing but a whole one changes anything.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import { memory } from '../../src/store/memory.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { openWorld, type Said, type World } from '../../src/testing/world.ts'

const PATH = 'sys/storage/raft/snapshot'

async function collect(stream: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  assert.ok(stream)
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 4_096) yield bytes.subarray(at, at + 4_096)
}

async function snapshotOf(world: World): Promise<Buffer> {
  const { status, answer } = await world.call('read', PATH)
  assert.deepEqual([status, answer.headers['Content-Type']], [200, 'application/gzip'])
  return collect(answer.chunks)
}

const restore = (world: World, bytes: Buffer, force = false): Promise<Said> =>
  world.call('write', force ? `${PATH}-force` : PATH, {}, { body: Buffer.alloc(0), upload: inPieces(bytes) })

async function unseal(world: World, share: Buffer): Promise<void> {
  assert.equal((await world.ok('write', 'sys/unseal', { key: share.toString('base64') }, { token: '' })).sealed, false)
}

async function withSecret(value: string): Promise<World> {
  const world = await openWorld({ store: memory({ timers: stillTimers }) })
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
  await world.ok('write', 'sys/mounts/kv', { type: 'kv' })
  await world.ok('write', 'kv/a', { value })
  return world
}

describe('restoring', () => {
  test('brings everything back as it was, and seals', async () => {
    const world = await withSecret('before')
    const bytes = await snapshotOf(world)
    await world.ok('write', 'kv/a', { value: 'after' })
    await world.ok('write', 'kv/b', { value: 'new' })
    await world.ok('write', 'sys/policies/acl/p', { policy: 'path "a" {}' })
    assert.deepEqual((await restore(world, bytes)).status, 204)
    assert.equal((await world.call('read', 'kv/a')).status, 503)
    await unseal(world, world.share)
    assert.deepEqual((await world.ok('read', 'kv/a')).data, { value: 'before' })
    assert.equal((await world.call('read', 'kv/b')).status, 404)
    assert.equal((await world.call('read', 'sys/policies/acl/p')).status, 404)
    const [asked, answered] = world.audit('/audit').filter((one) => one.request.path === PATH && one.request.operation === 'update')
    assert.deepEqual([asked.type, answered.type, answered.error], ['request', 'response', undefined])
  })

  test('what another server took is refused, unless forced; then its own keys open it', async () => {
    const [one, other] = [await withSecret('one'), await withSecret('other')]
    const bytes = await snapshotOf(other)
    const { revision } = one.store
    const refused = await restore(one, bytes)
    assert.equal(refused.status, 400)
    assert.match(refused.body.errors[0], /different set of unseal keys; use the snapshot-force API/)
    assert.equal(one.store.revision, revision)
    assert.deepEqual((await one.ok('read', 'kv/a')).data, { value: 'one' })

    assert.equal((await restore(one, bytes, true)).status, 204)
    const wrong = await one.call('write', 'sys/unseal', { key: one.share.toString('base64') }, { token: '' })
    assert.equal(wrong.status, 400)
    await unseal(one, other.share)
    assert.deepEqual((await one.ok('read', 'kv/a', {}, { token: other.rootToken })).data, { value: 'other' })
    assert.equal((await one.call('read', 'kv/a')).status, 403)
  })

  test('a snapshot from before a new term of the keys is still this server’s', async () => {
    const world = await withSecret('before')
    const bytes = await snapshotOf(world)
    await world.ok('write', 'sys/rotate')
    assert.equal((await restore(world, bytes)).status, 204)
    await unseal(world, world.share)
    assert.deepEqual((await world.ok('read', 'kv/a')).data, { value: 'before' })
  })
})

test('a file can not be wrapped', async () => {
  const { status, body } = await (await withSecret('x')).call('read', PATH, {}, { wrapTtl: 60 })
  assert.deepEqual([status, body.errors], [400, ['a file can not be wrapped']])
})

describe('nothing changes where', () => {
  test('the snapshot is none, cut, or altered', async () => {
    const world = await withSecret('before')
    const bytes = await snapshotOf(world)
    const { revision } = world.store
    const altered = gunzipSync(bytes)
    altered[700] = (altered[700] as number) ^ 1
    for (const [name, bad] of Object.entries({
      none: Buffer.alloc(0),
      junk: Buffer.from('junk'),
      cut: bytes.subarray(0, -200),
      altered: gzipSync(altered),
    })) {
      for (const force of [false, true]) {
        const { status, body } = await restore(world, bad, force)
        assert.equal(status, 400, name)
        assert.match(body.errors[0], /^failed to read snapshot: /, name)
      }
    }
    assert.equal((await world.call('write', PATH)).status, 400)
    assert.equal(world.store.revision, revision)
    assert.deepEqual((await world.ok('read', 'kv/a')).data, { value: 'before' })
  })

  test('whoever sends it may not, and nothing of it is read', async () => {
    const world = await withSecret('before')
    const reader = await world.ok('write', 'sys/policies/acl/backup', { policy: `path "${PATH}" { capabilities = ["read"] }` })
    assert.equal(reader, undefined)
    const token = (await world.ok('write', 'auth/token/create', { policies: ['backup'] })).auth.client_token
    assert.equal((await world.call('read', PATH, {}, { token })).status, 200)
    let asked = 0
    const upload = {
      async *[Symbol.asyncIterator]() {
        asked++
        yield Buffer.alloc(1)
      },
    }
    for (const by of [token, '', 'hvs.none']) {
      assert.equal((await world.call('write', PATH, {}, { token: by, body: Buffer.alloc(0), upload })).status, 403)
      assert.equal((await world.call('write', `${PATH}-force`, {}, { token: by, body: Buffer.alloc(0), upload })).status, 403)
    }
    assert.equal(asked, 0)
  })

  test('no record of it can be written', async () => {
    const world = await withSecret('before')
    const bytes = await snapshotOf(world)
    world.breakAudit(new Error('disk full'))
    assert.equal((await restore(world, bytes)).status, 500)
    world.breakAudit(undefined)
    assert.deepEqual((await world.ok('read', 'kv/a')).data, { value: 'before' })
  })
})
