import assert from 'node:assert/strict'
import { randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import type grpc from '@grpc/grpc-js'
import { silent } from '../base/log.ts'
import { toPem } from '../crypto/certificate.ts'
import { attestingNode, type AttestingNode, type NodeEvidence } from '../testing/attesting-node.ts'
import { type TestCertificate, testAuthority, testCertificate, testCsr } from '../testing/certificates.ts'
import { type HandTimers, handTimers } from '../testing/clock.ts'
import { openWorld, type World } from '../testing/world.ts'
import type { Kernel } from './kernel.ts'
import { listenSpire, type SpireListener } from './spire-listener.ts'

const year = { notBefore: Date.now() - 1000, notAfter: Date.now() + 3e10 }
const root = testAuthority('root', year)
const node = testCertificate('node-1', { issuer: root, ...year })
const SETTINGS = 'spiffe/attestors/x509pop'

/** Of x509pop. */
function evidence(one: TestCertificate, more: Partial<NodeEvidence> = {}): NodeEvidence {
  const answer = (challenge: Buffer) => {
    const nonce = randomBytes(32)
    const { ecdsa_signature: asked } = JSON.parse(challenge.toString())
    const signature = sign('sha256', Buffer.concat([Buffer.from(asked.nonce, 'base64'), nonce]), { key: one.key.key, dsaEncoding: 'ieee-p1363' })
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map((half) => half.toString('base64'))
    return Buffer.from(JSON.stringify({ ecdsa_signature: { nonce: nonce.toString('base64'), r, s } }))
  }
  return { type: 'x509pop', payload: Buffer.from(JSON.stringify({ certificates: [one.der.toString('base64')] })), answer, ...more }
}

const refusedWith = (code: number, text: RegExp) => (error: unknown) => {
  const { code: found, details } = error as grpc.ServiceError
  assert.deepEqual([found, text.test(details)], [code, true], details)
  return true
}

describe('node attestation over gRPC', () => {
  let world: World
  let listener: SpireListener
  let timers: HandTimers
  let client: AttestingNode
  before(async () => {
    world = await openWorld()
    timers = handTimers()
    world.clock.set(Date.now()) // certificates are checked by TLS too, which has the real time
    await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
    listener = await listenSpire('127.0.0.1:0', world.kernel, { clock: world.clock, random: { bytes: randomBytes }, timers }, silent)
    client = attestingNode(listener.port, world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? [])
  })
  beforeEach(async () => {
    world.clock.advance(10_000) // the rate limit begins anew
    await world.ok('write', SETTINGS, { ca_bundle: toPem([root.der]) })
  })
  after(async () => {
    client.close()
    await listener.close()
    await world.close()
  })

  test('several rounds make an agent with selectors, by which aliases find it, and it attests again at will', async () => {
    const alias = { spiffe_id: 'spiffe://example.org/node', parent_id: 'spiffe://example.org/spire/server', selectors: 'x509pop:subject:cn:node-1' }
    await world.ok('write', 'spiffe/entries', alias)
    const entry = { spiffe_id: 'spiffe://example.org/web', parent_id: alias.spiffe_id, selectors: 'unix:uid:1' }
    await world.ok('write', 'spiffe/entries', entry)
    const first = await client.attest(evidence(node))
    assert.equal(first.reattestable, true)
    assert.match(first.path, /^\/spire\/agent\/x509pop\/[0-9a-f]{40}$/)
    const second = await client.attest(evidence(node))
    assert.equal(second.path, first.path)
    const { data } = await world.ok('read', `spiffe/agents${first.path}`)
    assert.deepEqual([data.attestation_type, data.can_reattest], ['x509pop', true])
    assert.ok(data.selectors.includes('x509pop:subject:cn:node-1'))
    const peer = {
      address: '127.0.0.1',
      port: 1,
      svid: { authority: 'a1', id: data.id, serial: data.x509svid_serial_number, expiresAt: Number.MAX_SAFE_INTEGER },
    }
    const { entries } = (await world.ok('read', 'spiffe/agent/entries', {}, { token: '', peer })).data
    assert.deepEqual(
      entries.map((one: { spiffe_id: string }) => one.spiffe_id),
      [entry.spiffe_id],
    )
  })

  test('each message is a request on record, and none of what nodes say is readable there', async () => {
    await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit' } })
    await client.attest(evidence(node))
    const records = world.audit('/audit').filter(({ type, request }) => type === 'response' && request.path === 'spiffe/agent/attest')
    assert.equal(records.length, 2)
    assert.match(records[0].request.data.payload, /^hmac-sha256:/)
    assert.match(records[1].request.data.challenge_response, /^hmac-sha256:/)
    await world.ok('delete', 'sys/audit/file')
  })

  test('a banned node stays out, an evicted one comes back', async () => {
    const at = `spiffe/agents${(await client.attest(evidence(node))).path}`
    await world.ok('write', `${at}/ban`)
    await assert.rejects(client.attest(evidence(node)), refusedWith(7, /banned/))
    await world.ok('delete', at)
    await client.attest(evidence(node))
  })

  test('what is trusted on first use is let in once, until it is evicted', async (t) => {
    let nonce = ''
    const server = createServer((_, response) => response.end(nonce))
    t.after(() => server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await world.ok('write', 'spiffe/attestors/http_challenge', { allowed_addresses: '127.0.0.1' })
    const payload = Buffer.from(JSON.stringify({ hostname: '127.0.0.1', agentname: 'a', port }))
    const attest = () =>
      client.attest({
        type: 'http_challenge',
        payload,
        answer(challenge) {
          nonce = JSON.parse(challenge.toString()).nonce
          return Buffer.from('\n')
        },
      })
    assert.deepEqual(await attest(), { path: '/spire/agent/http_challenge/127.0.0.1', reattestable: false })
    await assert.rejects(attest(), refusedWith(7, /attested already/))
    await world.ok('delete', 'spiffe/agents/spire/agent/http_challenge/127.0.0.1')
    await attest()
  })

  test('what is not offered is refused, by its settings and by its name', async () => {
    await world.ok('delete', SETTINGS)
    await assert.rejects(client.attest(evidence(node)), refusedWith(3, /not offered: it has no settings at spiffe\/attestors\/x509pop/))
    await assert.rejects(client.attest(evidence(node, { type: 'x509' })), refusedWith(3, /attestor "x509" is unknown \(known: /))
    await assert.rejects(client.attest(evidence(node, { type: '__proto__' })), refusedWith(3, /is unknown/))
  })

  test('bad evidence is refused with what is wrong, and leaves no agent', async () => {
    const before = (await world.ok('read', 'spiffe/status')).data.agents
    const stranger = testCertificate('node-1', { issuer: testAuthority('root', year), ...year })
    await assert.rejects(client.attest(evidence(stranger)), refusedWith(7, /unknown authority/))
    await assert.rejects(client.attest(evidence(node, { answer: evidence(stranger).answer as never })), refusedWith(7, /signature verify failed/))
    await assert.rejects(client.attest(evidence(node, { payload: Buffer.alloc(65_537) })), refusedWith(3, /at most 65536 bytes/))
    await assert.rejects(client.attest(evidence(node, { answer: () => Buffer.alloc(65_537) })), refusedWith(3, /at most 65536 bytes/))
    await assert.rejects(client.attest(evidence(node, { csr: Buffer.from('x') })), refusedWith(3, /malformed CSR/))
    assert.equal((await world.ok('read', 'spiffe/status')).data.agents, before)
  })

  test('an answer counts once, in its own stream, and in its time', async () => {
    const stream = client.open()
    stream.on('error', () => {})
    stream.write({ challengeResponse: Buffer.from('{}') })
    await assert.rejects(stream[Symbol.asyncIterator]().next(), refusedWith(3, /missing attestation data/))
    const say = evidence(node)
    const late = (challenge: Buffer) => {
      world.clock.advance(60_000)
      return say.answer?.(challenge)
    }
    await assert.rejects(client.attest({ ...say, answer: late }), refusedWith(7, /took too long/))
  })

  test('a stream in which nobody says anything ends', async () => {
    const silentOnes = [client.open(), client.open()]
    silentOnes[1]?.write({ params: { data: { type: 'x509pop', payload: evidence(node).payload }, params: { csr: testCsr() } } })
    const ends = silentOnes.map((stream) => assert.rejects(stream.toArray(), refusedWith(4, /took too long/)))
    await new Promise((resolve) => silentOnes[1]?.once('data', resolve))
    timers.fire(60_000)
    await Promise.all(ends)
  })

  test('over HTTP an attestor that asks back says so', async () => {
    const { payload } = evidence(node)
    const body = { attestor: 'x509pop', payload: payload.toString('base64'), csr: testCsr().toString('base64') }
    const said = await world.call('write', 'spiffe/agent/attest', body, { token: '' })
    assert.deepEqual([said.status, said.body.errors], [400, ['attestor "x509pop" asks back, which takes the gRPC API']])
    const answer = await world.call('write', 'spiffe/agent/attest', { challenge_response: 'e30=' }, { token: '' })
    assert.deepEqual([answer.status, answer.body.errors], [400, ['there is no challenge to respond to']])
  })

  test('of 64 who come with one join token at once, one is let in', async () => {
    const { token } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
    const csr = testCsr()
    const tries = Array.from({ length: 64 }, () => client.attest({ type: 'join_token', payload: Buffer.from(token), csr }))
    const ended = await Promise.allSettled(tries)
    assert.equal(ended.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('of 64 who come with it to several processes, one is let in', async () => {
    const { token } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
    const body = { attestor: 'join_token', payload: Buffer.from(token).toString('base64'), csr: testCsr().toString('base64') }
    const kernels = [world.kernel, world.twin(), world.twin(), world.twin()]
    const tries = Array.from({ length: 64 }, (_, n) => {
      const peer = { address: `192.0.2.${n}`, port: 1 }
      return world.call('write', 'spiffe/agent/attest', body, { token: '', peer, kernel: kernels[n % kernels.length] as Kernel })
    })
    const statuses = (await Promise.all(tries)).map(({ status }) => status)
    assert.deepEqual([statuses.filter((one) => one === 200).length, statuses.filter((one) => one === 400).length], [1, 63])
  })

  test('one address may not try without end, and its name in IPv6 is its network', async () => {
    const attempt = (address: string) => {
      const body = { attestor: 'join_token', payload: 'eA==', csr: testCsr().toString('base64') }
      return world.call('write', 'spiffe/agent/attest', body, { token: '', peer: { address, port: 1 } })
    }
    const statuses = []
    for (let n = 0; n < 101; n++) statuses.push((await attempt(`2001:db8::${n.toString(16)}`)).status)
    assert.deepEqual([statuses.slice(0, 100).every((one) => one === 400), statuses[100]], [true, 429])
    assert.equal((await attempt('2001:db8:0:1::1')).status, 400)
    world.clock.advance(10_000)
    assert.equal((await attempt('2001:db8::1')).status, 400)
  })
})

describe('spiffe/attestors', () => {
  test('are settings like any: written whole, read, listed, removed, and refused where they can’t be', async () => {
    const world = await openWorld()
    await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    assert.equal((await world.call('write', SETTINGS, { ca_bundle: toPem([root.der]) })).status, 400)
    await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
    assert.equal((await world.call('list', 'spiffe/attestors')).status, 404)
    assert.equal((await world.call('read', SETTINGS)).status, 404)
    await world.ok('write', SETTINGS, { ca_bundle: toPem([root.der]), max_intermediates: 2 })
    assert.equal((await world.ok('read', SETTINGS)).data.max_intermediates, 2)
    await world.ok('write', SETTINGS, { ca_bundle: toPem([root.der]) })
    assert.equal((await world.ok('read', SETTINGS)).data.max_intermediates, 4)
    assert.deepEqual((await world.ok('list', 'spiffe/attestors')).data.keys, ['x509pop'])
    for (const [body, why] of [
      [{ ca_bundle: toPem([root.der]), ca_bundle_path: '/x' }, /unknown settings: ca_bundle_path/],
      [{ ca_bundle: '' }, /ca_bundle is needed/],
      [{}, /ca_bundle is needed/],
    ] as const) {
      const said = await world.call('write', SETTINGS, body)
      assert.deepEqual([said.status, why.test(said.body.errors[0])], [400, true], said.body.errors[0])
    }
    assert.equal((await world.ok('read', SETTINGS)).data.mode, 'external_pki')
    assert.equal((await world.call('write', 'spiffe/attestors/none', {})).status, 404)
    assert.equal((await world.call('write', 'spiffe/attestors/join_token', {})).status, 404)
    await world.ok('delete', SETTINGS)
    assert.equal((await world.call('read', SETTINGS)).status, 404)
    assert.equal((await world.call('delete', SETTINGS)).status, 404)
    await world.close()
  })
})
