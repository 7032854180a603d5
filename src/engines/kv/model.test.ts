// KV v2 against a model that keeps everything in maps: whatever is done in whatever order, both answer alike.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { JsonObject } from '../../base/json.ts'
import { type Bench, openBench } from '../../testing/run-op.ts'
import { mergePatch } from './merge-patch.ts'
import { kv2 } from './v2.ts'

interface ModelVersion {
  data: JsonObject
  state: 'there' | 'deleted' | 'destroyed'
}

interface ModelSecret {
  current: number
  max: number
  versions: Map<number, ModelVersion>
}

type Model = Map<string, ModelSecret>
type Command =
  | { do: 'put' | 'patch'; at: string; value: JsonObject; cas: number | undefined }
  | { do: 'delete' | 'undelete' | 'destroy'; at: string; versions: number[] }
  | { do: 'deleteNewest' | 'remove'; at: string }
  | { do: 'limit'; at: string; max: number }

const at = fc.constantFrom('a', 'a/1')
const value = fc.dictionary(
  fc.constantFrom('x', 'y', '__proto__'),
  fc.oneof(fc.integer(), fc.constant(null), fc.dictionary(fc.constantFrom('p', 'q'), fc.boolean())),
)
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'patch' as const), at, value, cas: fc.option(fc.nat(4), { nil: undefined }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('delete' as const, 'undelete' as const, 'destroy' as const),
      at,
      versions: fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('deleteNewest' as const, 'remove' as const), at }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), at, max: fc.integer({ min: 1, max: 4 }) }) },
)

/** True where the model takes the command. */
function apply(model: Model, one: Command): boolean {
  const secret = model.get(one.at)
  const newest = secret?.versions.get(secret.current)
  switch (one.do) {
    case 'put':
      if (one.cas !== undefined && one.cas !== (secret?.current ?? 0)) return false
      return add(model, one.at, one.value)
    case 'patch':
      if (secret && one.cas !== undefined && one.cas !== secret.current) return false
      return newest?.state === 'there' ? add(model, one.at, mergePatch(newest.data, one.value)) : true
    case 'deleteNewest':
      if (newest?.state === 'there') newest.state = 'deleted'
      return true
    case 'remove':
      model.delete(one.at)
      return true
    case 'limit':
      model.set(one.at, { ...(secret ?? { current: 0, versions: new Map() }), max: one.max })
      return true
    default:
      for (const version of one.versions.map((number) => secret?.versions.get(number))) {
        if (!version || version.state === 'destroyed') continue
        version.state = one.do === 'undelete' ? 'there' : one.do === 'delete' ? 'deleted' : 'destroyed'
      }
      return true
  }
}

function add(model: Model, path: string, data: JsonObject): boolean {
  const secret = model.get(path) ?? { current: 0, max: 10, versions: new Map<number, ModelVersion>() }
  secret.current++
  secret.versions.set(secret.current, { data, state: 'there' })
  for (const number of secret.versions.keys()) if (number <= secret.current - secret.max) secret.versions.delete(number)
  model.set(path, secret)
  return true
}

function run(bench: Bench, one: Command): Promise<unknown> {
  switch (one.do) {
    case 'put':
    case 'patch':
      return bench.call(one.do === 'put' ? 'write' : 'patch', `data/${one.at}`, {
        data: one.value,
        ...(one.cas === undefined ? {} : { options: { cas: one.cas } }),
      })
    case 'deleteNewest':
      return bench.call('delete', `data/${one.at}`)
    case 'remove':
      return bench.call('delete', `metadata/${one.at}`)
    case 'limit':
      return bench.call('write', `metadata/${one.at}`, { max_versions: one.max })
    default:
      return bench.call('write', `${one.do}/${one.at}`, { versions: one.versions })
  }
}

async function compare(bench: Bench, model: Model): Promise<void> {
  for (const path of ['a', 'a/1']) {
    const secret = model.get(path)
    for (let number = 0; number <= (secret?.current ?? 0) + 1; number++) {
      const { reply } = await bench.call('read', `data/${path}`, { version: number })
      const expected = secret?.versions.get(number === 0 ? secret.current : number)
      if (!expected) assert.deepEqual(reply, { kind: 'missing' })
      else {
        assert.ok(reply.kind === 'data' && reply.data)
        assert.equal(reply.status, expected.state === 'there' ? undefined : 404)
        assert.equal(JSON.stringify(reply.data['data']), JSON.stringify(expected.state === 'there' ? expected.data : null))
        assert.equal((reply.data['metadata'] as JsonObject)['destroyed'], expected.state === 'destroyed')
      }
    }
  }
  const stored = [...bench.store.keys({ prefix: 'meta/' })].filter((key) => key.includes('\0')).length
  assert.equal(
    stored,
    [...model.values()].reduce((sum, { versions }) => sum + versions.size, 0),
  )
}

test('any history leaves what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      const [bench, model]: [Bench, Model] = [openBench(kv2), new Map()]
      for (const one of commands) {
        const taken = apply(model, one)
        if (taken) await run(bench, one)
        else await assert.rejects(run(bench, one), { message: 'check-and-set parameter did not match the current version' })
        await compare(bench, model)
      }
    }),
    { numRuns: 60 },
  )
})
