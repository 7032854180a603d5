// Every request shape that two readers could take for different messages is refused with 400, and the connection closed.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const HOST = 'Host: vault.example'

/** A request from its first line and headers; `|` stands for a line end. */
const request = (text: string): string => text.replaceAll('|', '\r\n')

const REFUSED: Readonly<Record<string, string>> = {
  'HTTP/0.9': 'GET /v1/a||',
  'HTTP/0.9 to the root': 'GET /||',
  'HTTP/2.0 on a request line': `GET /v1/a HTTP/2.0|${HOST}||`,
  'HTTP/1.2': `GET /v1/a HTTP/1.2|${HOST}||`,
  'HTTP/3.0': `GET /v1/a HTTP/3.0|${HOST}||`,
  'lower-case protocol': `GET /v1/a http/1.1|${HOST}||`,
  'another protocol': `GET /v1/a SIP/1.0|${HOST}||`,
  'no Host': 'GET /v1/a HTTP/1.1||',
  'two Hosts': `GET /v1/a HTTP/1.1|${HOST}|${HOST}||`,
  'two Hosts, other case': `GET /v1/a HTTP/1.1|${HOST}|hOST: other.example||`,
  'empty Host': 'GET /v1/a HTTP/1.1|Host:||',
  'Host with a path': 'GET /v1/a HTTP/1.1|Host: vault.example/x||',
  'Host with a user': 'GET /v1/a HTTP/1.1|Host: root@vault.example||',
  'Host with a space': 'GET /v1/a HTTP/1.1|Host: vault example||',
  'Host list': 'GET /v1/a HTTP/1.1|Host: a.example, b.example||',
  'two tokens': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Token: a|X-Vault-Token: b||`,
  'the same token twice': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Token: a|x-vault-token: a||`,
  'two Authorizations': `GET /v1/a HTTP/1.1|${HOST}|Authorization: Bearer a|Authorization: Basic b||`,
  'two namespaces': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Namespace: a|X-Vault-Namespace: b||`,
  'two wrap TTLs': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Wrap-TTL: 1|X-Vault-Wrap-TTL: 2||`,
  'two content types': `POST /v1/a HTTP/1.1|${HOST}|Content-Type: a/b|Content-Type: c/d|Content-Length: 0||`,
  'absolute form': `GET http://vault.example/v1/a HTTP/1.1|${HOST}||`,
  'absolute form of another host': `GET http://other.example/v1/a HTTP/1.1|${HOST}||`,
  'asterisk form': `OPTIONS * HTTP/1.1|${HOST}||`,
  'path without a slash': `GET v1/a HTTP/1.1|${HOST}||`,
  fragment: `GET /v1/a#b HTTP/1.1|${HOST}||`,
  'fragment after a query': `GET /v1/a?b=c#d HTTP/1.1|${HOST}||`,
  'space in the target': `GET /v1/a b HTTP/1.1|${HOST}||`,
  'tab in the target': `GET /v1/a\tb HTTP/1.1|${HOST}||`,
  'NUL in the target': `GET /v1/a\0b HTTP/1.1|${HOST}||`,
  'raw UTF-8 in the target': `GET /v1/\xc3\xa9 HTTP/1.1|${HOST}||`,
  'raw UTF-8 in the query': `GET /v1/a?b=\xc3\xa9 HTTP/1.1|${HOST}||`,
  'HTTP/1.0 with Transfer-Encoding': `POST /v1/a HTTP/1.0|${HOST}|Transfer-Encoding: chunked||0||`,
  'Content-Length and Transfer-Encoding': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 5|Transfer-Encoding: chunked||0||`,
  'Transfer-Encoding and Content-Length': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked|Content-Length: 5||0||`,
  'Content-Length twice': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 1|Content-Length: 2||ab`,
  'the same Content-Length twice': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 1|Content-Length: 1||a`,
  'Content-Length list': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 1, 1||a`,
  'Content-Length with a sign': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: +1||a`,
  'negative Content-Length': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: -1||a`,
  'hexadecimal Content-Length': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 0x1||a`,
  'empty Content-Length': `POST /v1/a HTTP/1.1|${HOST}|Content-Length:||a`,
  'Content-Length past 64 bits': `POST /v1/a HTTP/1.1|${HOST}|Content-Length: 18446744073709551617||a`,
  'unknown Transfer-Encoding': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: xchunked||0||`,
  'Transfer-Encoding identity': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: identity||0||`,
  'compressed Transfer-Encoding': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: gzip, chunked||0||`,
  'chunked twice': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked, chunked||0||`,
  'chunked in two headers': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||`,
  'chunked before another': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked, identity||0||`,
  'chunked with a vertical tab': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: \x0bchunked||0||`,
  'quoted chunked': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: "chunked"||0||`,
  'chunk size with a sign': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked||+1|a|0||`,
  'chunk size with 0x': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked||0x1|a|0||`,
  'chunk size past 64 bits': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked||10000000000000000|a|0||`,
  'chunk longer than its size': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked||1|ab|0||`,
  'chunk ended by a bare LF': `POST /v1/a HTTP/1.1|${HOST}|Transfer-Encoding: chunked||1\na\n0\n\n`,
  'line folding': `GET /v1/a HTTP/1.1|${HOST}|X-A: b| c||`,
  'line folding by tab': `GET /v1/a HTTP/1.1|${HOST}|X-A: b|\tc||`,
  'folded first header': `GET /v1/a HTTP/1.1| ${HOST}||`,
  'space before a colon': `GET /v1/a HTTP/1.1|Host : vault.example||`,
  'space in a header name': `GET /v1/a HTTP/1.1|${HOST}|X A: b||`,
  'header without a colon': `GET /v1/a HTTP/1.1|${HOST}|X-A||`,
  'header without a name': `GET /v1/a HTTP/1.1|${HOST}|: b||`,
  'NUL in a header': `GET /v1/a HTTP/1.1|${HOST}|X-A: a\0b||`,
  'bare CR in a header': `GET /v1/a HTTP/1.1|${HOST}|X-A: a\rb||`,
  'bare LF ends the head': `GET /v1/a HTTP/1.1\n${HOST}\n\n`,
  'bare CR ends the head': `GET /v1/a HTTP/1.1\r${HOST}\r\r`,
  'no method': ` /v1/a HTTP/1.1|${HOST}||`,
  'lower-case method': `get /v1/a HTTP/1.1|${HOST}||`,
  'unknown method': `FETCH /v1/a HTTP/1.1|${HOST}||`,
  'lower-case list': `list /v1/a HTTP/1.1|${HOST}||`,
  'longer than a shimmed verb': `LISTS /v1/a HTTP/1.1|${HOST}||`,
  'unknown expectation': `POST /v1/a HTTP/1.1|${HOST}|Expect: 200-ok|Content-Length: 1||a`,
  'expectation that contains the known one': `POST /v1/a HTTP/1.1|${HOST}|Expect: x-100-continue|Content-Length: 1||a`,
  'TLS hello': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
  'dot segment': `GET /v1/a/./b HTTP/1.1|${HOST}||`,
  'dot-dot segment': `GET /v1/../v1/a HTTP/1.1|${HOST}||`,
  'dot-dot at the end': `GET /v1/a/.. HTTP/1.1|${HOST}||`,
  'encoded dot-dot': `GET /v1/a/%2e%2e/b HTTP/1.1|${HOST}||`,
  'half-encoded dot-dot': `GET /v1/a/.%2E/b HTTP/1.1|${HOST}||`,
  'empty segment': `GET /v1/a//b HTTP/1.1|${HOST}||`,
  'empty first segment': `GET /v1//a HTTP/1.1|${HOST}||`,
  'encoded slash': `GET /v1/a%2fb HTTP/1.1|${HOST}||`,
  'encoded backslash': `GET /v1/a%5Cb HTTP/1.1|${HOST}||`,
  backslash: `GET /v1/a\\b HTTP/1.1|${HOST}||`,
  'encoded NUL': `GET /v1/a%00b HTTP/1.1|${HOST}||`,
  'encoded line end': `GET /v1/a%0d%0ab HTTP/1.1|${HOST}||`,
  'broken escape': `GET /v1/a%zz HTTP/1.1|${HOST}||`,
  'cut escape': `GET /v1/a%2 HTTP/1.1|${HOST}||`,
  'overlong UTF-8': `GET /v1/a%c0%ae HTTP/1.1|${HOST}||`,
  'UTF-8 surrogate': `GET /v1/a%ed%a0%80 HTTP/1.1|${HOST}||`,
  NFD: `GET /v1/e%cc%81 HTTP/1.1|${HOST}||`,
  'zero-width joiner': `GET /v1/a%e2%80%8db HTTP/1.1|${HOST}||`,
  'no-break space': `GET /v1/a%c2%a0b HTTP/1.1|${HOST}||`,
  'right-to-left override': `GET /v1/a%e2%80%aeb HTTP/1.1|${HOST}||`,
  'path past 1024 bytes': `GET /v1/${'a'.repeat(1025)} HTTP/1.1|${HOST}||`,
  'broken escape in the query': `GET /v1/a?b=%zz HTTP/1.1|${HOST}||`,
  'invalid UTF-8 in the query': `GET /v1/a?b=%ff HTTP/1.1|${HOST}||`,
  'bare semicolon in the query': `GET /v1/a?b=c;d=e HTTP/1.1|${HOST}||`,
  'too many parameters': `GET /v1/a?${'b&'.repeat(101)} HTTP/1.1|${HOST}||`,
  'write to a folder': `POST /v1/a/ HTTP/1.1|${HOST}|Content-Length: 0||`,
  'list and scan at once': `GET /v1/a?list=1&scan=1 HTTP/1.1|${HOST}||`,
  'list that is no boolean': `GET /v1/a?list=yes HTTP/1.1|${HOST}||`,
  'list twice': `GET /v1/a?list=true&list=false HTTP/1.1|${HOST}||`,
  'namespace with dots': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Namespace: a/../b||`,
  'namespace with an empty segment': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Namespace: a//b||`,
  'namespace beyond ASCII': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Namespace: \xc3\xa9||`,
  'negative wrap TTL': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Wrap-TTL: -5||`,
  'malformed wrap TTL': `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Wrap-TTL: soon||`,
}

