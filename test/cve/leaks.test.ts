// Class "audit and log leak": whatever a client sends anywhere, no secret of it is seen in records, logs, metrics or error texts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { memory } from '../../src/store/memory.ts'
import { openLogs } from '../../src/telemetry/log.ts'
import type { Store } from '../../src/store/store.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { type Canaries, fitting, openCanaries, type Operation, operationsOf, unfitting } from '../security/canaries.ts'
import { type Answered, type Asked, type Front, openFront, parsed, records, request, rotate } from '../security/front.ts'

interface Watched extends AsyncDisposable {
  readonly front: Front
  readonly canaries: Canaries
  readonly operations: readonly Operation[]
  readonly lines: string[]
  /** Every commit from now on ends in an error that is no Fault. */
  breakStore(broken: boolean): void
  /** Over one connection; the caller's own token where none is given, so that revoking itself costs nothing. */
  send(asked: Asked): Promise<Answered>
}

/** A server with everything mounted that is built in, whose log, at its most talkative, is kept. */
async function watch(): Promise<Watched> {
  const lines: string[] = []
  const clock = { now: () => 0, monotonic: () => 0 }
  const { log } = openLogs({ level: 'trace', format: 'json', clock, write: (line: string) => lines.push(line) })
  const { store, breakStore } = breakable()
  const front = await openFront({ log, store })
  const { world } = front
  const { secret, auth } = (await world.ok('read', 'sys/plugins/catalog')).data
  for (const type of secret) await world.ok('write', `sys/mounts/${type}`, { type })
  for (const type of auth) await world.ok('write', `sys/auth/${type}`, { type })
  await world.ok('write', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } })
  const operations = operationsOf(await world.ok('read', 'sys/internal/specs/openapi'))
  let held: string | undefined
  const ownToken = async (target: string): Promise<string> => {
    const token = held ?? (await world.call('write', 'auth/token/create', { ttl: '1h' })).body.auth?.client_token ?? world.rootToken
    held = target.includes('revoke') ? undefined : token
    return token
  }
  return {
    front,
    canaries: openCanaries(),
    operations,
    lines,
    breakStore,
    async send(asked) {
      const own = asked.token ?? (await ownToken(asked.target))
      const answer = await front.raw(request({ ...asked, token: own }, ''))
      assert.ok(answer, `an answer to ${asked.method} ${asked.target}`)
      return parsed(answer)
    },
    [Symbol.asyncDispose]: () => front[Symbol.asyncDispose](),
  }
}

function breakable() {
  const inner = memory({ timers: stillTimers })
  let broken = false
  const store: Store = Object.create(inner, {
    commit: {
      value(batch: Parameters<Store['commit']>[0]) {
        if (broken) throw new Error('the disk is gone')
        return inner.commit(batch)
      },
    },
  })
  return {
    store,
    breakStore(yes: boolean) {
      broken = yes
    },
  }
}

/** `/secret/data/{path}` with a canary in it. */
function targetOf({ template }: Operation, { plant }: Canaries): string {
  return `/v1${template.replace(/\{(\w+)\}/g, (_, name: string) => plant(`path:${name}`, false))}`
}

