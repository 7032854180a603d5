import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isLocal, parseEndpoint } from './endpoint.ts'
import { Failure } from './failure.ts'

describe('where an agent serves brokers', () => {
  const GOOD = {
    'unix:///path/to/endpoint.sock': { path: '/path/to/endpoint.sock' },
    'unix:/path/to/endpoint.sock': { path: '/path/to/endpoint.sock' },
    'unix:///a%20b': { path: '/a b' },
    'tcp://127.0.0.1:8000': { host: '127.0.0.1', port: 8000 },
    'tcp://broker.example.com:8443': { host: 'broker.example.com', port: 8443 },
    'tcp://[::1]:8443': { host: '::1', port: 8443 },
  }
  for (const [text, found] of Object.entries(GOOD)) test(text, () => assert.deepEqual(parseEndpoint('broker', text), found))

  const BAD = [
    ...['', '/path', 'path', 'http://a:1', 'UNIX', 'unix:', 'unix://', 'unix:///', 'unix://host/path', 'unix:path', 'unix:////a'],
    ...['unix:///a?b', 'unix:///a#b', 'unix:///a%', 'tcp://127.0.0.1', 'tcp://127.0.0.1:8000/foo', 'tcp://127.0.0.1:8000/'],
    ...['tcp://a@127.0.0.1:1', 'tcp://:1', 'tcp://a:0', 'tcp://a:65536', 'tcp:a:1', 'tcp://a:1?b', 'tcp://a:1#b', 'tcp://a_b:1', 'tcp://[::1]'],
  ]
  for (const text of BAD) test(`not "${text}"`, () => assert.throws(() => parseEndpoint('broker', text), Failure))

  test('what leads to this machine alone', () => {
    const local = ['unix:///a', 'tcp://127.0.0.1:1', 'tcp://127.9.9.9:1', 'tcp://localhost:1', 'tcp://[::1]:1']
    const remote = ['tcp://10.0.0.1:1', 'tcp://127.example.com:1', 'tcp://localhost.example.com:1', 'tcp://[::]:1']
    for (const text of local) assert.equal(isLocal(parseEndpoint('broker', text)), true, text)
    for (const text of remote) assert.equal(isLocal(parseEndpoint('broker', text)), false, text)
  })
})
