// What browsers of other origins are told, over a real connection.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CorsRules } from '../../src/edge/cors.ts'
import { openDoor, type RawAnswer, RawClient } from './door.ts'

const RULES: CorsRules = { origins: ['https://a.example'], headers: ['X-Vault-Token'], credentials: false }

async function ask(rules: CorsRules | undefined, method: string, ...headers: string[]): Promise<RawAnswer> {
  await using door = await openDoor({ cors: () => rules })
  const raw = RawClient.to(door)
  await raw.send([`${method} /v1/secret/a HTTP/1.1`, 'Host: a', ...headers, '', ''].join('\r\n'))
  const answer = await raw.next()
  assert.ok(answer)
  return answer
}

const FROM_A = 'Origin: https://a.example'
const PREFLIGHT = 'Access-Control-Request-Method: LIST'

test('an origin that is named may read the answer', async () => {
  const { status, headers } = await ask(RULES, 'GET', FROM_A)
  assert.deepEqual([status, headers['access-control-allow-origin'], headers['vary']], [200, 'https://a.example', 'Origin'])
  assert.equal(headers['access-control-allow-credentials'], undefined)
  assert.equal((await ask({ ...RULES, credentials: true }, 'GET', FROM_A)).headers['access-control-allow-credentials'], 'true')
})

test('a preflight is answered without asking anybody', async () => {
  const { status, headers, body } = await ask(RULES, 'OPTIONS', FROM_A, PREFLIGHT)
  assert.deepEqual([status, body], [204, ''])
  assert.equal(headers['access-control-allow-methods'], 'DELETE,GET,OPTIONS,POST,PUT,PATCH,LIST,SCAN')
  assert.equal(headers['access-control-allow-headers'], 'X-Vault-Token')
  assert.equal(headers['access-control-max-age'], '300')
  assert.equal((await ask(RULES, 'OPTIONS', FROM_A, 'Access-Control-Request-Method: TRACE')).status, 405)
})

test('another origin is refused, whatever it asks', async () => {
  for (const method of ['GET', 'OPTIONS']) {
    const { status, body, headers } = await ask(RULES, method, 'Origin: https://b.example', PREFLIGHT)
    assert.deepEqual([status, body, headers['access-control-allow-origin']], [403, '{"errors":["origin not allowed"]}', undefined])
  }
  assert.equal(
    (await ask({ ...RULES, origins: ['*'] }, 'GET', 'Origin: https://b.example')).headers['access-control-allow-origin'],
    'https://b.example',
  )
})

test('without an origin, or without rules, nothing is said', async () => {
  assert.equal((await ask(RULES, 'GET')).headers['vary'], undefined)
  assert.equal((await ask(undefined, 'GET', FROM_A)).headers['access-control-allow-origin'], undefined)
  assert.equal((await ask(undefined, 'OPTIONS', FROM_A, PREFLIGHT)).status, 405)
})

test('a refusal carries the headers too, so that a page can read why', async () => {
  const { status, headers } = await ask(RULES, 'PATCH', FROM_A, 'Content-Length: 0')
  assert.ok(status >= 400)
  assert.equal(headers['access-control-allow-origin'], 'https://a.example')
})