function withData(operation: Operation, data: Record<string, unknown>, canaries: Canaries): Asked {
  const { method } = operation
  const target = targetOf(operation, canaries)
  if (method === 'POST') return { method, target, body: data }
  if (method === 'PATCH') return { method, target, body: data, headers: { 'Content-Type': 'application/merge-patch+json' } }
  const query = new URLSearchParams(
    Object.entries(data).map(([name, value]): [string, string] => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
  return { method, target: `${target}?${query.toString().replaceAll(';', '')}` }
}

const fittingData = (operation: Operation, canaries: Canaries): Record<string, unknown> => {
  const declared = operation.fields.map((field) => [field.name, fitting(field, canaries)])
  const free = operation.free ? [['k', canaries.plant('free', true)]] : []
  return Object.fromEntries([...declared, ...free])
}

function* everyCall(operation: Operation, canaries: Canaries): Generator<Asked> {
  const good = () => fittingData(operation, canaries)
  yield withData(operation, good(), canaries)
  for (const field of operation.fields) {
    for (const value of unfitting(field, canaries)) yield withData(operation, { ...good(), [field.name]: value }, canaries)
  }
  yield withData(operation, { ...good(), unknown: canaries.plant('unknown field', true) }, canaries)
  yield* malformed(operation, canaries)
  yield* withHeaders(operation, canaries)
}

function* malformed(operation: Operation, canaries: Canaries): Generator<Asked> {
  const { method } = operation
  if (method !== 'POST' && method !== 'PATCH') return
  const target = () => targetOf(operation, canaries)
  const secret = () => canaries.plant('body', true)
  const type = () => canaries.plant('type', false)
  const headers = method === 'PATCH' ? { 'Content-Type': 'application/merge-patch+json' } : {}
  for (const body of [secret(), `{"k":"${secret()}`, `{"k":${secret()}}`, `["${secret()}"]`, `"${secret()}"`]) {
    yield { method, target: target(), headers, body }
  }
  yield { method, target: target(), headers, body: Buffer.from(`{"k":"${secret()}\xff"}`, 'latin1') }
  yield { method, target: target(), body: `k=${secret()}&%zz`, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }
  yield { method, target: target(), body: `k=${secret()}`, headers: { 'Content-Type': `text/${type()}` } }
}

function* withHeaders(operation: Operation, canaries: Canaries): Generator<Asked> {
  const asked = () => withData(operation, fittingData(operation, canaries), canaries)
  const secret = () => canaries.plant('header', true)
  yield { ...asked(), token: secret() }
  yield { ...asked(), token: '', headers: { Authorization: `Bearer ${secret()}` } }
  yield { ...asked(), token: '', headers: { Authorization: `Basic ${secret()}` } }
  yield { ...asked(), headers: { Cookie: secret(), 'User-Agent': secret(), 'X-Other': secret(), 'X-Forwarded-For': secret() } }
  yield { ...asked(), headers: { Expect: secret() } }
  yield { ...asked(), headers: { 'Content-Type': canaries.plant('type', false) } }
}

/** Names of tokens' holders stand in clear in records, as do paths, warnings and error texts. */
const NAMES = ['display_name', 'metadata', 'policies', 'token_policies', 'identity_policies', 'policy_results']

/** A record in two parts: what is in clear by design, and the rest. */
function split(record: any): { clear: unknown; rest: unknown } {
  const {
    error,
    request: { path, ...of },
    response: { warnings, auth: given, ...answered } = {} as any,
    auth,
    ...more
  } = record
  const named = (block: any = {}) => Object.entries(block).filter(([key]) => NAMES.includes(key))
  const hidden = (block: any = {}) => Object.entries(block).filter(([key]) => !NAMES.includes(key))
  return { clear: [error, path, warnings, named(auth), named(given)], rest: [of, answered, hidden(auth), hidden(given), more] }
}

/** All values, without the names they stand under. */
function leaves(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [String(value)]
}

function assertNothingSeen({ canaries, front, lines }: Watched, asked: Asked, answer: Answered, from: number): void {
  const at = `${asked.method} ${asked.target}: ${answer.text.slice(0, 200)}`
  const secrets = (text: string) => canaries.found(text).filter((canary) => canary.secret)
  if (answer.status >= 400) assert.deepEqual(secrets(answer.text), [], `error of ${at}`)
  for (const record of records(front.world).slice(from)) {
    const { clear, rest } = split(record)
    assert.deepEqual(secrets(JSON.stringify(clear)), [], `record of ${at}`)
    assert.deepEqual(secrets(JSON.stringify(rest)), [], `record of ${at}`)
    assert.deepEqual(canaries.found(leaves(rest).join(' ')), [], `record of ${at}`)
  }
  assert.deepEqual(canaries.found(lines.join('')), [], `log of ${at}`)
  lines.length = 0
}

/** Sealing is tested by its own means; the rest may be called with anything. */
const isCallable = ({ template, method }: Operation) => !(template === '/sys/seal' && method === 'POST')

async function callAll(watched: Watched, calls: (operation: Operation) => Iterable<Asked>): Promise<number> {
  let count = 0
  for (const operation of watched.operations.filter(isCallable)) {
    rotate(watched.front.world)
    for (const asked of calls(operation)) {
      const from = records(watched.front.world).length
      assertNothingSeen(watched, asked, await watched.send(asked), from)
      count++
    }
  }
  const metrics = await watched.front.ask({ target: '/v1/sys/metrics' })
  assert.deepEqual(watched.canaries.found(metrics.text), [], 'metrics')
  return count
}

describe('no secret of a request is seen', () => {
  test('in answers, records, log and metrics, whatever field or header it came in', async () => {
    await using watched = await watch()
    assert.ok(watched.operations.length > 80, 'the declarations were found')
    const count = await callAll(watched, (operation) => everyCall(operation, watched.canaries))
    assert.ok(count > 1_000, String(count))
  })

  test('when the store fails with an error that nobody foresaw', async () => {
    await using watched = await watch()
    const token = (await watched.front.world.ok('write', 'auth/token/create', {})).auth.client_token
    watched.breakStore(true)
    await callAll(watched, function* (operation) {
      yield { ...withData(operation, fittingData(operation, watched.canaries), watched.canaries), token }
    })
    watched.breakStore(false)
  })

  test('when the server is sealed', async () => {
    await using watched = await watch()
    const token = watched.front.world.rootToken
    await watched.front.world.ok('write', 'sys/seal')
    for (const operation of watched.operations.filter(isCallable)) {
      const asked = { ...withData(operation, fittingData(operation, watched.canaries), watched.canaries), token }
      assertNothingSeen(watched, asked, await watched.send(asked), records(watched.front.world).length)
    }
    for (const body of [{ key: watched.canaries.plant('share', true) }, `{"key":"${watched.canaries.plant('share', true)}`]) {
      const asked = { method: 'PUT', target: '/v1/sys/unseal', body, token: '' }
      assertNothingSeen(watched, asked, await watched.send(asked), records(watched.front.world).length)
    }
  })
})

test('the search finds what leaks', () => {
  const canaries = openCanaries()
  const text = canaries.plant('here', true)
  for (const shown of [text, Buffer.from(text).toString('hex'), ...['', 'x', 'xy'].map((before) => Buffer.from(before + text).toString('base64'))]) {
    assert.equal(canaries.found(`{"a":"${shown}"}`).length, 1, shown)
  }
  assert.equal(canaries.found('nothing').length, 0)
})
