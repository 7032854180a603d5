// What the client sends, what it makes of the answers, and when it tries again.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openClient } from './client.ts'
import { ApiError, Unreachable } from './failure.ts'
import type { HttpRequest, HttpResponse } from './request.ts'

const answer = (status: number, body: unknown = '', headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
})

/** A server that gives these answers in turn; an Error among them is a failed connection. */
function server(...answers: (HttpResponse | Error)[]) {
  const seen: HttpRequest[] = []
  const request = async (one: HttpRequest): Promise<HttpResponse> => {
    seen.push(one)
    const next = answers.length > 1 ? answers.shift() : answers[0]
    if (next instanceof Error) throw next
    return next as HttpResponse
  }
  return { seen, request }
}

const address = 'http://127.0.0.1:8200'

test('a write carries token, namespace, wrapping and JSON', async () => {
  const { seen, request } = server(answer(204))
  const client = openClient({ address, request, token: 't', namespace: '/team/', wrapTtl: '1m0s', mfa: ['m:1', 'n:2'] })
  assert.equal(await client.write('/secret/data/a b', { x: 1 }), undefined)
  const [{ method, url, headers, body } = {} as HttpRequest] = seen
  assert.equal(method, 'PUT')
  assert.equal(url, 'http://127.0.0.1:8200/v1/secret/data/a%20b')
  assert.equal(Buffer.from(body ?? []).toString(), '{"x":1}')
  assert.deepEqual(headers, {
    'X-Vault-MFA': ['m:1', 'n:2'],
    'X-Vault-Namespace': 'team/',
    'X-Vault-Request': 'true',
    'X-Vault-Token': 't',
    'X-Vault-Wrap-TTL': '1m0s',
  })
})

test('lists are asked for as Go clients do, queries in order', async () => {
  const { seen, request } = server(answer(200, { data: { keys: ['a'] } }))
  const secret = await openClient({ address: `${address}/prefix/`, request }).list('secret/', { limit: '2', after: 'x y' })
  assert.equal(seen[0]?.url, 'http://127.0.0.1:8200/prefix/v1/secret?after=x+y&limit=2&list=true')
  assert.deepEqual(secret?.data, { keys: ['a'] })
})

test('a Unix socket takes the place of the host', async () => {
  const { seen, request } = server(answer(204))
  await openClient({ address: 'unix:///run/signet.sock', request }).read('sys/health')
  assert.equal(seen[0]?.socketPath, '/run/signet.sock')
  assert.equal(seen[0]?.url, 'http://localhost/v1/sys/health')
})

test('paths that a URL parser would resolve elsewhere are refused', async () => {
  const client = openClient({ address, request: server(answer(204)).request })
  await assert.rejects(client.read('secret/../sys/mounts'), /cannot contain/)
  assert.throws(() => openClient({ address: '127.0.0.1:8200', request: server().request }), /must begin with/)
})

test('nothing found is undefined, unless the answer has something to tell', async () => {
  const read = (body: unknown) => openClient({ address, request: server(answer(404, body)).request }).read('x')
  assert.equal(await read({ errors: [] }), undefined)
  assert.equal(await read(''), undefined)
  assert.deepEqual((await read({ data: { data: null, metadata: { version: 1 } } }))?.data, { data: null, metadata: { version: 1 } })
  assert.deepEqual((await read({ warnings: ['w'], errors: [] }))?.warnings, ['w'])
})

test('a refusal says what was asked and what the server said', async () => {
  const refusal = async (status: number, body: unknown) => {
    const client = openClient({ address, namespace: 'team', request: server(answer(status, body)).request })
    return client.write('a', {}).then(
      () => assert.fail('was accepted'),
      (error: ApiError) => error,
    )
  }
  const denied = await refusal(403, { errors: ['permission denied'] })
  assert.equal(
    denied.message,
    'Error making API request.\n\nNamespace: team/\nURL: PUT http://127.0.0.1:8200/v1/a\nCode: 403. Errors:\n\n* permission denied',
  )
  assert.match((await refusal(502, '<html>')).message, /Code: 502\. Raw Message:\n\n<html>$/)
  assert.equal((await refusal(404, { warnings: ['w'], errors: [] })).secret?.warnings?.[0], 'w')
})

test('numbers survive as they were written, and a body without envelope is the data', async () => {
  const request = server(answer(200, '{"big":9007199254740993,"one":1.0}')).request
  const secret = await openClient({ address, request }).read('x')
  assert.equal(JSON.stringify(secret?.data), '{"big":9007199254740993,"one":1.0}')
})

for (const [name, status, tries] of [
  ['a stale read', 412, 3],
  ['an overloaded server', 429, 3],
  ['a failing server', 503, 3],
  ['a server without init', 501, 1],
  ['a refusal', 403, 1],
] as const) {
  test(`${name} is asked ${tries} times`, async () => {
    const waits: number[] = []
    const { seen, request } = server(answer(status, { errors: [] }))
    const client = openClient({ address, request, retries: { max: 2, sleep: async (ms) => void waits.push(ms) } })
    await assert.rejects(client.write('x', {}), ApiError)
    assert.equal(seen.length, tries)
    assert.deepEqual(waits, [1000, 2000].slice(0, tries - 1))
  })
}

test('a retry waits as long as the server asks, and takes the answer that comes', async () => {
  const waits: number[] = []
  const refused = Object.assign(new Error('x'), { code: 'ECONNREFUSED' })
  const { request } = server(refused, answer(503, '', { 'retry-after': '7' }), answer(200, { data: { a: 1 } }))
  const client = openClient({ address, request, retries: { max: 5, sleep: async (ms) => void waits.push(ms) } })
  assert.deepEqual((await client.read('x'))?.data, { a: 1 })
  assert.deepEqual(waits, [1000, 7000])
})

test('no answer is Unreachable, with the code of the system', async () => {
  const request = server(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })).request
  await assert.rejects(openClient({ address, request }).read('x'), (error: Unreachable) => {
    assert.equal(error.code, 'ECONNREFUSED')
    assert.equal(error.message, 'GET http://127.0.0.1:8200/v1/x: connection refused')
    return error instanceof Unreachable
  })
})

test('one redirect is followed, never from TLS to plain text', async () => {
  const moved = (location: string) => answer(307, '', { location })
  const one = server(moved('https://active:8200/v1/x'), answer(200, { data: { a: 1 } }))
  assert.deepEqual((await openClient({ address: 'https://standby:8200', request: one.request, token: 't' }).read('x'))?.data, { a: 1 })
  assert.equal(one.seen[1]?.url, 'https://active:8200/v1/x')
  const plain = server(moved('http://active:8200/v1/x'), answer(200, { data: { a: 1 } }))
  await openClient({ address: 'https://standby:8200', request: plain.request, token: 't' }).read('x')
  assert.equal(plain.seen.length, 1)
  const off = server(moved('https://active:8200/v1/x'), answer(200, {}))
  await openClient({ address: 'https://standby:8200', request: off.request, followRedirect: false }).read('x')
  assert.equal(off.seen.length, 1)
})

test('a health check of a standby is an answer', async () => {
  const request = server(answer(429, { standby: true })).request
  assert.equal((await openClient({ address, request }).read('sys/health'))?.data?.['standby'], true)
})