const OTHERS: Readonly<Record<string, readonly [status: number, text: string]>> = {
  root: [404, `GET / HTTP/1.1|${HOST}||`],
  'the console, which is not here': [404, `GET /ui HTTP/1.1|${HOST}||`],
  'the API without its slash': [404, `GET /v1 HTTP/1.1|${HOST}||`],
  'encoded prefix': [404, `GET /%76%31/a HTTP/1.1|${HOST}||`],
  'other case': [404, `GET /V1/a HTTP/1.1|${HOST}||`],
  OPTIONS: [405, `OPTIONS /v1/a HTTP/1.1|${HOST}||`],
  TRACE: [405, `TRACE /v1/a HTTP/1.1|${HOST}||`],
  LINK: [405, `LINK /v1/a HTTP/1.1|${HOST}||`],
  BIND: [405, `BIND /v1/a HTTP/1.1|${HOST}||`],
  COPY: [405, `COPY /v1/a HTTP/1.1|${HOST}||`],
  PROPFIND: [405, `PROPFIND /v1/a HTTP/1.1|${HOST}||`],
  'PATCH without a type': [400, `PATCH /v1/a HTTP/1.1|${HOST}|Content-Length: 2||{}`],
  'PATCH with a malformed type': [400, `PATCH /v1/a HTTP/1.1|${HOST}|Content-Type: json|Content-Length: 2||{}`],
  'PATCH of plain JSON': [415, `PATCH /v1/a HTTP/1.1|${HOST}|Content-Type: application/json|Content-Length: 2||{}`],
  'compressed body': [415, `POST /v1/a HTTP/1.1|${HOST}|Content-Encoding: gzip|Content-Length: 2||{}`],
  '101 headers': [431, `GET /v1/a HTTP/1.1|${HOST}|${'X-A: b|'.repeat(100)}|`],
  'head past 16 KiB': [431, `GET /v1/a HTTP/1.1|${HOST}|X-A: ${'b'.repeat(17_000)}||`],
  'many tiny headers': [431, `GET /v1/a HTTP/1.1|${HOST}|${'a:|'.repeat(3_000)}|`],
  'target past 16 KiB': [431, `GET /v1/${'a'.repeat(17_000)} HTTP/1.1|${HOST}||`],
  'token past 8 KiB': [431, `GET /v1/a HTTP/1.1|${HOST}|X-Vault-Token: ${'b'.repeat(8_193)}||`],
}

