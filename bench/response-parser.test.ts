// Proves that responses are found whole wherever the network cuts them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResponseParser } from './response-parser.ts'

const STREAM =
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello' +
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 204 No Content\r\nX: y\r\n\r\n' +
  'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n' +
  'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'

function read(pieces: Iterable<string>): string[] {
  const seen: string[] = []
  const parser = new ResponseParser(({ status, body, last }) => seen.push(`${status} ${body} ${last}`))
  for (const piece of pieces) parser.feed(Buffer.from(piece))
  return seen
}

const EXPECTED = ['200 hello false', '204  false', '200 abcde false', '503  true']

test('several responses in one piece', () => assert.deepEqual(read([STREAM]), EXPECTED))

test('any cut in two', () => {
  for (let cut = 1; cut < STREAM.length; cut++) assert.deepEqual(read([STREAM.slice(0, cut), STREAM.slice(cut)]), EXPECTED, `cut at ${cut}`)
})

test('byte by byte', () => assert.deepEqual(read(STREAM), EXPECTED))

test('what cannot be framed is refused', () => {
  assert.throws(() => read(['HTTP/1.1 200 OK\r\n\r\nbody until close']), /neither a length nor chunks/)
  assert.throws(() => read(['SSH-2.0-x\r\n\r\n']), /not HTTP/)
})
