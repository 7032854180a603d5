// Listener settings about crowds, slow clients and proxies: what they become, and what is refused.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { parseConfig } from './config.ts'
import { parseSource } from './read.ts'

function parse(given: JsonObject) {
  const text = JSON.stringify({ storage: { lmdb: { path: '/data' } }, listener: { tcp: { address: ':1', tls_disable: true, ...given } } })
  const { address: _, ...rest } = parseConfig([parseSource('1.json', text)]).config.listeners[0] ?? { address: '' }
  return rest
}

test('nothing said changes nothing', () => {
  assert.deepEqual(parse({}), { limits: {} })
})

test('each key sets its bound', () => {
  const given = {
    max_request_size: 1,
    max_connections: 2,
    max_connections_per_client: 3,
    max_requests: 4,
    max_requests_per_client: 5,
    max_anonymous_requests_per_client: 6,
    max_request_memory: 7,
    max_request_memory_per_client: 8,
    http_read_header_timeout: '9s',
    http_read_timeout: '10s',
    http_idle_timeout: '1m',
  }
  assert.deepEqual(parse(given).limits, {
    bodyBytes: 1,
    connections: 2,
    connectionsPerClient: 3,
    concurrent: 4,
    concurrentPerClient: 5,
    anonymousPerClient: 6,
    bytes: 7,
    bytesPerClient: 8,
    headMs: 9_000,
    requestMs: 10_000,
    idleMs: 60_000,
  })
})

test('proxies are believed once their addresses are said', () => {
  assert.equal(parse({ x_forwarded_for_reject_not_present: false }).forwarding, undefined)
  assert.deepEqual(parse({ x_forwarded_for_authorized_addrs: '10.0.0.1, 10.1.0.0/16', x_forwarded_for_hop_skips: '1' }).forwarding, {
    authorized: ['10.0.0.1', '10.1.0.0/16'],
    hopSkips: 1,
    rejectNotPresent: true,
    rejectNotAuthorized: true,
  })
  assert.deepEqual(parse({ proxy_protocol_behavior: 'use_always' }).proxyProtocol, { behavior: 'use_always', authorized: [] })
  assert.deepEqual(parse({ proxy_protocol_behavior: 'deny_unauthorized', proxy_protocol_authorized_addrs: ['fd00::/8'] }).proxyProtocol, {
    behavior: 'deny_unauthorized',
    authorized: ['fd00::/8'],
  })
})

test('what can not be meant is refused', () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [{ max_connections: 0 }, 'max_connections must be at least 1'],
    [{ http_read_timeout: '0s' }, 'http_read_timeout must be at least 1'],
    [{ x_forwarded_for_authorized_addrs: '10.0.0.300' }, 'x_forwarded_for_authorized_addrs: "10.0.0.300" is no address and no address block'],
    [{ x_forwarded_for_hop_skips: -1 }, 'x_forwarded_for_hop_skips cannot be negative but set to -1'],
    [{ proxy_protocol_behavior: 'allow_authorized' }, 'proxy_protocol_behavior "allow_authorized" needs proxy_protocol_authorized_addrs'],
  ]
  for (const [given, message] of cases) {
    assert.throws(
      () => parse(given),
      (error: Error) => error.message.endsWith(`: ${message}`),
      message,
    )
  }
})
