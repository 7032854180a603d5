// What is known of a secret, its settings, its custom metadata, and its removal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { type Bench, openBench } from '../../testing/run-op.ts'
import { versionId } from './secret.ts'
import { kv2 } from './v2.ts'

const T0 = '2030-01-02T03:04:05.678Z'
const bare = {
  cas_required: false,
  created_time: T0,
  current_metadata_version: 0,
  current_version: 0,
  custom_metadata: null,
  delete_version_after: '0s',
  max_versions: 0,
  metadata_cas_required: false,
  oldest_version: 0,
  updated_time: T0,
  versions: {},
}

async function known(bench: Bench, at = 'a'): Promise<JsonObject | null> {
  const { reply } = await bench.call('read', `metadata/${at}`)
  assert.ok(reply.kind === 'data')
  return reply.data
}

test('metadata tells of every version', async () => {
  const bench = openBench(kv2)
  assert.deepEqual((await bench.call('read', 'metadata/a')).reply, { kind: 'missing' })
  await bench.call('write', 'data/a', { data: {} })
  bench.clock.advance(322)
  await bench.call('write', 'data/a', { data: {} })
  await bench.call('write', 'destroy/a', { versions: [1] })
  await bench.call('delete', 'data/a')
  assert.deepEqual(await known(bench), {
    ...bare,
    current_version: 2,
    updated_time: '2030-01-02T03:04:06Z',
    versions: {
      1: { created_time: T0, deletion_time: '', destroyed: true },
      2: { created_time: '2030-01-02T03:04:06Z', deletion_time: '2030-01-02T03:04:06Z', destroyed: false },
    },
  })
})

test('settings make a secret that has no version yet', async () => {
  const bench = openBench(kv2)
  assert.deepEqual((await bench.call('write', 'metadata/a', {})).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('read', 'metadata/a')).reply, { kind: 'missing' })
  const made = await bench.call('write', 'metadata/a', { max_versions: '3', cas_required: 'true', delete_version_after: '3h25m19s' })
  assert.deepEqual([made.reply, made.capability], [{ kind: 'empty' }, 'create'])
  const settings = { cas_required: true, current_metadata_version: 1, delete_version_after: '3h25m19s', max_versions: 3 }
  assert.deepEqual(await known(bench), { ...bare, ...settings })
  assert.deepEqual((await bench.call('read', 'data/a')).reply, { kind: 'missing' })
  assert.deepEqual((await bench.call('patch', 'data/a', { data: {}, options: { cas: 0 } })).reply, { kind: 'missing' })
  bench.clock.advance(322)
  await bench.call('write', 'metadata/a', { max_versions: -1, delete_version_after: 0 })
  const changed = { max_versions: 4_294_967_295, delete_version_after: '0s', current_metadata_version: 2, updated_time: '2030-01-02T03:04:06Z' }
  assert.deepEqual(await known(bench), { ...bare, ...settings, ...changed })
  await bench.call('patch', 'metadata/a', { max_versions: null, cas_required: null })
  assert.deepEqual(await known(bench), { ...bare, ...changed, max_versions: 0, current_metadata_version: 3 })
})

test('custom metadata is replaced by a write and merged by a patch', async () => {
  const bench = openBench(kv2)
  assert.deepEqual((await bench.call('patch', 'metadata/a', { custom_metadata: { a: '1' } })).reply, { kind: 'missing' })
  await bench.call('write', 'metadata/a', { custom_metadata: { owner: 'ann', n: 7, yes: true, __proto__x: 'p' } })
  assert.deepEqual((await known(bench))?.['custom_metadata'], { owner: 'ann', n: '7', yes: '1', __proto__x: 'p' })
  await bench.call('patch', 'metadata/a', { custom_metadata: { n: null, team: 'db', nothing: null } })
  assert.deepEqual((await known(bench))?.['custom_metadata'], { owner: 'ann', yes: '1', __proto__x: 'p', team: 'db' })
  const { reply } = await bench.call('write', 'data/a', { data: {} })
  assert.deepEqual(reply.kind === 'data' && reply.data?.['custom_metadata'], { owner: 'ann', yes: '1', __proto__x: 'p', team: 'db' })
  await bench.call('write', 'metadata/a', { custom_metadata: { only: 'this' } })
  assert.deepEqual((await known(bench))?.['custom_metadata'], { only: 'this' })
  await bench.call('patch', 'metadata/a', { custom_metadata: null })
  assert.equal((await known(bench))?.['custom_metadata'], null)
})

