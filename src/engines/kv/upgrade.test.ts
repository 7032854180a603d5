// From unversioned to versioned at once, and never back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../base/json.ts'
import { openBench } from '../../testing/run-op.ts'
import { kvFor } from './kv.ts'
import { configure } from './upgrade.ts'
import { kv1 } from './v1.ts'
import { kv2 } from './v2.ts'

const { mount: some } = openBench(kv1)
const mount = (version?: string) => ({ ...some, options: version === undefined ? undefined : { version } })

test('the version option decides which engine serves', () => {
  assert.equal(kvFor(mount()), kv1)
  assert.equal(kvFor(mount('')), kv1)
  assert.equal(kvFor(mount('1')), kv1)
  assert.equal(kvFor(mount('2')), kv2)
})

test('a mount goes up, never down, and to no other version', () => {
  for (const [before, after] of [
    [undefined, mount()],
    [undefined, mount('2')],
    [mount('1'), mount('2')],
    [mount('2'), mount('2')],
    [mount(), mount('1')],
  ] as const)
    configure(before, after)
  const refused = { code: 'invalid', message: 'cannot downgrade mount from version 2' }
  for (const version of [undefined, '', '1']) assert.throws(() => configure(mount('2'), mount(version)), refused)
  for (const version of ['3', '0', 'two'])
    assert.throws(() => configure(undefined, mount(version)), { message: `invalid version provided: ${version}` })
})

test('secrets of an unversioned mount are version 1 of a versioned one, with no work between', async () => {
  const old = openBench(kv1)
  const secret = parseJson(Buffer.from('{"n":9007199254740993,"path":"mine"}'))
  for (const path of ['a', 'a/b', 'c', 'd', 'e']) await old.call('write', path, secret as never)
  const before = old.store.revision
  const bench = openBench(kv2, { store: old.store, clock: old.clock })
  const read = async (path: string) => {
    const { reply } = await bench.call('read', path)
    return reply.kind === 'data' ? JSON.stringify(reply.data) : reply.kind
  }
  const metadata = '{"created_time":"2030-01-02T03:04:05.678Z","custom_metadata":null,"deletion_time":"","destroyed":false,"version":1}'
  for (const path of ['a', 'a/b', 'c']) assert.equal(await read(`data/${path}`), `{"data":${JSON.stringify(secret)},"metadata":${metadata}}`)
  assert.match(await read('metadata/a'), /"current_version":1.*"oldest_version":1.*"versions":\{"1":/)
  assert.deepEqual((await bench.call('list', 'metadata')).reply, { kind: 'keys', keys: ['a', 'a/', 'c', 'd', 'e'] })
  assert.equal(old.store.revision, before)
  await bench.call('write', 'data/a', { data: { new: true }, options: { cas: 1 } })
  assert.match(await read('data/a'), /"new":true.*"version":2/)
  await bench.call('patch', 'data/a/b', { data: { added: 1 } })
  assert.match(await read('data/a/b'), /9007199254740993,"path":"mine","added":1.*"version":2/)
  await bench.call('delete', 'data/c')
  assert.match(await read('data/c'), /"data":null.*"version":1/)
  await bench.call('write', 'undelete/c', { versions: [1] })
  assert.match(await read('data/c'), /9007199254740993/)
  await bench.call('write', 'metadata/d', { custom_metadata: { a: 'b' } })
  assert.match(await read('data/d'), /9007199254740993.*"custom_metadata":\{"a":"b"\}/)
  await bench.call('write', 'destroy/d', { versions: [1] })
  assert.doesNotMatch(
    JSON.stringify(
      [...old.store.range({ prefix: '' })].filter(({ key }) => key.endsWith('d') || key.includes('d/')).map(({ value }) => String(value)),
    ),
    /9007/,
  )
  await bench.call('delete', 'metadata/e')
  assert.equal(await read('data/e'), 'missing')
})
