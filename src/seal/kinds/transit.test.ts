import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import { parseShape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { settableClock } from '../../testing/clock.ts'
import { type FakeTransit, fakeTransit } from '../../testing/fake-transit.ts'
import { type SealHttp, transitSeal, transitShape } from './transit.ts'

const rootKey = randomBytes(32)

function open(fake: FakeTransit, more: JsonObject = {}) {
  const clock = settableClock()
  const sent: Parameters<SealHttp>[0][] = []
  const send: SealHttp = async (request) => {
    sent.push({ ...request, ...(request.body ? { body: Buffer.from(request.body) } : {}) })
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value]))
    const path = request.url.replace('https://other:8200/v1/', '')
    const { status, body } = fake.answer(request.method, path, headers, Buffer.from(request.body ?? []).toString())
    return { status, body: Buffer.from(body) }
  }
  const raw = { address: 'https://other:8200/', token: fake.token, key_name: 'signet', mount_path: '/transit/', ...more }
  const readFile = (path: string) => Buffer.from(`content of ${path}`)
  return { seal: transitSeal(parseShape(transitShape, raw), { send, readFile, clock }), sent, clock }
}

test('wraps and unwraps by the other server’s key, in whatever version', async () => {
  const fake = fakeTransit()
  const { seal } = open(fake)
  const first = await seal.wrap(rootKey)
  assert.equal(first.keyId, 'v1')
  assert.match(first.text, /^vault:v1:/)
  fake.rotate()
  const second = await seal.wrap(rootKey)
  assert.equal(second.keyId, 'v2')
  for (const wrapped of [first, second]) assert.deepEqual(await seal.unwrap(wrapped), rootKey)
})

test('goes where it is told, known by token and namespace, with what TLS needs, and waits ten seconds at most', async () => {
  const { seal, sent } = open(fakeTransit('transit', 'signet', 'ns1'), {
    namespace: '/ns1/',
    tls_ca_cert: '/ca',
    tls_client_cert: '/cert',
    tls_client_key: '/key',
    tls_server_name: 'other',
  })
  await seal.wrap(rootKey)
  const [request] = sent
  assert.equal(request?.url, 'https://other:8200/v1/transit/encrypt/signet')
  assert.equal(request?.headers['X-Vault-Namespace'], 'ns1/')
  assert.deepEqual(request?.tls, { ca: ['content of /ca'], cert: 'content of /cert', key: 'content of /key', serverName: 'other' })
  assert.equal(request?.timeoutMs, 10_000)
})

test('says why it can’t, and gives nothing away', async () => {
  const { seal } = open(fakeTransit())
  const wrapped = await seal.wrap(rootKey)
  await assert.rejects(open(fakeTransit()).seal.unwrap(wrapped), /transit\/decrypt\/signet answers 400: cipher: message authentication failed/)
  await assert.rejects(open(fakeTransit(), { token: 'wrong' }).seal.wrap(rootKey), /answers 403: 1 error occurred: \* permission denied/)
  await assert.rejects(open(fakeTransit(), { key_name: 'a/b' }).seal.wrap(rootKey), /transit\/encrypt\/a%2Fb answers 404/)
  const odd = (body: string) => {
    const fake = fakeTransit()
    return open({ ...fake, answer: () => ({ status: 200, body }) }).seal
  }
  await assert.rejects(odd('{"data":{"ciphertext":"other"}}').wrap(rootKey), /no ciphertext/)
  for (const body of ['{}', '{"plaintext":"AA=="}', '{"data":{"plaintext":"AA=="}}', '{"data":{"plaintext":"*"}}', 'no json']) {
    await assert.rejects(odd(body).unwrap(wrapped), /no plaintext of the right length/, body)
  }
})

test('renews its token when half of its life is over, unless others do', async () => {
  const fake = fakeTransit()
  const { seal, clock } = open(fake)
  await seal.tend?.()
  clock.advance(1_799_000)
  await seal.tend?.()
  assert.equal(fake.renewals, 0)
  clock.advance(1_000)
  await seal.tend?.()
  await seal.tend?.()
  assert.equal(fake.renewals, 1)
  clock.advance(1_800_000)
  await seal.tend?.()
  assert.equal(fake.renewals, 2)
  assert.equal(open(fake, { disable_renewal: 'true' }).seal.tend, undefined)
  const forever = fakeTransit()
  forever.ttl = 0
  const lasting = open(forever)
  await lasting.seal.tend?.()
  lasting.clock.advance(1e12)
  await lasting.seal.tend?.()
  assert.equal(forever.renewals, 0)
})

test('parameters that can’t be used', () => {
  const cases: [JsonObject, string][] = [
    [{ address: 'other:8200' }, 'address must be a URL: https://…'],
    [{ address: 'ftp://other' }, 'address must be a URL: https://…'],
    [{ tls_client_cert: '/cert' }, 'tls_client_cert and tls_client_key are needed together, or neither'],
  ]
  for (const [more, message] of cases)
    assert.throws(
      () => open(fakeTransit(), more),
      (error) => error instanceof Fault && error.message === message,
    )
})
