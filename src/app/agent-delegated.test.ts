import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import * as wire from '../agent/delegated/messages.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { STATUS } from '../wire/grpc.ts'
import { type GrpcClient, openGrpcClient } from '../wire/grpc-client.ts'

const at = (method: string) => `/${wire.SERVICE}/${method}`
const OTHER = { type: 'unix', value: 'uid:4242' }

describe('delegated identities', () => {
  let node: ServedNode
  let client: GrpcClient
  before(async () => {
    node = await openServedNode({ delegates: [parseSpiffeId('spiffe://example.org/delegate')] })
    client = openGrpcClient(`unix:${node.parts.adminSocket?.path}`, grpc.credentials.createInsecure())
    await node.domain.entry(NODE, '/other', 'unix:uid:4242')
    await node.domain.entry(NODE, '/admin', 'unix:uid:4242', { admin: true })
    await node.domain.entry(NODE, '/below', 'unix:uid:4242', { downstream: true })
  })
  after(async () => {
    client.close()
    await node.close()
  })
  beforeEach(async () => {
    await node.begin('/delegate')
  })

  const subscribe = (request: object) => {
    const talk = client.converse(at('SubscribeToX509SVIDs'), wire.X509SvidsRequest, wire.X509SvidsResponse)
    talk.send(request)
    return talk
  }
  const jwt = (request: object) => client.ask(at('FetchJWTSVIDs'), wire.JwtSvidsRequest, wire.JwtSvidsResponse, request)

  test('the identities of a workload that is described, but none that administers or signs', async () => {
    const talk = subscribe({ selectors: [OTHER] })
    const answer = await talk.next()
    assert.deepEqual(
      answer?.x509Svids.map(({ x509Svid }) => x509Svid?.id),
      [{ trustDomain: 'example.org', path: '/other' }],
    )
    assert.ok((answer?.x509Svids[0]?.x509SvidKey?.length ?? 0) > 0)
    talk.cancel()
    const { svids } = await jwt({ audience: ['db'], selectors: [OTHER] })
    assert.deepEqual(
      svids.map(({ id }) => id?.path),
      ['/other'],
    )
  })

  test('those of a process', async () => {
    const talk = subscribe({ pid: process.pid })
    assert.deepEqual(
      (await talk.next())?.x509Svids.map(({ x509Svid }) => x509Svid?.id?.path),
      ['/delegate'],
    )
    talk.cancel()
    await assert.rejects(subscribe({ pid: 2 ** 30 }).next(), refused(STATUS.unavailable, 'workload attestation failed'))
  })

  test('nothing at all is no error, until a token is asked for', async () => {
    const talk = subscribe({ selectors: [{ type: 'unix', value: 'uid:5' }] })
    assert.deepEqual((await talk.next())?.x509Svids, [])
    talk.cancel()
    await assert.rejects(jwt({ audience: ['db'], selectors: [{ type: 'unix', value: 'uid:5' }] }), refused(STATUS.denied, 'no identity issued'))
  })

  test('bundles', async () => {
    const x509 = client.converse(at('SubscribeToX509Bundles'), wire.X509BundlesRequest, wire.X509BundlesResponse)
    x509.send({})
    assert.deepEqual(Object.keys((await x509.next())?.caCertificates ?? {}), ['spiffe://example.org'])
    const jwks = client.converse(at('SubscribeToJWTBundles'), wire.JwtBundlesRequest, wire.JwtBundlesResponse)
    jwks.send({})
    assert.deepEqual(Object.keys((await jwks.next())?.bundles ?? {}), ['spiffe://example.org'])
    for (const talk of [x509, jwks]) talk.cancel()
  })

  test('requests that name nobody, or too many, are refused', async () => {
    const either = refused(STATUS.invalid, 'must provide either selectors or non-zero PID, but not both')
    await assert.rejects(subscribe({}).next(), either)
    await assert.rejects(subscribe({ pid: 1, selectors: [OTHER] }).next(), either)
    await assert.rejects(subscribe({ selectors: [{ type: 'unix' }] }).next(), refused(STATUS.invalid, 'could not parse provided selectors'))
    await assert.rejects(jwt({ selectors: [OTHER] }), refused(STATUS.invalid, 'audience must be specified'))
  })

  test('who is not trusted with it gets nothing', async () => {
    await node.begin('/somebody')
    const denied = refused(STATUS.denied, 'caller not configured as an authorized delegate')
    await assert.rejects(subscribe({ selectors: [OTHER] }).next(), denied)
    await assert.rejects(jwt({ audience: ['db'], selectors: [OTHER] }), denied)
  })

  test('it is not on the socket of the workloads', async () => {
    const talk = node.client.converse(at('SubscribeToX509SVIDs'), wire.X509SvidsRequest, wire.X509SvidsResponse)
    talk.send({ selectors: [OTHER] })
    await assert.rejects(talk.next(), refused(STATUS.unimplemented, /./))
  })
})
