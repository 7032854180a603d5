// Deleting, giving back and destroying versions by number.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bench, openBench } from '../../testing/run-op.ts'
import { versionId } from './secret.ts'
import { kv2 } from './v2.ts'

async function threeVersions(): Promise<Bench> {
  const bench = openBench(kv2)
  for (const n of [1, 2, 3]) await bench.call('write', 'data/a', { data: { n } })
  return bench
}

async function states(bench: Bench): Promise<string> {
  const shown = []
  for (const version of [1, 2, 3]) {
    const { reply } = await bench.call('read', 'data/a', { version })
    assert.ok(reply.kind === 'data' && reply.data)
    const { destroyed, deletion_time: deleted } = reply.data['metadata'] as { destroyed: boolean; deletion_time: string }
    const gone = destroyed ? 'destroyed' : deleted === '' ? 'there' : 'deleted'
    assert.equal(reply.status === 404, gone !== 'there')
    shown.push(gone)
  }
  return shown.join(' ')
}

test('delete, undelete and destroy change the versions they name and no others', async () => {
  const bench = await threeVersions()
  assert.deepEqual((await bench.call('write', 'delete/a', { versions: [1, '2', 99, -1, 0] })).reply, { kind: 'empty' })
  assert.equal(await states(bench), 'deleted deleted there')
  await bench.call('write', 'undelete/a', { versions: '1,3' })
  assert.equal(await states(bench), 'there deleted there')
  await bench.call('write', 'destroy/a', { versions: 2 })
  assert.equal(await states(bench), 'there destroyed there')
  await bench.call('write', 'undelete/a', { versions: [2] })
  await bench.call('write', 'delete/a', { versions: [2] })
  assert.equal(await states(bench), 'there destroyed there')
  assert.doesNotMatch(String(bench.store.get(`meta/${versionId('a', 2)}`)?.value), /"n"/)
})

test('a secret that there is not is passed over', async () => {
  const bench = openBench(kv2)
  for (const verb of ['delete', 'undelete', 'destroy'])
    assert.deepEqual((await bench.call('write', `${verb}/none`, { versions: [1] })).reply, { kind: 'empty' })
  assert.deepEqual([...bench.store.keys({ prefix: '' })], [])
})

test('at least one version must be named', async () => {
  const bench = await threeVersions()
  const texts = { delete: 'No version number provided', undelete: 'No version number provided', destroy: 'no version number provided' }
  for (const [verb, message] of Object.entries(texts))
    for (const versions of [undefined, null, [], '', ','])
      await assert.rejects(bench.call('write', `${verb}/a`, versions === undefined ? {} : { versions }), { code: 'invalid', message })
})

test('a version that is given back lives as long as a new one', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'metadata/a', { delete_version_after: '10s' })
  await bench.call('write', 'data/a', { data: {} })
  bench.clock.advance(20_000)
  await bench.call('write', 'undelete/a', { versions: [1] })
  const { reply } = await bench.call('read', 'data/a')
  assert.ok(reply.kind === 'data' && reply.status !== 404 && reply.data)
  assert.equal((reply.data['metadata'] as { deletion_time: string }).deletion_time, '2030-01-02T03:04:35.678Z')
})

test('deletion of all versions stays possible while others write', async () => {
  const bench = await threeVersions()
  await Promise.all([
    bench.call('write', 'delete/a', { versions: [1, 2, 3] }),
    bench.call('write', 'destroy/a', { versions: [2] }),
    bench.call('write', 'data/a', { data: { n: 4 } }),
  ])
  assert.equal(await states(bench), 'deleted destroyed deleted')
  const { reply } = await bench.call('read', 'data/a')
  assert.deepEqual(reply.kind === 'data' && reply.data?.['data'], { n: 4 })
})
