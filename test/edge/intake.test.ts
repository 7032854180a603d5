// What a well-formed request becomes: verb, path, parameters, headers and body, as Vault's API reads them.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Received } from '../../src/contract/call.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

describe('intake', () => {
  let door: TestDoor
  before(async () => {
    door = await openDoor()
  })
  after(() => door[Symbol.asyncDispose]())

  async function receive(line: string, headers: readonly string[] = [], body = ''): Promise<Received> {
    const client = RawClient.to(door)
    const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
    await client.send(Buffer.from([`${line} HTTP/1.1`, 'Host: [::1]:8200', ...length, ...headers, '', body].join('\r\n')))
    const answer = await client.next(line.startsWith('HEAD'))
    client.socket.destroy()
    assert.equal(answer?.status, 200, answer?.body)
    return door.seen.at(-1) as Received
  }

  const VERBS: Readonly<Record<string, readonly [verb: string, path: string, query?: object]>> = {
    'GET /v1/a/b': ['read', 'a/b'],
    'HEAD /v1/sys/health': ['read', 'sys/health'],
    'GET /v1/a?list=true': ['list', 'a/'],
    'GET /v1/a/?list=1': ['list', 'a/'],
    'GET /v1/a?list=T&after=b&limit=2': ['list', 'a/', { after: 'b', limit: '2' }],
    'GET /v1/a?list=false': ['read', 'a', { list: 'false' }],
    'GET /v1/a?list=': ['read', 'a', { list: '' }],
    'GET /v1/a?scan=true': ['scan', 'a/'],
    'GET /v1/a?list=false&scan=true': ['scan', 'a/', { list: 'false' }],
    'GET /v1/a?help=1': ['help', 'a'],
    'GET /v1/a?help=': ['read', 'a'],
    'LIST /v1/a': ['list', 'a/'],
    'LIST /v1/a/?after=b': ['list', 'a/', { after: 'b' }],
    'SCAN /v1/a': ['scan', 'a/'],
    'HELP /v1/a': ['help', 'a'],
    'LIST /v1/': ['list', ''],
    'POST /v1/a': ['write', 'a'],
    'PUT /v1/a?x=y': ['write', 'a', { x: 'y' }],
    'DELETE /v1/a?versions=1&versions=2': ['delete', 'a', { versions: ['1', '2'] }],
    'GET /v1/a/': ['read', 'a/'],
    'GET /v1/%C3%A9%20%25/x': ['read', 'é %/x'],
    'GET /v1/a%2Bb+c': ['read', 'a+b+c'],
    'GET /v1/...': ['read', '...'],
  }
  for (const [line, [verb, path, query = {}]] of Object.entries(VERBS)) {
    test(line, async () => {
      const call = await receive(line)
      assert.deepEqual([call.verb, call.path, call.query], [verb, path, query])
    })
  }

  const QUERIES: Readonly<Record<string, object>> = {
    'a=b&c=d': { a: 'b', c: 'd' },
    'a=b=c': { a: 'b=c' },
    a: { a: '' },
    '&&a=b&': { a: 'b' },
    'a=b+c%2B%20d': { a: 'b c+ d' },
    'a=%C3%A9&%C3%A9=a': { a: 'é', é: 'a' },
    'a=1&b=2&a=3': { a: ['1', '3'], b: '2' },
    'a=%00%3B%26': { a: '\0;&' },
    '=b': { '': 'b' },
    'a=LIST%20': { a: 'LIST ' },
  }
  for (const [query, expected] of Object.entries(QUERIES)) {
    test(`?${query}`, async () => assert.deepEqual((await receive(`GET /v1/a?${query}`)).query, expected))
  }

  test('any name may be a parameter, and reaches nobody’s prototype', async () => {
    const { query } = await receive('GET /v1/a?__proto__=x&constructor=y')
    assert.deepEqual(Object.entries(query), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ])
    assert.equal(Object.getPrototypeOf(query), Object.prototype)
  })

  const TOKENS: readonly (readonly [headers: string[], token: string | undefined])[] = [
    [[], undefined],
    [['X-Vault-Token: s.abc'], 's.abc'],
    [['x-vault-token:   s.abc  '], 's.abc'],
    [['Authorization: Bearer s.abc'], 's.abc'],
    [['Authorization: bearer s.abc'], undefined],
    [['Authorization: Basic czphYmM='], undefined],
    [['Authorization: Bearer '], undefined],
    [['X-Vault-Token: s.abc', 'Authorization: Bearer s.def'], 's.abc'],
    [['X-Vault-Token:', 'Authorization: Bearer s.def'], 's.def'],
  ]
  for (const [headers, token] of TOKENS) {
    test(`token of ${JSON.stringify(headers)}`, async () => assert.equal((await receive('GET /v1/a', headers)).token?.reveal(), token))
  }

  const NAMESPACES: Readonly<Record<string, string>> = { '': '', '/': '', root: '', 'root/': '', ns1: 'ns1', 'ns1/': 'ns1', '/ns1/ns2/': 'ns1/ns2' }
  for (const [header, namespace] of Object.entries(NAMESPACES)) {
    test(`namespace "${header}"`, async () => assert.equal((await receive('GET /v1/a', [`X-Vault-Namespace: ${header}`])).namespace, namespace))
  }

  const WRAP_TTLS: Readonly<Record<string, number | undefined>> = {
    '': undefined,
    '0': undefined,
    '60': 60,
    '5m': 300,
    '1d': 86_400,
    '250ms': 1,
    '0s': undefined,
  }
  for (const [header, seconds] of Object.entries(WRAP_TTLS)) {
    test(`wrap TTL "${header}"`, async () => assert.equal((await receive('GET /v1/a', [`X-Vault-Wrap-TTL: ${header}`])).wrapTtl, seconds))
  }

  const FORM = 'Content-Type: application/x-www-form-urlencoded'
  const BODIES: readonly (readonly [name: string, headers: string[], body: string, expected: string])[] = [
    ['JSON without a type', [], '{"a":1.0}', '{"a":1.0}'],
    ['JSON that curl calls a form', [FORM], '{"a":1.0}', '{"a":1.0}'],
    ['JSON behind spaces that curl calls a form', [FORM], ' \r\n\t[1]', ' \r\n\t[1]'],
    ['a form', [FORM], 'a=b&c=d%20e', '{"a":"b","c":"d e"}'],
    ['a form with parameters on its type', [`${FORM}; charset=utf-8`], 'a=b', '{"a":"b"}'],
    ['a form with a repeated field', [FORM], 'a=b&a=c', '{"a":"b,c"}'],
    ['a form as curl sends it, unescaped', [FORM], 'policy=path "a/*" {}\n&n=é', '{"policy":"path \\"a/*\\" {}\\n","n":"é"}'],
    ['a form with a name of note', [FORM], '__proto__=b', '{"__proto__":"b"}'],
    ['text that is no form', ['Content-Type: text/plain'], 'a=b', 'a=b'],
    ['a malformed type', ['Content-Type: ;'], 'a=b', 'a=b'],
  ]
  for (const [name, headers, body, expected] of BODIES) {
    test(`body: ${name}`, async () => assert.equal((await receive('POST /v1/a', headers, body)).body.toString(), expected))
  }

  test('a form is JSON from here on', async () => assert.equal((await receive('POST /v1/a', [FORM], 'a=b')).contentType, 'application/json'))

  test('a form that has no single reading is refused', async () => {
    for (const body of [Buffer.from([0x61, 0x3d, 0xff]), Buffer.from('a;b=c'), Buffer.from('a=%zz'), Buffer.from('a&'.repeat(101))]) {
      const client = RawClient.to(door)
      await client.send(Buffer.from(`POST /v1/a HTTP/1.1\r\nHost: x\r\n${FORM}\r\nContent-Length: ${body.length}\r\n\r\n`), body)
      assert.equal((await client.next())?.status, 400)
      client.socket.destroy()
    }
  })

  test('a merge patch', async () => {
    const { verb, body } = await receive('PATCH /v1/a', ['Content-Type: Application/Merge-Patch+JSON; charset=utf-8'], '{"a":null}')
    assert.deepEqual([verb, body.toString()], ['patch', '{"a":null}'])
  })

  test('bytes stay bytes', async () => {
    const client = RawClient.to(door)
    await client.send(Buffer.from('POST /v1/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n'), Buffer.from([0, 0xff, 0x80]), Buffer.from([0x0a]))
    await client.next()
    client.socket.destroy()
    assert.deepEqual([...(door.seen.at(-1)?.body ?? [])], [0, 0xff, 0x80, 0x0a])
  })

  test('verbs without data have no body, whatever was sent', async () => {
    for (const method of ['GET', 'LIST']) assert.equal((await receive(`${method} /v1/a`, [], '{}')).body.length, 0)
  })

  test('who asks, when, and under which id', async () => {
    const { id, at, peer } = await receive('GET /v1/a')
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.ok(at > 0)
    assert.deepEqual([peer.address, peer.port > 0], ['127.0.0.1', true])
    assert.equal(new Set(door.seen.map((call) => call.id)).size, door.seen.length)
  })
})
