// Versions of a secret: written, read, patched, deleted, pruned and expired.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, type JsonObject } from '../../base/json.ts'
import { openBench } from '../../testing/run-op.ts'
import { versionId } from './secret.ts'
import { kv2 } from './v2.ts'

const T0 = '2030-01-02T03:04:05.678Z'
const fresh = { created_time: T0, custom_metadata: null, deletion_time: '', destroyed: false }

test('a write makes a version and a read gives it back', async () => {
  const bench = openBench(kv2)
  assert.deepEqual(await bench.call('write', 'data/app/db', { data: { user: 'ann' } }), {
    reply: { kind: 'data', data: { ...fresh, version: 1 } },
    warnings: [],
    capability: 'create',
  })
  const again = await bench.call('write', 'data/app/db', { data: { user: 'bob' } })
  assert.equal(again.capability, 'update')
  assert.deepEqual((await bench.call('read', 'data/app/db')).reply, {
    kind: 'data',
    data: { data: { user: 'bob' }, metadata: { ...fresh, version: 2 } },
  })
  assert.deepEqual((await bench.call('read', 'data/app/db', { version: '1' })).reply, {
    kind: 'data',
    data: { data: { user: 'ann' }, metadata: { ...fresh, version: 1 } },
  })
  for (const version of ['0', '-4']) assert.equal(seen(await bench.call('read', 'data/app/db', { version })).user, 'bob')
  assert.deepEqual((await bench.call('read', 'data/app/db', { version: 3 })).reply, { kind: 'missing' })
  assert.deepEqual((await bench.call('read', 'data/app')).reply, { kind: 'missing' })
})

test('numbers and odd keys come back as they were sent', async () => {
  const bench = openBench(kv2)
  const text = '{"9":1,"10":1.0,"n":9007199254740993,"big":1e400,"neg":-0,"__proto__":{"a":1.50},"constructor":[0.10],"ключ":"值"}'
  await bench.call('write', 'data/odd', { data: parseJson(Buffer.from(text)) })
  assert.equal(JSON.stringify(seen(await bench.call('read', 'data/odd'))), JSON.stringify(parseJson(Buffer.from(text))))
  await bench.call('patch', 'data/odd', { data: parseJson(Buffer.from('{"n":1.00,"__proto__":{"b":2.0},"constructor":null}')) })
  assert.equal(
    JSON.stringify(seen(await bench.call('read', 'data/odd'))),
    '{"9":1,"10":1.0,"n":1.00,"big":1e400,"neg":-0,"__proto__":{"a":1.50,"b":2.0},"ключ":"值"}',
  )
})

test('paths that look like something else are just paths', async () => {
  const bench = openBench(kv2)
  const paths = ['__proto__', 'constructor', '1', '1/2', '1/2/3', 'a', 'a/1', 'ünï/ço', 'config', 'data/data', 'metadata']
  for (const path of paths) await bench.call('write', `data/${path}`, { data: { path } })
  for (const path of paths) assert.equal(seen(await bench.call('read', `data/${path}`)).path, path)
  await bench.call('delete', 'metadata/1')
  assert.equal(seen(await bench.call('read', 'data/1/2')).path, '1/2')
})

test('check-and-set writes only over the version it names', async () => {
  const bench = openBench(kv2)
  const put = (cas: string | number | null) => bench.call('write', 'data/a', { data: {}, options: { cas } })
  await refused(put(1), 'check-and-set parameter did not match the current version')
  await put(0)
  await refused(put(0), 'check-and-set parameter did not match the current version')
  await put('1')
  await refused(put(null), 'check-and-set parameter did not match the current version')
  await refused(put('x'), 'error parsing check-and-set parameter')
  await refused(bench.call('patch', 'data/a', { data: {}, options: { cas: 1 } }), 'check-and-set parameter did not match the current version')
  await bench.call('patch', 'data/a', { data: {}, options: { cas: 2 } })
})

test('check-and-set is required where the mount or the secret says so', async () => {
  const bench = openBench(kv2)
  const text = 'check-and-set parameter required for this call'
  await bench.call('write', 'metadata/a', { cas_required: true })
  await refused(bench.call('write', 'data/a', { data: {} }), text)
  await bench.call('write', 'data/b', { data: {} })
  await bench.call('write', 'config', { cas_required: true })
  await refused(bench.call('write', 'data/b', { data: {}, options: {} }), text)
  await refused(bench.call('patch', 'data/b', { data: {} }), text)
})

test('of 64 writers that expect no secret, one wins', async () => {
  const bench = openBench(kv2)
  const writes = Array.from({ length: 64 }, (_, writer) => bench.call('write', 'data/a', { data: { writer }, options: { cas: 0 } }))
  const settled = await Promise.allSettled(writes)
  const won = settled.flatMap((one, writer) => (one.status === 'fulfilled' ? [writer] : []))
  assert.equal(won.length, 1)
  assert.equal(seen(await bench.call('read', 'data/a')).writer, won[0])
  for (const one of settled)
    if (one.status === 'rejected') assert.equal(one.reason.message, 'check-and-set parameter did not match the current version')
})

test('writers that expect nothing each get a version of their own', async () => {
  const bench = openBench(kv2)
  const made = await Promise.all(Array.from({ length: 20 }, (_, n) => bench.call('write', 'data/a', { data: { n } })))
  assert.deepEqual(
    made.map(({ reply }) => (reply.kind === 'data' ? Number(reply.data?.['version']) : 0)).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, n) => n + 1),
  )
})

