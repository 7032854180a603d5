// What KV v2 refuses: paths that hold nothing, and input that is no good, with the exact answers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { OpVerb } from '../../contract/module.ts'
import { openBench } from '../../testing/run-op.ts'
import { kv2 } from './v2.ts'

test('a path without a known prefix hints at the right command', async () => {
  const bench = openBench(kv2)
  const commands = { read: 'get', write: 'put', patch: 'patch', delete: 'delete', list: 'list', scan: 'list' } as const
  for (const [verb, command] of Object.entries(commands))
    for (const path of ['app/db', 'config/x', 'datas/a', ''])
      assert.deepEqual((await bench.call(verb as OpVerb, path, { any: 'thing' })).reply, {
        kind: 'missing',
        warnings: [
          `Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use. If using the Vault CLI, use 'vault kv ${command}' for this operation.`,
        ],
      })
})

test('the root of a kind of path is no secret', async () => {
  const bench = openBench(kv2)
  const warned = { kind: 'missing', warnings: ['Non-listing operations on the root of a K/V v2 mount are not supported.'] }
  const asked = [
    ['read', 'data'],
    ['write', 'data'],
    ['patch', 'data'],
    ['delete', 'data'],
    ['read', 'metadata'],
    ['delete', 'metadata'],
    ['write', 'destroy'],
  ] as const
  for (const [verb, path] of asked) assert.deepEqual((await bench.call(verb, path, { data: {}, versions: [1] })).reply, warned)
  assert.deepEqual((await bench.call('read', 'data/')).reply, { kind: 'missing' })
})

const FIELD = 'Field validation failed: error converting input for field'
const BAD: readonly (readonly [OpVerb, string, JsonObject, number, string])[] = [
  ['write', 'data/a', {}, 400, 'no data provided'],
  ['write', 'data/a', { k: 'v' }, 400, 'no data provided'],
  ['write', 'data/a', { data: null }, 400, 'no data provided'],
  ['write', 'data/a', { data: 'x' }, 400, `${FIELD} "data": expected a map`],
  ['write', 'data/a', { data: [1] }, 400, `${FIELD} "data": expected a map`],
  ['write', 'data/a', { data: {}, options: 'cas' }, 400, `${FIELD} "options": expected a map`],
  ['write', 'data/a', { data: {}, options: { cas: 'x' } }, 400, 'error parsing check-and-set parameter'],
  ['write', 'data/a', { data: {}, options: { cas: [] } }, 400, 'error parsing check-and-set parameter'],
  ['write', 'data/a', { data: {}, options: { cas: -1 } }, 400, 'check-and-set parameter did not match the current version'],
  ['write', 'data/a', { data: {}, options: { cas: 7 } }, 400, 'check-and-set parameter did not match the current version'],
  ['write', 'data/a/', { data: {} }, 400, "cannot write to a path ending in '/'"],
  ['write', 'data/', { data: {} }, 400, "cannot write to a path ending in '/'"],
  ['patch', 'data/a/', { data: {} }, 400, "cannot write to a path ending in '/'"],
  ['patch', 'data/a', {}, 400, 'no data provided'],
  ['read', 'data/a', { version: 'x' }, 400, `${FIELD} "version": cannot parse as int`],
  ['write', 'delete/a', { versions: 'x' }, 400, `${FIELD} "versions": cannot parse as int`],
  ['write', 'metadata/a/', { max_versions: 1 }, 400, "cannot write to a path ending in '/'"],
  ['write', 'metadata/a', { max_versions: 'x' }, 400, `${FIELD} "max_versions": cannot parse as int`],
  ['write', 'metadata/a', { cas_required: 'maybe' }, 400, `${FIELD} "cas_required": cannot parse as bool`],
  ['write', 'metadata/a', { delete_version_after: '-1s' }, 400, `${FIELD} "delete_version_after": cannot provide negative value '-1'`],
  ['write', 'metadata/a', { delete_version_after: 'soon' }, 400, `${FIELD} "delete_version_after": time: invalid duration "soon"`],
  ['write', 'metadata/a', { custom_metadata: 'x' }, 400, `${FIELD} "custom_metadata": expected a map`],
  ['write', 'config', { delete_version_after: 'soon' }, 400, `${FIELD} "delete_version_after": time: invalid duration "soon"`],
  ['write', 'config', { delete_version_after: {} }, 400, `${FIELD} "delete_version_after": expected a string, got an object`],
  ['list', 'metadata', { limit: 'x' }, 400, `${FIELD} "limit": cannot parse as int`],
  ['read', 'subkeys/a', { depth: 'x' }, 400, `${FIELD} "depth": cannot parse as int`],
  ['list', 'data/a', {}, 405, 'unsupported operation'],
  ['delete', 'config', {}, 405, 'unsupported operation'],
  ['read', 'destroy/a', {}, 405, 'unsupported operation'],
  ['write', 'subkeys/a', {}, 405, 'unsupported operation'],
]

for (const [verb, path, data, status, text] of BAD)
  test(`${verb} ${path} ${JSON.stringify(data)} is refused with ${status} ${text}`, async () => {
    const bench = openBench(kv2)
    await assert.rejects(bench.call(verb, path, data), (error) => error instanceof Fault && error.status === status && error.message === text)
    assert.equal(bench.store.revision, 0)
  })
