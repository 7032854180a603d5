// The settings of a mount.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBench } from '../../testing/run-op.ts'
import { kv2 } from './v2.ts'

test('settings are shown, changed one by one, and taken back by null', async () => {
  const bench = openBench(kv2)
  const shown = async () => {
    const { reply } = await bench.call('read', 'config')
    return reply.kind === 'data' && reply.data
  }
  const none = { cas_required: false, delete_version_after: '0s', max_versions: 0, metadata_cas_required: false }
  assert.deepEqual(await shown(), none)
  assert.deepEqual((await bench.call('write', 'config', {})).reply, { kind: 'empty' })
  await bench.call('write', 'config', { max_versions: '5', cas_required: 'true' })
  await bench.call('write', 'config', { delete_version_after: '1h30m', metadata_cas_required: 1 })
  assert.deepEqual(await shown(), { cas_required: true, delete_version_after: '1h30m0s', max_versions: 5, metadata_cas_required: true })
  for (const negative of [-1, '-5m', '-1s']) {
    await bench.call('write', 'config', { delete_version_after: negative })
    assert.deepEqual(await shown(), { cas_required: true, delete_version_after: '-1s', max_versions: 5, metadata_cas_required: true })
  }
  await bench.call('write', 'config', { delete_version_after: 0, max_versions: null, cas_required: false, metadata_cas_required: null })
  assert.deepEqual(await shown(), none)
})