test('custom metadata keeps its bounds', async () => {
  const bench = openBench(kv2)
  const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, 'v']))
  const put = (custom_metadata: JsonObject) => bench.call('write', 'metadata/a', { custom_metadata })
  const failed = 'custom_metadata validation failed'
  const one = (cause: string) => ({ code: 'invalid', message: `1 error occurred:\n\t* ${failed}: ${cause}\n\n` })
  await put({ ...many(63), ['k'.repeat(128)]: 'v'.repeat(512) })
  await put(many(64))
  await assert.rejects(put(many(65)), one('payload must contain at most 64 keys, provided 65'))
  await assert.rejects(put({ ['é'.repeat(65)]: 'v' }), one(`length of key "${'é'.repeat(65)}" is 130 but must be 0 < len(key) <= 128`))
  await assert.rejects(put({ k: 'v'.repeat(513) }), one('length of value for key "k" is 513 but must be 0 < len(value) <= 512'))
  await assert.rejects(put({ k: null }), one('length of value for key "k" is 0 but must be 0 < len(value) <= 512'))
  await assert.rejects(put({ k: 'a\tb' }), one('value for key "k" contains unprintable characters'))
  await assert.rejects(put({ '\u200b': 'v' }), one('key "\u200b" (\u200b) contains unprintable characters'))
  await assert.rejects(put({ k: [] }), { message: `${failed}: value for key "k" must be a string` })
  await assert.rejects(put({ '': '' }), {
    message: `2 errors occurred:\n\t* ${failed}: length of key "" is 0 but must be 0 < len(key) <= 128\n\t* ${failed}: length of value for key "" is 0 but must be 0 < len(value) <= 512\n\n`,
  })
  await assert.rejects(
    bench.call('patch', 'metadata/a', { custom_metadata: { more: 'x' } }),
    one('payload must contain at most 64 keys, provided 65'),
  )
  await bench.call('patch', 'metadata/a', { custom_metadata: { more: 'x', k0: null } })
})

test('metadata has a check-and-set of its own', async () => {
  const bench = openBench(kv2)
  const put = (metadata_cas?: number) =>
    bench.call('write', 'metadata/a', { max_versions: 2, ...(metadata_cas === undefined ? {} : { metadata_cas }) })
  const required = { code: 'invalid', message: 'metadata check-and-set parameter required for this call' }
  const mismatch = { code: 'invalid', message: 'metadata check-and-set parameter does not match the current version' }
  await assert.rejects(put(3), { code: 'invalid', message: 'metadata_cas must be 0 when creating new metadata' })
  await put(0)
  await assert.rejects(put(0), mismatch)
  await put(1)
  await bench.call('write', 'metadata/a', { metadata_cas_required: true })
  await assert.rejects(put(), required)
  await assert.rejects(bench.call('patch', 'metadata/a', { max_versions: 1 }), required)
  await assert.rejects(bench.call('patch', 'metadata/a', { max_versions: 1, metadata_cas: 9 }), mismatch)
  await bench.call('patch', 'metadata/a', { max_versions: 1, metadata_cas: 3 })
  await bench.call('write', 'config', { metadata_cas_required: true })
  await assert.rejects(bench.call('write', 'metadata/b', { max_versions: 1 }), required)
})

test('what the mount demands cannot be waived by a secret', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'config', { cas_required: true, metadata_cas_required: true })
  const text = (name: string) => `"${name}" set to false, but is mandated by backend config. This value will be ignored.`
  const waive = { cas_required: false, metadata_cas_required: false }
  const warned = { kind: 'empty', warnings: [text('cas_required'), text('metadata_cas_required')] }
  assert.deepEqual((await bench.call('write', 'metadata/a', { ...waive, metadata_cas: 0 })).reply, warned)
  assert.deepEqual((await bench.call('patch', 'metadata/a', { ...waive, metadata_cas: 1 })).reply, warned)
})

test('removing a secret removes every version in one commit', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'config', { max_versions: 300 })
  for (let n = 0; n < 200; n++) await bench.call('write', 'data/a', { data: { n } })
  await bench.call('write', 'data/a/1', { data: { neighbour: true } })
  const before = bench.store.revision
  assert.deepEqual((await bench.call('delete', 'metadata/a')).reply, { kind: 'empty' })
  assert.equal(bench.store.revision, before + 1)
  assert.deepEqual([...bench.store.keys({ prefix: '' })], ['config', 'meta/a/1', `meta/${versionId('a/1', 1)}`])
  assert.deepEqual((await bench.call('read', 'data/a')).reply, { kind: 'missing' })
  assert.deepEqual((await bench.call('delete', 'metadata/a')).reply, { kind: 'empty' })
  const { reply } = await bench.call('write', 'data/a', { data: {}, options: { cas: 0 } })
  assert.equal(reply.kind === 'data' && reply.data?.['version'], 1)
})
