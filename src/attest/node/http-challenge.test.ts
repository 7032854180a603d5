import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { sendOutbound } from '../../app/outbound.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { OutboundRequest } from '../../base/outbound.ts'
import { attestBy } from '../../testing/attestation.ts'
import { httpChallenge } from './http-challenge.ts'

const HOME = { allowed_addresses: ['127.0.0.1'] }

describe('http_challenge', () => {
  let server: Server
  let port: number
  /** What the node serves. */
  let serve: RequestListener
  let nonce = ''
  before(async () => {
    server = createServer((request, response) => serve(request, response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })
  beforeEach(() => {
    serve = (request, response) => {
      if (request.url === '/.well-known/spiffe/nodeattestor/http_challenge/rack/challenge') response.end(`${nonce}\n`)
      else response.writeHead(404).end()
    }
  })

  const claim = (more: JsonObject = {}): JsonObject => ({ hostname: '127.0.0.1', agentname: 'rack', port, ...more })
  const attest = (more: Partial<Parameters<typeof attestBy>[1]> = {}) =>
    attestBy(httpChallenge, {
      settings: HOME,
      payload: claim(),
      ctx: { outbound: sendOutbound },
      answer(challenge) {
        nonce = challenge.nonce
        return Buffer.from('\n')
      },
      ...more,
    })

  const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
    assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

  test('names the node by the name it answers under, which is trusted on first use', async () => {
    assert.deepEqual(await attest(), { path: '127.0.0.1', selectors: ['hostname:127.0.0.1'], canReattest: false })
    assert.equal(Buffer.from(nonce, 'base64url').length, 32)
  })

  test('a node that answers at a port of the privileged may attest again', async () => {
    const outbound = async ({ url }: OutboundRequest) => {
      assert.equal(url, 'http://node-1.example.org:80/.well-known/spiffe/nodeattestor/http_challenge/rack/challenge')
      return { status: 200, body: Buffer.from(nonce) }
    }
    const settings = { required_port: 80, tofu: false, allowed_dns_patterns: ['node-\\d\\.example\\.org'] }
    const payload = claim({ hostname: 'node-1.example.org', port: 80 })
    assert.equal((await attest({ settings, payload, ctx: { outbound } })).canReattest, true)
    for (const hostname of ['node-1.example.org.evil.org', 'x-node-1.example.org', 'node-1-example.org']) {
      await refused(attest({ settings, payload: claim({ hostname, port: 80 }) }), 'denied', /not allowed to connect/)
    }
    await refused(attest({ settings, payload: claim() }), 'invalid', /port \d+ is not allowed/)
    await refused(attest({ settings: { allow_non_root_ports: false } }), 'invalid', /not allowed to be >= 1024/)
  })

  for (const [why, listener] of [
    ['another nonce', (_, response) => response.end('x'.repeat(44))],
    ['nothing', (_, response) => response.end()],
    ['more than a nonce', (_, response) => response.end(nonce + 'x'.repeat(100))],
    ['without an end', (_, response) => void response.write('x'.repeat(65))],
    ['the nonce as an error', (_, response) => response.writeHead(404).end(nonce)],
    ['a redirect', (request, response) => response.writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/elsewhere` }).end()],
    ['by hanging up', (request) => void request.socket.destroy()],
  ] satisfies [string, RequestListener][]) {
    test(`refuses a node that answers ${why}, and says no more than that`, async () => {
      serve = listener
      await refused(attest(), 'denied', /^challenge verification failed: expected nonce was not found in HTTP response$/)
    })
  }

  for (const hostname of ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1', '255.255.255.255']) {
    test(`asks nobody at ${hostname} unless it is told to`, () => {
      let asked = false
      serve = (_, response) => {
        asked = true
        response.end(nonce)
      }
      return refused(attest({ settings: {}, payload: claim({ hostname }) }), 'denied', /challenge verification failed/).then(() =>
        assert.equal(asked, false),
      )
    })
  }

  for (const hostname of [
    '',
    'a/b',
    'a:80',
    'a@b',
    '[::1]',
    'A.example.org',
    'a.example.org.',
    '..',
    '.',
    'a..b',
    '-a',
    '127.1',
    '0x7f.0.0.1',
    '2130706433',
    '127.0.0.01',
    'a b',
    'ä.example.org',
    'a%00',
    `${'a.'.repeat(130)}a`,
  ]) {
    test(`refuses the host name ${JSON.stringify(hostname).slice(0, 40)}`, () =>
      refused(attest({ payload: claim({ hostname }) }), 'invalid', /hostname is not valid/))
  }

  for (const [why, payload, message] of [
    ['localhost', claim({ hostname: 'localhost', port: 80 }), /localhost/],
    ['a long agent name', claim({ agentname: 'a'.repeat(33), port: 80 }), /agent name is not valid/],
    ['an agent name that leads elsewhere', claim({ agentname: '../x', port: 80 }), /agent name is not valid/],
    ['an agent name of two lines', claim({ agentname: 'a\n', port: 80 }), /agent name is not valid/],
    ['no port', claim({ port: 0 }), /port is invalid/],
    ['a port beyond all', claim({ port: 65_536 }), /port is invalid/],
    ['a port that is a text', claim({ port: '80' }), /port is invalid/],
    ['no JSON', Buffer.from('x'), /unmarshal/],
  ] as const) {
    test(`refuses ${why}`, () => assert.rejects(attest({ payload }), message))
  }

  for (const [why, given, message] of [
    ['reuse of a name without privilege', { tofu: false }, /trust on first use/],
    ['reuse of a name at a high port', { tofu: false, required_port: 8080 }, /trust on first use/],
    ['a broken pattern', { allowed_dns_patterns: ['('] }, /cannot compile/],
    ['no port', { required_port: 0 }, /from 1 to 65535/],
    ['what is no network', { allowed_addresses: ['x'] }, /invalid CIDR/],
  ] as const) {
    test(`is not offered with ${why}`, () => assert.throws(() => httpChallenge.check(given as never), message))
  }
})