const CLOSED_WITHOUT_ANSWER: Readonly<Record<string, string>> = {
  CONNECT: `CONNECT vault.example:443 HTTP/1.1|${HOST}||`,
}

describe('strictness', () => {
  let door: TestDoor
  before(async () => {
    door = await openDoor({ limits: { lingerMs: 20 } })
  })
  after(() => door[Symbol.asyncDispose]())

  async function expectRefusal(status: number, text: string): Promise<void> {
    const handled = door.seen.length
    const client = RawClient.to(door)
    await client.send(request(text))
    const answer = await client.next()
    assert.equal(answer?.status, status, answer?.body)
    assert.ok(Array.isArray(JSON.parse(answer.body).errors))
    assert.equal(answer.headers['content-type'], 'application/json')
    assert.equal(answer.headers['cache-control'], 'no-store')
    assert.equal(answer.headers.connection, 'close')
    assert.equal(await client.closed(), '', 'nothing follows the refusal')
    assert.equal(door.seen.length, handled, 'nothing was handled')
  }

  for (const [name, text] of Object.entries(REFUSED)) test(`400: ${name}`, () => expectRefusal(400, text))
  for (const [name, [status, text]] of Object.entries(OTHERS)) test(`${status}: ${name}`, () => expectRefusal(status, text))
  for (const [name, text] of Object.entries(CLOSED_WITHOUT_ANSWER)) {
    test(`closed: ${name}`, async () => {
      const client = RawClient.to(door)
      await client.send(request(text))
      assert.equal(await client.closed(), '')
    })
  }

  test('a refusal names the methods that there are, for a 405', async () => {
    const client = RawClient.to(door)
    await client.send(request(`LINK /v1/a HTTP/1.1|${HOST}||`))
    assert.match((await client.next())?.headers.allow ?? '', /GET.*LIST/)
    await client.closed()
  })

  test('nothing behind a refused request is ever read', async () => {
    const handled = door.seen.length
    for (const text of [REFUSED['Content-Length and Transfer-Encoding'], REFUSED['line folding'], REFUSED['two Hosts'], REFUSED['unknown method']]) {
      const client = RawClient.to(door)
      await client.send(request(`${text}GET /v1/smuggled HTTP/1.1|${HOST}||`))
      await client.closed()
    }
    assert.deepEqual(
      door.seen.slice(handled).map((call) => call.path),
      [],
    )
  })
})
