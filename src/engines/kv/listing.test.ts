// LIST, SCAN and their detailed forms: order, folders, pages, odd names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import type { OpVerb } from '../../contract/module.ts'
import { type Bench, openBench } from '../../testing/run-op.ts'
import { kv1 } from './v1.ts'
import { kv2 } from './v2.ts'

async function benchWith(...paths: string[]): Promise<Bench> {
  const bench = openBench(kv2)
  for (const path of paths) await bench.call('write', `data/${path}`, { data: { path } })
  return bench
}

async function names(bench: Bench, verb: OpVerb, path: string, page: JsonObject = {}): Promise<readonly string[]> {
  const { reply } = await bench.call(verb, path, page)
  assert.ok(reply.kind === 'keys')
  return reply.keys
}

test('a list shows one level, sorted, folders with a slash', async () => {
  const bench = await benchWith('b', 'a/x', 'a/y/z', 'a', 'a-1', '__proto__', 'ünï/ço')
  assert.deepEqual(await names(bench, 'list', 'metadata'), ['__proto__', 'a', 'a-1', 'a/', 'b', 'ünï/'])
  assert.deepEqual(await names(bench, 'list', 'metadata/a'), ['x', 'y/'])
  assert.deepEqual(await names(bench, 'list', 'metadata/a/'), ['x', 'y/'])
  assert.deepEqual(await names(bench, 'list', 'metadata/b'), [])
  assert.deepEqual(await names(bench, 'list', 'metadata/none'), [])
})

test('a scan shows all that lies below', async () => {
  const bench = await benchWith('b', 'a/x', 'a/y/z', 'a')
  assert.deepEqual(await names(bench, 'scan', 'metadata'), ['a', 'a/x', 'a/y/z', 'b'])
  assert.deepEqual(await names(bench, 'scan', 'metadata/a'), ['x', 'y/z'])
  assert.deepEqual(await names(bench, 'scan', 'metadata', { after: 'a', limit: '2' }), ['a/x', 'a/y/z'])
  assert.deepEqual(await names(bench, 'scan', 'metadata/none'), [])
})

test('pages of a large folder add up to the whole', async () => {
  const bench = openBench(kv2)
  const paths = Array.from({ length: 700 }, (_, n) => `big/${String(n).padStart(4, '0')}${n % 7 === 0 ? '/deep' : ''}`)
  await bench.store.commit({
    ops: paths.map((path) => ({ key: `meta/${path}`, value: Buffer.from('{"createdAt":0,"updatedAt":0,"current":0,"oldest":0}') })),
  })
  const pages = []
  for (let after = ''; ; ) {
    const page = await names(bench, 'list', 'metadata/big', { limit: 64, after })
    if (page.length === 0) break
    assert.ok(page.length <= 64)
    pages.push(...page)
    after = page.at(-1) as string
  }
  assert.deepEqual(pages, await names(bench, 'list', 'metadata/big'))
  assert.equal(pages.length, 700)
})

test('after need not exist, and a limit of zero or less is none', async () => {
  const bench = await benchWith('a', 'b/x', 'c')
  assert.deepEqual(await names(bench, 'list', 'metadata', { after: 'aa' }), ['b/', 'c'])
  assert.deepEqual(await names(bench, 'list', 'metadata', { after: 'b/' }), ['c'])
  assert.deepEqual(await names(bench, 'list', 'metadata', { after: 'z' }), [])
  for (const limit of [0, -1]) assert.equal((await names(bench, 'list', 'metadata', { limit })).length, 3)
})

test('the detailed forms tell what is known of each secret', async () => {
  const bench = await benchWith('a', '__proto__', 'd/e')
  const { reply } = await bench.call('list', 'detailed-metadata')
  assert.ok(reply.kind === 'keys' && reply.info)
  assert.deepEqual(reply.keys, ['__proto__', 'a', 'd/'])
  assert.deepEqual(Object.keys(reply.info), ['__proto__', 'a', 'd/'])
  const { reply: read } = await bench.call('read', 'metadata/a')
  assert.deepEqual(reply.info['a'], read.kind === 'data' && read.data)
  assert.deepEqual(reply.info['d/'], {})
  const { reply: scan } = await bench.call('scan', 'detailed-metadata/d')
  assert.ok(scan.kind === 'keys' && scan.info)
  assert.deepEqual(scan.keys, ['e'])
  assert.equal((scan.info['e'] as JsonObject)['current_version'], 1)
})

test('an unversioned mount lists and scans too', async () => {
  const bench = openBench(kv1)
  for (const path of ['b', 'a/x', 'a']) await bench.call('write', path, { path })
  assert.deepEqual(await names(bench, 'list', ''), ['a', 'a/', 'b'])
  assert.deepEqual(await names(bench, 'list', 'a', { limit: 1 }), ['x'])
  assert.deepEqual(await names(bench, 'scan', ''), ['a', 'a/x', 'b'])
})
