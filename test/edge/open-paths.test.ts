// What a listener answers to anybody because its configuration says so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withOpenPaths } from '../../src/app/open-paths.ts'
import { openWorld } from '../../src/testing/world.ts'
import { openDoor } from './door.ts'

test('metrics and requests in flight without a token, sealed or not, and nothing else', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  const handle = withOpenPaths((received) => world.kernel.handle(received), ['sys/metrics', 'sys/in-flight-req'], world.server)
  await using door = await openDoor({ handle })
  const ask = (path: string, init: RequestInit = {}) => fetch(`http://127.0.0.1:${door.listener.port}/v1/${path}`, init)
  for (const sealed of [false, true]) {
    if (sealed) await world.ok('write', 'sys/seal')
    const metrics = await ask('sys/metrics?format=prometheus')
    assert.equal(metrics.status, 200)
    assert.match(await metrics.text(), /^vault_core_in_flight_requests \d$/m)
    assert.equal((await ask('sys/metrics?format=x')).status, 400)
    assert.equal((await ask('sys/in-flight-req')).status, 200)
  }
  assert.equal((await ask('sys/host-info')).status, 503)
  assert.equal((await ask('sys/metrics', { headers: { 'X-Vault-Token': 'wrong' } })).status, 503)
})
