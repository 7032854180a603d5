// Revocation as workloads and proxies of a node hear of it, and as the agent itself obeys it.
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as sds from '../agent/sds/messages.ts'
import type { Dial } from '../agent/server/link.ts'
import * as wire from '../agent/workload/messages.ts'
import { pem, serialText, toPem } from '../crypto/certificate.ts'
import { readCrl } from '../crypto/crl.ts'
import { NO_LISTS } from '../agent/trust.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { type AgentInHand, agentOf, memoryDrawer } from '../testing/agent-domain.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { Conversation } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'
import { LISTS } from '../wire/signet-agent.ts'
import { dialer } from './agent-dial.ts'

const HEADERS = { metadata: { 'workload.spiffe.io': 'true' } }
const HOME = 'spiffe://example.org'
const ID = `${HOME}/me`

type Given = Of<typeof wire.X509SvidResponse>
type Talk<T> = Conversation<object, T>

describe('revocation on a node', () => {
  let node: ServedNode
  let entry: string
  const running: AgentInHand[] = []
  const talks: { cancel(): void }[] = []
  before(async () => {
    node = await openServedNode()
  })
  after(async () => {
    await Promise.all(running.map(({ agent }) => agent.stop()))
    await node.close()
  })
  beforeEach(async () => {
    for (const talk of talks.splice(0)) talk.cancel()
    entry = await node.begin('/me')
  })

  const rooms = () => node.domain.world.kernel.spiffe() as Spiffe
  const revoke = async (data: object): Promise<number> => (await node.domain.world.ok('write', 'spiffe/svid/revoke', { ...data })).data.revoked
  const serialOf = ({ svids: [svid] }: Given): string => serialText(new X509Certificate(svid?.x509Svid ?? Buffer.alloc(0)).serialNumber)
  const named = (crl: readonly Buffer[]): string[] => crl.map(readCrl).flatMap(({ serials }) => [...serials])

  function hear<T>(method: string, response: Parameters<ServedNode['client']['converse']>[2]): Talk<T> {
    const talk = node.client.converse(`/SpiffeWorkloadAPI/${method}`, wire.X509SvidRequest, response, HEADERS) as Talk<T>
    talks.push(talk)
    talk.send({})
    return talk
  }

  const x509 = () => hear<Given>('FetchX509SVID', wire.X509SvidResponse)

  /** Until an answer is as it should be. */
  async function heard<T>(talk: Talk<T>, holds: (answer: T) => boolean): Promise<T> {
    for (;;) {
      const answer = await talk.next()
      assert.ok(answer)
      if (holds(answer)) return answer
    }
  }

  test('a workload hears of the lists, and an SVID that is revoked is replaced at once where its entry stands', async () => {
    const talk = x509()
    const bundles = hear<Of<typeof wire.X509BundlesResponse>>('FetchX509Bundles', wire.X509BundlesResponse)
    const [first, before] = [await heard(talk, () => true), await heard(bundles, () => true)]
    assert.deepEqual([first.crl.length, before.crl.length], [1, 1])
    const serial = serialOf(first)
    assert.ok(!named(first.crl).includes(serial))
    const next = heard(talk, (answer) => serialOf(answer) !== serial)
    const told = heard(bundles, ({ crl }) => named(crl).includes(serial))
    assert.equal(await revoke({ certificate: toPem([first.svids[0]?.x509Svid as Buffer]) }), 1)
    assert.ok(named((await next).crl).includes(serial))
    assert.deepEqual(
      (await told).crl,
      rooms()
        .crls.all()
        .map(({ der }) => der),
    )
  })

  test('where the entry is gone with them, the stream ends', async () => {
    const talk = x509()
    await talk.next()
    const last = heard(talk, () => false)
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`, { revoke: true })
    await assert.rejects(last, refused(STATUS.denied, 'no identity issued'))
  })

  const secrets = async (name: string, plain: boolean): Promise<Of<typeof sds.Secret>> => {
    const request = { resourceNames: [name], node: { metadata: { disable_spiffe_cert_validation: plain } } }
    const { resources } = await node.client.ask(`/${sds.SERVICE}/FetchSecrets`, sds.DiscoveryRequest, sds.DiscoveryResponse, request)
    return sds.Secret.decode(resources[0]?.value ?? Buffer.alloc(0))
  }
  const lists = () =>
    rooms()
      .crls.all()
      .map(({ der }) => pem('X509 CRL', der))
      .join('')
  /** For the SPIFFE validator, and for one with a flat list. */
  async function inContexts(): Promise<[string, string]> {
    const { validationContext } = await secrets(HOME, false)
    const { trustDomains } = sds.SpiffeValidator.decode(validationContext?.customValidatorConfig?.typedConfig?.value ?? Buffer.alloc(0))
    const bundle = String(trustDomains[0]?.trustBundle?.inlineBytes)
    const plain = (await secrets('ROOTCA', true)).validationContext
    return [
      bundle.slice(bundle.indexOf('-----BEGIN X509') < 0 ? bundle.length : bundle.indexOf('-----BEGIN X509')),
      String(plain?.crl?.inlineBytes ?? ''),
    ]
  }

  test('proxies get the lists with what they check others by, and none where another signs under the trust domain', async () => {
    await revoke({ spiffe_id: ID })
    const [newest] = rooms().crls.all()
    await node.looking('the list is there', () => node.running.agent.trusts.own()?.lists.crls[0]?.equals(newest?.der ?? Buffer.alloc(0)) ?? false)
    assert.deepEqual(await inContexts(), [lists(), lists()])
    const { authority: id } = rooms().authorities.signer('x509')
    const below = { authority: id.id, serial: 'bb', spiffeId: ID as never, entry: 'x', agent: '', expiresAt: node.domain.clock.now() + 60_000 }
    await rooms().issued.recordAuthority(below)
    await node.looking('they are incomplete', () => node.running.agent.trusts.own()?.lists.complete === false)
    assert.deepEqual(await inContexts(), ['', ''])
    assert.equal((await heard(x509(), () => true)).crl.length, 1, 'workloads judge by themselves')
  })

  test('lists survive a restart while the server is away', async () => {
    const drawer = memoryDrawer()
    const settings = await node.domain.settings()
    const one = agentOf(node.domain, settings, drawer)
    await one.looking('it is ready', () => one.agent.ready())
    const known = one.agent.trusts.own()?.lists
    assert.equal(known?.crls.length, 1)
    await one.agent.stop()
    const away: Dial = () => {
      throw new GrpcError(STATUS.unavailable, 'away')
    }
    const again = agentOf(node.domain, settings, drawer, { dial: away })
    running.push(again)
    assert.deepEqual(again.agent.trusts.own()?.lists, known)
  })

  test('a server of SPIRE has no lists', async () => {
    const dial = dialer((await node.domain.settings()).trustDomain, node.domain.clock)
    const silent: Dial = (address, credentials) => {
      const client = dial(address, credentials)
      const ask: typeof client.ask = (method, ...rest) =>
        method.startsWith(`/${LISTS.service}/`) ? Promise.reject(new GrpcError(STATUS.unimplemented, 'unknown service')) : client.ask(method, ...rest)
      return { ...client, ask }
    }
    const one = agentOf(node.domain, await node.domain.settings(), memoryDrawer(), { dial: silent })
    running.push(one)
    await one.looking('it is ready', () => one.agent.ready())
    assert.deepEqual(one.agent.trusts.own()?.lists, NO_LISTS)
  })

  test('an agent whose own SVID is revoked ends where it cannot attest again', async () => {
    const one = agentOf(node.domain, await node.domain.settings(), memoryDrawer())
    running.push(one)
    await one.looking('it is ready', () => one.agent.ready())
    const id = one.agent.identity()?.id ?? ''
    assert.ok((await revoke({ agent_id: id })) >= 1)
    assert.match((await one.ending()).message, /does not take this agent any more: agent SVID is not active/)
  })

  test('a server whose SVID is revoked is none', async () => {
    const { trustDomain, addresses } = await node.domain.settings()
    const roots = rooms().authorities.bundle().x509Authorities
    const client = dialer(trustDomain, node.domain.clock)(addresses[0] as string, { roots, own: undefined, isRevoked: () => true })
    const method = '/spire.api.server.bundle.v1.Bundle/GetBundle'
    await assert.rejects(
      client.ask(method, wire.X509SvidRequest, wire.X509SvidResponse, {}, {}),
      refused(STATUS.unavailable, /certificate is revoked/),
    )
    client.close()
  })

  test('entries of others are left alone', async () => {
    const other = await node.domain.entry(NODE, '/other', ME)
    await node.looked(entry, other)
    const talk = x509()
    const { svids } = await heard(talk, (answer) => answer.svids.length === 2)
    const kept = svids.find(({ spiffeId }) => spiffeId === `${HOME}/other`)?.x509Svid
    await revoke({ spiffe_id: ID })
    const after = await heard(
      talk,
      ({ svids: now }) =>
        !now.some(({ x509Svid }) => svids.some((one) => one.x509Svid?.equals(x509Svid ?? kept ?? Buffer.alloc(0)) && one.spiffeId === ID)),
    )
    assert.deepEqual(after.svids.find(({ spiffeId }) => spiffeId === `${HOME}/other`)?.x509Svid, kept)
  })
})
