// The bench picks the op that a request means, and tells what a policy would have to grant.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { int, or, text } from '../base/fields.ts'
import { type Module, path } from '../contract/module.ts'
import { data } from '../contract/reply.ts'
import { openBench, someToken } from './run-op.ts'

const at = (template: string, params = {}) =>
  path(template, template, params, (op) => ({
    read: op({
      doc: template,
      input: { n: or(int('A number.'), 7) },
      run: (ctx, input) => data({ template, ...input, by: ctx.caller?.accessor ?? null }),
    }),
  }))

const module: Module = {
  kind: 'engine',
  type: 'bench',
  doc: 'Shows what ran.',
  paths: [
    at('*rest', { rest: text('All.') }),
    at('keys/:name', { name: text('One.') }),
    at('keys/*rest', { rest: text('All.') }),
    at('keys'),
    at('keys/first'),
  ],
}

test('the most literal path wins', async () => {
  const bench = openBench(module, { caller: someToken({ accessor: 'ann' }) })
  const ran = async (at: string) => {
    const { reply, capability } = await bench.call('read', at, { n: '9', other: 1 })
    assert.equal(capability, 'read')
    return reply.kind === 'data' && reply.data
  }
  assert.deepEqual(await ran('keys'), { template: 'keys', n: 9, by: 'ann' })
  assert.deepEqual(await ran('keys/first'), { template: 'keys/first', n: 9, by: 'ann' })
  assert.deepEqual(await ran('keys/one'), { template: 'keys/:name', name: 'one', n: 9, by: 'ann' })
  assert.deepEqual(await ran('keys/one/two'), { template: 'keys/*rest', rest: 'one/two', n: 9, by: 'ann' })
  assert.deepEqual(await ran('other/'), { template: '*rest', rest: 'other/', n: 9, by: 'ann' })
  assert.deepEqual(await ran(''), { template: '*rest', rest: '', n: 9, by: 'ann' })
  await assert.rejects(bench.call('write', 'keys'), { code: 'unsupported' })
  await assert.rejects(bench.call('read', 'a/../b'), { code: 'invalid' })
})

test('the clock stands until it is moved', () => {
  const { clock } = openBench(module)
  const now = clock.now()
  clock.advance(5)
  assert.equal(clock.now(), now + 5)
  clock.set(1)
  assert.equal(clock.monotonic(), 1)
})
