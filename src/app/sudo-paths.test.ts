// The paths that ask for sudo, as tools see them without a server, are those of a running one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorld } from '../testing/world.ts'
import { sudoPaths } from './sudo-paths.ts'

test('they are what the API document of a server says', async (t) => {
  const world = await openWorld()
  t.after(() => world.close())
  const { paths } = (await world.call('read', 'sys/internal/specs/openapi')).body
  const asks = (item: object) => Object.values(item).some((operation) => operation?.['x-vault-sudo'] === true)
  const documented = Object.entries<object>(paths).flatMap(([path, item]) => (asks(item) ? [path.slice(1)] : []))
  const derived = sudoPaths().map((path) => path.replace(/[:*](\w+)/g, '{$1}'))
  assert.ok(derived.includes('sys/seal'))
  assert.deepEqual(derived, documented.sort())
})
