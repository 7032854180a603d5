// Proves how servers are named on the command line and what requests to them look like.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseTarget, toBytes } from './target.ts'

test('a server with all its facts', () => {
  const { url, ...rest } = parseTarget('bao=https://localhost:8301,token=s.abc=,pid=42', true)
  assert.equal(url.port, '8301')
  assert.deepEqual(rest, { name: 'bao', token: 's.abc=', pid: 42, insecureTls: true })
})

test('what is wrong is named', () => {
  assert.throws(() => parseTarget('http://127.0.0.1', false), /is not name=/)
  assert.throws(() => parseTarget('a=http://127.0.0.1,tokn=x', false), /"tokn" is neither/)
  assert.throws(() => parseTarget('a=http://127.0.0.1,pid=x', false), /pid "x"/)
})

test('a request counts its body in bytes', () => {
  const target = parseTarget('a=http://127.0.0.1:1', false)
  const text = toBytes(target, { method: 'POST', path: '/v1/x', body: { a: 'é' }, token: 't' }).toString()
  assert.match(text, /^POST \/v1\/x HTTP\/1\.1\r\nHost: 127\.0\.0\.1:1\r\n/)
  assert.match(text, /X-Vault-Token: t\r\n/)
  assert.match(text, /Content-Length: 10\r\n\r\n{"a":"é"}$/)
})
