// Revoked SVIDs at the door for agents: of agents, administrators and servers below, on new connections and on those that are open.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import grpc from '@grpc/grpc-js'
import { issueCertificate, subjectOf, toPem } from '../crypto/certificate.ts'
import { newCsr } from '../crypto/csr.ts'
import { newSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import * as wire from '../edge/spire/messages.ts'
import { type AgentsDoor, type KnockingSvid as Svid, openAgentsDoor } from '../testing/agents-door.ts'
import { callUnary, converse } from '../testing/grpc-client.ts'
import { refusedWith } from '../testing/operator-world.ts'
import type { World } from '../testing/world.ts'
import type { Of } from '../wire/protobuf.ts'
import { WATCH, WatchRequest, WatchResponse } from '../wire/signet-agent.ts'

const random = { bytes: randomBytes }
const API = 'spire.api.server'
const NODE = { parent_id: 'spiffe://example.org/node', selectors: 'unix:uid:1' }

describe('a revoked SVID', () => {
  let door: AgentsDoor
  let world: World
  const rooms = () => door.rooms()
  const connect = (svid?: Svid) => door.connect(svid)
  before(async () => {
    door = await openAgentsDoor()
    world = door.world
  })
  after(() => door.close())

  const count = (client: grpc.Client) => callUnary(client, `${API}.entry.v1.Entry/CountEntries`, admin.CountEntriesRequest, admin.Count, {})
  const entries = (client: grpc.Client) => callUnary(client, `${API}.entry.v1.Entry/GetAuthorizedEntries`, wire.Empty, wire.AuthorizedEntries, {})
  const revoke = (data: object) => world.ok('write', 'spiffe/svid/revoke', { ...data })
  async function minted(id: string): Promise<Svid> {
    const key = newSigningKey('ec-p256')
    const { chain } = rooms().svids.x509({ id: parseSpiffeId(id), publicKey: key.publicKey, ttl: 600, dnsNames: [], subject: [] })
    return { key, chain }
  }

  async function joined(): Promise<Svid & { readonly id: string; readonly at: string }> {
    const { token, agent_id: id } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
    const key = newSigningKey('ec-p256')
    const request = { params: { data: { type: 'join_token', payload: Buffer.from(token) }, params: { csr: newCsr(key) } } }
    const [answer] = await converse(connect(), `${API}.agent.v1.Agent/AttestAgent`, wire.AttestAgentRequest, wire.AttestAgentResponse, [request])
    return { chain: answer?.result?.svid?.certChain ?? [], key, id, at: `spiffe/agents/${id.split('/').slice(3).join('/')}` }
  }

  /** Of a workload of the server below. */
  function leafOf(key: SigningKey, authority: Buffer): Buffer {
    const times = { notBefore: Date.now() - 10_000, notAfter: Date.now() + 60_000 }
    const { publicKey } = newSigningKey('ec-p256')
    const spec = { ...times, subject: [], publicKey, uris: ['spiffe://example.org/web'], dnsNames: [], authority: false }
    return issueCertificate(spec, { key, name: subjectOf(authority) }, random)
  }

  const certificate = ({ chain }: Svid) => ({ certificate: toPem(chain.slice(0, 1)) })

  test('of an agent proves nothing, on a connection that is open or a new one, and the agent hears why', async () => {
    const agent = await joined()
    const open = connect(agent)
    await entries(open)
    await revoke(certificate(agent))
    for (const client of [open, connect(agent)]) {
      await assert.rejects(entries(client), (error: grpc.ServiceError) => {
        const details = error.metadata.get('grpc-status-details-bin')[0] as Buffer
        return refusedWith(7, /agent SVID is not active/)(error) && details.includes('spire.api.types.PermissionDeniedDetails')
      })
    }
    await world.ok('write', `${agent.at}/ban`)
    await assert.rejects(entries(open), refusedWith(7, /agent is banned/))
    await world.ok('delete', agent.at)
    await assert.rejects(entries(open), refusedWith(7, /agent is not attested/))
  })

  test('of an agent that listens ends the stream at once; others go on and are told of the new list', async () => {
    const [agent, other] = [await joined(), await joined()]
    const listen = (by: Svid) => {
      const stream = connect(by).makeServerStreamRequest(
        `/${WATCH.service}/${WATCH.method}`,
        (one: { revision: number }) => WatchRequest.encode(one),
        (bytes) => WatchResponse.decode(bytes),
        { revision: 0 },
      )
      const heard = stream[Symbol.asyncIterator]() as AsyncIterator<Of<typeof WatchResponse>>
      return async () => (await heard.next()).value as Of<typeof WatchResponse>
    }
    const [next, others] = [listen(agent), listen(other)]
    await Promise.all([next(), others()])
    await revoke(certificate(agent))
    await assert.rejects(
      async () => {
        while (await next());
      },
      refusedWith(7, /agent SVID is not active/),
    )
    const { entries: more, bundles } = await others()
    assert.deepEqual([more, bundles], [false, true])
  })

  test('administers nothing, whether its entry or its name let it', async () => {
    await world.ok('write', 'spiffe/entries', { ...NODE, spiffe_id: 'spiffe://example.org/operator', admin: true })
    await world.ok('write', 'spiffe/config', { admin_ids: 'spiffe://example.org/root' })
    for (const id of ['spiffe://example.org/operator', 'spiffe://example.org/root']) {
      const svid = await minted(id)
      const open = connect(svid)
      await count(open)
      await revoke(certificate(svid))
      for (const client of [open, connect(svid)]) await assert.rejects(count(client), refusedWith(7, /authorization denied/))
      await count(connect(await minted(id)))
    }
  })

  test('of a server below gets no authority; the authority that it got is revoked with its entry, and with it what that signed', async () => {
    const entry = { ...NODE, id: 'below', spiffe_id: 'spiffe://example.org/below', downstream: true }
    await world.ok('write', 'spiffe/entries', entry)
    const server = await minted(entry.spiffe_id)
    const ask = (csr: Buffer) =>
      callUnary(connect(server), `${API}.svid.v1.SVID/NewDownstreamX509CA`, admin.DownstreamCaRequest, admin.DownstreamCaResponse, { csr })
    const key = newSigningKey('ec-p256')
    const { caCertChain } = await ask(newCsr(key))
    const [authority = Buffer.alloc(0)] = caCertChain
    const signed = toPem([leafOf(key, authority), ...caCertChain])
    await world.ok('write', 'spiffe/svid/validate', { certificate: signed })
    await revoke(certificate(server))
    await assert.rejects(ask(newCsr(newSigningKey('ec-p256'))), refusedWith(7, /authorization denied/))
    assert.deepEqual((await world.ok('delete', 'spiffe/entries/below', { revoke: true })).data, { revoked: 1, already_revoked: 0 })
    const { keys } = (await world.ok('list', 'spiffe/svid/revoked', { spiffe_id: entry.spiffe_id })).data
    assert.equal(keys.length, 2)
    assert.match((await world.call('write', 'spiffe/svid/validate', { certificate: signed })).body.errors[0], /certificate is revoked/)
    assert.equal((await revoke({ certificate: toPem(caCertChain) })).data.already_revoked, 1)
  })

  test('of the server itself is replaced for the next connection', async () => {
    const serials: string[] = []
    const agent = await joined()
    for (let turn = 0; turn < 2; turn++) {
      const bundle = rooms().authorities.bundle().x509Authorities
      const shown = Promise.withResolvers<Buffer>()
      const credentials = grpc.credentials.createSsl(Buffer.from(toPem(bundle)), null, null, {
        checkServerIdentity(_, { raw }) {
          shown.resolve(raw)
          return undefined
        },
      })
      await callUnary(door.connectBy(credentials), `${API}.bundle.v1.Bundle/GetBundle`, wire.Empty, wire.BundleMessage, {})
      const raw = await shown.promise
      serials.push(verifyX509Svid([raw], Date.now(), () => bundle, NOTHING_REVOKED).serial)
      await revoke({ certificate: toPem([raw]) })
    }
    assert.notEqual(serials[0], serials[1])
    await entries(connect(agent))
  })
})
