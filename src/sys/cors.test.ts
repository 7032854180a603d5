import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { openWorld } from '../testing/world.ts'

test('web pages are let in, shown, and shut out again', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  const read = async () => (await world.ok('read', 'sys/config/cors')).data
  assert.deepEqual(await read(), { enabled: false })
  assert.equal(world.kernel.cors(), undefined)
  await world.ok('write', 'sys/config/cors', { allowed_origins: 'https://a.example,https://b.example', allowed_headers: ['X-Foo', 'Content-Type'] })
  const { allowed_headers: headers, ...rest } = await read()
  assert.deepEqual(rest, { enabled: true, allowed_origins: ['https://a.example', 'https://b.example'], allow_credentials: false })
  assert.deepEqual([headers.filter((name: string) => name === 'Content-Type').length, headers.at(-1)], [1, 'X-Foo'])
  assert.deepEqual(world.kernel.cors()?.origins, ['https://a.example', 'https://b.example'])
  await world.ok('delete', 'sys/config/cors')
  assert.deepEqual([await read(), world.kernel.cors()], [{ enabled: false }, undefined])
})

test('while sealed no page is let in', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  await world.ok('write', 'sys/config/cors', { allowed_origins: '*' })
  await world.ok('write', 'sys/seal')
  assert.equal(world.kernel.cors(), undefined)
})

for (const [data, message] of [
  [{}, 'at least one origin or the wildcard must be provided'],
  [{ allowed_origins: '*,https://a' }, "to allow all origins the '*' must be the only value for allowed_origins"],
  [{ allowed_origins: '*', allow_credentials: true }, 'allow_credentials needs origins by name: any page could act for its reader'],
  [{ allowed_origins: 'https://a', allowed_headers: ['a b'] }, '"a b" is no name of a header'],
] as const) {
  test(`refused: ${message}`, async (t) => {
    const world = await openWorld()
    t.after(() => world.close())
    const { status, body } = await world.call('write', 'sys/config/cors', data as JsonObject)
    assert.deepEqual([status, body.errors], [400, [message]])
    assert.equal(world.kernel.cors(), undefined)
  })
}
