// What the log of commits says to subscribers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventOf } from '../../contract/event.ts'
import { openWorld } from '../../testing/world.ts'

test('each change of a secret is told of with its commit, and what it holds is not', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  await world.ok('write', 'sys/mounts/two', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'sys/mounts/one', { type: 'kv', options: { version: '1' } })
  const { accessor } = (await world.ok('read', 'sys/mounts/two')).data
  const start = world.store.revision
  const data = { word: 'canary' }
  await world.ok('write', 'two/config', { max_versions: 5 })
  await world.ok('write', 'two/data/a/b', { data })
  await world.ok('patch', 'two/data/a/b', { data: { more: 1 } })
  await world.ok('delete', 'two/data/a/b')
  await world.ok('write', 'two/undelete/a/b', { versions: [2] })
  await world.ok('write', 'two/delete/a/b', { versions: '1,2' })
  await world.ok('write', 'two/destroy/a/b', { versions: [1, 1] })
  await world.ok('write', 'two/metadata/a/b', { custom_metadata: { owner: 'canary' } })
  await world.ok('patch', 'two/metadata/a/b', { max_versions: 2 })
  await world.ok('delete', 'two/metadata/a/b')
  await world.ok('write', 'one/c', data)
  await world.ok('delete', 'one/c')
  const notes = [...world.store.changesSince(start)].flatMap(({ notes = [] }) => notes)
  assert.ok(notes.every((note) => !note.includes('canary')))
  const events = notes.map(eventOf)
  assert.deepEqual(
    events.map((event) => event?.type),
    ['kv-v2/config-write', 'kv-v2/data-write', 'kv-v2/data-patch', 'kv-v2/data-delete', 'kv-v2/undelete', 'kv-v2/delete'].concat([
      'kv-v2/destroy',
      'kv-v2/metadata-write',
      'kv-v2/metadata-patch',
      'kv-v2/metadata-delete',
      'kv-v1/write',
      'kv-v1/delete',
    ]),
  )
  assert.deepEqual(events[2], {
    type: 'kv-v2/data-patch',
    at: world.clock.now(),
    namespace: '',
    plugin: { accessor, class: 'secret', path: 'two/', type: 'kv', version: '2' },
    metadata: {
      current_version: '2',
      oldest_version: '0',
      data_path: 'two/data/a/b',
      modified: 'true',
      operation: 'data-patch',
      path: 'two/data/a/b',
    },
  })
  assert.deepEqual(events[6]?.metadata['destroyed_versions'], '[1]')
  assert.deepEqual(events[7]?.metadata['data_path'], 'two/data/a/b')
  assert.deepEqual(events[7]?.metadata['path'], 'two/metadata/a/b')
  assert.deepEqual(events[10]?.metadata, { data_path: 'one/c', modified: 'true', operation: 'write', path: 'one/c' })
})

test('what changes nothing tells of nothing', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  await world.ok('write', 'sys/mounts/two', { type: 'kv', options: { version: '2' } })
  const start = world.store.revision
  await world.ok('delete', 'two/data/none')
  await world.ok('write', 'two/destroy/none', { versions: [1] })
  await world.ok('delete', 'two/metadata/none')
  assert.equal((await world.call('write', 'two/data/a', { data: {}, options: { cas: 3 } })).status, 400)
  assert.equal(world.store.revision, start)
})