test('a patch merges into the newest version', async () => {
  const bench = openBench(kv2)
  assert.deepEqual((await bench.call('patch', 'data/a', { data: { x: 1 } })).reply, { kind: 'missing' })
  await bench.call('write', 'data/a', { data: { keep: 1, drop: 2, deep: { keep: 1, drop: 2 }, list: [1, 2] } })
  await bench.call('patch', 'data/a', { data: { drop: null, deep: { drop: null, add: { b: 1, c: null } }, list: [null] } })
  assert.deepEqual(seen(await bench.call('read', 'data/a')), { keep: 1, deep: { keep: 1, add: { b: 1 } }, list: [null] })
  assert.equal((await bench.call('read', 'data/a', { version: 1 })).reply.kind, 'data')
})

test('deleting the newest version leaves its metadata, with 404', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'data/a', { data: { x: 1 } })
  bench.clock.advance(1000)
  assert.deepEqual((await bench.call('delete', 'data/a')).reply, { kind: 'empty' })
  const gone = { kind: 'data', data: { data: null, metadata: { ...fresh, deletion_time: '2030-01-02T03:04:06.678Z', version: 1 } }, status: 404 }
  assert.deepEqual((await bench.call('read', 'data/a')).reply, gone)
  bench.clock.advance(-500_000) // a clock that is set back gives nothing back
  assert.deepEqual((await bench.call('read', 'data/a')).reply, gone)
  assert.deepEqual((await bench.call('delete', 'data/a')).reply, { kind: 'empty' })
  assert.deepEqual((await bench.call('read', 'data/a')).reply, gone)
  assert.deepEqual((await bench.call('patch', 'data/a', { data: {} })).reply, { kind: 'data', data: gone.data.metadata, status: 404 })
  assert.deepEqual((await bench.call('delete', 'data/none')).reply, { kind: 'empty' })
  await bench.call('write', 'data/a', { data: { x: 2 } })
  assert.equal(seen(await bench.call('read', 'data/a')).x, 2)
})

test('only the newest versions are kept, ten unless told otherwise', async () => {
  const bench = openBench(kv2)
  for (let n = 1; n <= 11; n++) await bench.call('write', 'data/a', { data: { n } })
  assert.deepEqual((await bench.call('read', 'data/a', { version: 1 })).reply, { kind: 'missing' })
  assert.equal(seen(await bench.call('read', 'data/a', { version: 2 })).n, 2)
  await bench.call('write', 'config', { max_versions: 3 })
  await bench.call('write', 'data/a', { data: { n: 12 } })
  assert.deepEqual(kept(await bench.call('read', 'metadata/a')), { oldest: 10, versions: ['10', '11', '12'] })
  await bench.call('write', 'metadata/a', { max_versions: 4 })
  await bench.call('write', 'data/a', { data: { n: 13 } })
  await bench.call('write', 'data/a', { data: { n: 14 } })
  assert.deepEqual(kept(await bench.call('read', 'metadata/a')), { oldest: 11, versions: ['11', '12', '13', '14'] })
  assert.deepEqual(
    [...bench.store.keys({ prefix: 'meta/a\0' })],
    [14, 13, 12, 11].map((number) => `meta/${versionId('a', number)}`),
  )
})

test('a version expires after the shorter of the mount’s and the secret’s time', async () => {
  const bench = openBench(kv2)
  await bench.call('write', 'config', { delete_version_after: '1h' })
  await bench.call('write', 'metadata/short', { delete_version_after: '1m' })
  await bench.call('write', 'metadata/long', { delete_version_after: '2h' })
  for (const name of ['short', 'long', 'plain']) await bench.call('write', `data/${name}`, { data: { name } })
  const readable = async () => {
    const reads = await Promise.all(['short', 'long', 'plain'].map(async (name) => [name, (await bench.call('read', `data/${name}`)).reply] as const))
    return reads.flatMap(([name, reply]) => (reply.kind === 'data' && reply.status !== 404 ? [name] : []))
  }
  assert.deepEqual(await readable(), ['short', 'long', 'plain'])
  bench.clock.advance(60_000)
  assert.deepEqual(await readable(), ['long', 'plain'])
  bench.clock.advance(3_600_000 - 60_001)
  assert.deepEqual(await readable(), ['long', 'plain'])
  bench.clock.advance(1)
  assert.deepEqual(await readable(), [])
  await bench.call('write', 'config', { delete_version_after: '-1s' })
  await bench.call('write', 'data/short', { data: {} })
  bench.clock.advance(86_400_000)
  assert.deepEqual(await readable(), ['short'])
})

type Answer = Awaited<ReturnType<ReturnType<typeof openBench>['call']>>

function seen({ reply }: Answer): JsonObject {
  assert.ok(reply.kind === 'data' && reply.status !== 404)
  return reply.data?.['data'] as JsonObject
}

function kept({ reply }: Answer): { oldest: unknown; versions: string[] } {
  assert.ok(reply.kind === 'data' && reply.data)
  return { oldest: reply.data['oldest_version'], versions: Object.keys(reply.data['versions'] as JsonObject) }
}

function refused(answer: Promise<unknown>, message: string): Promise<void> {
  return assert.rejects(answer, { name: 'Fault', code: 'invalid', message })
}
