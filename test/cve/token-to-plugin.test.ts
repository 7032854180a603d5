// Class "token to plugin" (CVE-2026-4525): what an engine or auth method is given, to any depth, has no token of the caller in it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parsePath } from '../../src/base/path.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Known } from '../../src/contract/call.ts'
import { ROOT } from '../../src/contract/namespace.ts'
import { type Ctx, type Module, path } from '../../src/contract/module.ts'
import { empty } from '../../src/contract/reply.ts'
import { openRun } from '../../src/pipeline/run.ts'
import { memory } from '../../src/store/memory.ts'
import { newMount } from '../../src/tenancy/mount-spec.ts'
import { settableClock, stillTimers } from '../../src/testing/clock.ts'
import { someToken } from '../../src/testing/run-op.ts'

const TOKEN = 'hvs.CANARYCANARYCANARYCANARY'

/** Every value that can be reached from one, by whatever kind of property. */
function* reachable(value: unknown, seen = new Set<unknown>()): Generator<unknown> {
  yield value
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
  seen.add(value)
  for (const key of Reflect.ownKeys(value)) {
    const { value: inner, get } = Reflect.getOwnPropertyDescriptor(value, key) as PropertyDescriptor
    yield* reachable(key, seen)
    yield* reachable(get ? Reflect.get(value, key) : inner, seen)
  }
}

/** What an op of a module of this kind is given. */
async function given(kind: Module['kind'], open: boolean): Promise<Ctx> {
  let seen: Ctx | undefined
  const paths = [
    path('x', 'x', {}, (op) => ({
      write: op({
        doc: 'x',
        access: open ? 'open' : 'token',
        run(ctx) {
          seen = ctx
          return empty()
        },
      }),
    })),
  ]
  const module: Module = { kind, type: 'spy', doc: 'x', paths }
  const store = memory({ timers: stillTimers })
  const ready = openRun({
    clock: settableClock(),
    random: { bytes: randomBytes },
    storeOf: () => store,
    boundsOf: () => ({ defaultTtl: 1, maxTtl: 1 }),
  })
  const op = paths[0]?.ops.write
  assert.ok(op)
  const call: Known = {
    id: 'id',
    at: 0,
    verb: 'write',
    path: parsePath('spy/x'),
    namespace: '',
    query: {},
    body: Buffer.from('{}'),
    contentType: undefined,
    token: new Secret(TOKEN),
    peer: { address: '127.0.0.1', port: 1 },
    wrapTtl: undefined,
    tenant: ROOT,
    mount: undefined,
    module,
    target: { found: 'op', op, params: {} },
    data: {},
    caller: open ? undefined : someToken(),
  }
  await ready(
    call,
    newMount({ path: 'spy/', class: 'secret', type: 'spy' }, { uuid: 'u', accessor: 'a', slice: 's', namespace: '', namespaceId: 'root' }),
    module,
    { op, params: {} },
  ).run()
  assert.ok(seen)
  return seen
}

const holdsToken = (value: unknown) => value instanceof Secret || (typeof value === 'string' && value.includes(TOKEN))

for (const kind of ['engine', 'auth'] as const) {
  for (const open of [false, true]) {
    test(`${kind}, ${open ? 'open' : 'for token holders'}`, async () => {
      assert.ok(![...reachable(await given(kind, open))].some(holdsToken))
    })
  }
}

test('the system, which wraps and looks up by it, has it, hidden from print', async () => {
  const ctx = await given('system', false)
  assert.equal(ctx.token?.reveal(), TOKEN)
  assert.ok(!JSON.stringify({ ...ctx, store: undefined }).includes(TOKEN))
})
