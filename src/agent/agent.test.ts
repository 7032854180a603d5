import assert from 'node:assert/strict'
import { randomBytes, sign, X509Certificate } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { toPem } from '../crypto/certificate.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import { type TestCertificate, testAuthority, testCertificate } from '../testing/certificates.ts'
import { until } from '../testing/until.ts'
import { type AgentInHand, agentOf, memoryDrawer, openTrustDomain, type TrustDomainWorld } from '../testing/agent-domain.ts'
import { joinToken, type NodeAttestation } from './attestation.ts'
import type { Dial } from './server/link.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'

const NODE = 'spiffe://example.org/node'
const ME = new Set(['unix:uid:1000', 'unix:user:ann'])

describe('an agent', () => {
  let domain: TrustDomainWorld
  const running: AgentInHand[] = []
  before(async () => {
    domain = await openTrustDomain()
  })
  after(async () => {
    await Promise.all(running.map(({ agent }) => agent.stop()))
    await domain.close()
  })

  function start(...given: Parameters<typeof agentOf> extends [unknown, ...infer Rest] ? Rest : never): AgentInHand {
    const one = agentOf(domain, ...given)
    running.push(one)
    return one
  }

  const agents = async () => (await domain.world.ok('list', 'spiffe/agents')).data.keys as string[]
  /** The path of the agent that was not there before. */
  const newest = async (before: ReadonlySet<string>) =>
    (await agents())
      .find((id) => !before.has(id))
      ?.split('/')
      .slice(3)
      .join('/')

  test('a node joins once, and gets what its entries say', async () => {
    const id = await domain.entry(NODE, '/first', 'unix:uid:1000')
    const { agent } = start(await domain.settings(), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const [entry] = agent.matching(ME)
    assert.ok(entry)
    assert.deepEqual([entry.id, entry.spiffeId], [id, 'spiffe://example.org/first'])
    assert.deepEqual(agent.matching(new Set(['unix:uid:1'])), [])
    await agent.x509.need([entry])
    const svid = agent.x509.get(entry)
    assert.ok(svid)
    const { id: proven } = verifyX509Svid(svid.chain, domain.clock.now(), () => agent.trusts.own()?.bundle.x509Authorities, NOTHING_REVOKED)
    assert.equal(proven, entry.spiffeId)
    const { token } = await agent.jwt.get(entry, ['db', 'cache'])
    assert.equal((await agent.jwt.get(entry, ['cache', 'db'])).token, token, 'the order of audiences does not matter')
    assert.notEqual((await agent.jwt.get(entry, ['db'])).token, token)
  })

  test('entries come, change and go', async () => {
    const { agent, looking } = start(await domain.settings(), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const has = new Set(['unix:uid:7'])
    const id = await domain.entry(NODE, '/seven', 'unix:uid:7')
    const svid = () => agent.matching(has).map((entry) => agent.x509.get(entry))[0]
    await looking('its SVID is made before anybody asks', () => svid() !== undefined)
    const before = svid()
    await domain.world.ok('write', `spiffe/entries/${id}`, { dns_names: 'seven.example.org' })
    await looking('there is a new one', () => svid() !== before)
    assert.equal(new X509Certificate(svid()?.chain[0] ?? '').subjectAltName?.includes('DNS:seven.example.org'), true)
    await domain.world.ok('delete', `spiffe/entries/${id}`)
    await looking('it is gone', () => agent.matching(has).length === 0)
  })

  test('what changes is heard of, and not looked for', async () => {
    const { agent } = start(await domain.settings(), memoryDrawer()) // whose timers never fire
    await until('it is ready', () => agent.ready())
    const has = new Set(['unix:uid:8'])
    const id = await domain.entry(NODE, '/eight', 'unix:uid:8')
    await until('its SVID is there', () => agent.matching(has).some((entry) => agent.x509.get(entry)))
    await domain.world.ok('delete', `spiffe/entries/${id}`)
    await until('it is gone', () => agent.matching(has).length === 0)
  })

  test('many entries are synchronised by what changed', async () => {
    for (let n = 0; n < 501; n++) await domain.entry('spiffe://example.org/crowded', `/many/${n}`, `unix:uid:${n + 10_000}`, { id: `many-${n}` })
    const { token } = (await domain.world.ok('write', 'spiffe/join-tokens', { ttl: 600, spiffe_id: 'spiffe://example.org/crowded' })).data
    const { agent, looking } = start(await domain.settings({ attestation: joinToken(() => token), mostX509: 10 }), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const everybody = new Set(Array.from({ length: 501 }, (_, n) => `unix:uid:${n + 10_000}`))
    assert.equal(agent.matching(everybody).length, 501)
    await domain.world.ok('write', 'spiffe/entries/many-250', { hint: 'new' })
    await domain.world.ok('delete', 'spiffe/entries/many-300')
    await looking(
      'it knows both',
      () => agent.matching(new Set(['unix:uid:10250']))[0]?.hint === 'new' && agent.matching(new Set(['unix:uid:10300'])).length === 0,
    )
    assert.equal(agent.matching(everybody).length, 500)
    for (let n = 0; n < 501; n++) if (n !== 300) await domain.world.ok('delete', `spiffe/entries/many-${n}`)
  })

  test('it serves from what it kept, while the server is away, and goes on when it is back', async () => {
    await domain.entry(NODE, '/kept', 'unix:uid:2000')
    const drawer = memoryDrawer()
    const settings = await domain.settings()
    const first = start(settings, drawer)
    await until('it is ready', () => first.agent.ready())
    const has = new Set(['unix:uid:2000'])
    const before = first.agent.x509.get(first.agent.matching(has)[0] as never)
    await first.agent.stop()
    for (const [name, bytes] of drawer.files) assert.ok(!bytes.includes('example.org'), `${name} is sealed`)

    let away = true
    const dial: Dial = (address, credentials) => {
      if (away) throw new GrpcError(STATUS.unavailable, 'away')
      return realDial(address, credentials)
    }
    const { dialer } = await import('../app/agent-dial.ts')
    const realDial = dialer(settings.trustDomain, domain.clock)
    const known = (await agents()).length
    const second = start(settings, drawer, { dial })
    assert.equal(second.agent.ready(), true)
    const [entry] = second.agent.matching(has)
    assert.deepEqual(second.agent.x509.get(entry as never)?.chain, before?.chain)
    away = false
    await domain.entry(NODE, '/later', 'unix:uid:2001')
    await second.looking('it hears the news', () => second.agent.matching(new Set(['unix:uid:2001'])).length === 1)
    assert.equal((await agents()).length, known, 'it did not attest again')
  })

  test('what was altered on disk, or sealed by another key, is not believed', async () => {
    const drawer = memoryDrawer()
    const settings = await domain.settings()
    const first = start(settings, drawer)
    await until('it is ready', () => first.agent.ready())
    await first.agent.stop()
    for (const bytes of drawer.files.values()) bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
    const second = start(settings, drawer)
    assert.equal(second.agent.ready(), false)
    const ending = await second.agent.ended
    assert.match(ending.message, /refused to attest this node: join token does not exist/)
  })

  test('everything is renewed at half its life', async () => {
    await domain.entry(NODE, '/renewed', 'unix:uid:3000')
    const { agent, looking } = start(await domain.settings(), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const [entry] = agent.matching(new Set(['unix:uid:3000']))
    assert.ok(entry)
    await until('its SVID is there', () => agent.x509.get(entry) !== undefined)
    const [svid, jwt] = [agent.x509.get(entry), await agent.jwt.get(entry, ['db'])]
    domain.clock.advance(7 * 3_600_000)
    await looking('there is a new one', () => agent.x509.get(entry) !== svid)
    assert.notEqual((await agent.jwt.get(entry, ['db'])).token, jwt.token)
  })

  test('an authority that signs as soon as it is made is believed as soon', async () => {
    const own = await openTrustDomain()
    await own.entry(NODE, '/rotated', 'unix:uid:3001')
    const { agent, looking } = agentOf(own, await own.settings(), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const [entry] = agent.matching(new Set(['unix:uid:3001']))
    await until('its SVID is there', () => agent.x509.get(entry as never) !== undefined)
    const svid = agent.x509.get(entry as never)
    const { authority_id } = (await own.world.ok('write', 'spiffe/authorities/x509/prepare')).data
    await own.world.ok('write', 'spiffe/authorities/x509/activate', { authority_id })
    own.clock.advance(7 * 3_600_000)
    await looking('its own SVID is renewed, and then that of the workload', () => agent.x509.get(entry as never) !== svid)
    assert.equal(agent.trusts.own()?.bundle.x509Authorities.length, 2)
    await agent.stop()
    await own.close()
  })

  test('the next address is asked where one does not answer', async () => {
    const settings = await domain.settings()
    const { agent } = start({ ...settings, addresses: ['127.0.0.1:1', ...settings.addresses] }, memoryDrawer())
    await until('it is ready', () => agent.ready())
  })

  test('a server that the pinned bundle does not vouch for is not believed', async () => {
    const stranger = await openTrustDomain()
    const { agent } = start(
      await domain.settings({ bootstrap: () => stranger.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? [] }),
      memoryDrawer(),
    )
    const over = await Promise.race([agent.ended, until('never', () => agent.ready(), 50).catch(() => 'waiting')])
    assert.equal(over, 'waiting')
    await stranger.close()
  })

  test('without a pinned bundle the first server is believed, where that was asked for', async () => {
    const { agent } = start(await domain.settings({ bootstrap: () => 'anyone' }), memoryDrawer())
    await until('it is ready', () => agent.ready())
  })

  test('one that can prove itself again does so when it is renewed, or was evicted', async () => {
    const own = await openTrustDomain()
    const days = { notBefore: Date.now() - 3e8, notAfter: Date.now() + 3e8 }
    const root = testAuthority('root', days)
    await own.world.ok('write', 'spiffe/attestors/x509pop', { ca_bundle: toPem([root.der]) })
    const attestation = possession(testCertificate('node-1', { issuer: root, ...days }))
    const { agent, looking } = agentOf(own, await own.settings({ attestation }), memoryDrawer())
    await until('it is ready', () => agent.ready())
    const [mine = ''] = (await own.world.ok('list', 'spiffe/agents')).data.keys as string[]
    const path = `spiffe/agents/${mine.split('/').slice(3).join('/')}`
    const serial = async () => (await own.world.call('read', path)).body?.data?.x509svid_serial_number as string | undefined
    const first = await serial()
    assert.ok(first)
    own.clock.advance(7 * 3_600_000)
    await looking('it attested instead of renewing', async () => (await serial()) !== first)
    await own.world.ok('delete', path)
    own.clock.advance(10_000) // how often an address may try is limited
    await looking('it is there again', async () => (await serial()) !== undefined)
    await agent.stop()
    await own.close()
  })

  test('a ban ends it, and it keeps nothing', async () => {
    const drawer = memoryDrawer()
    const before = new Set(await agents())
    const { agent, ending } = start(await domain.settings(), drawer)
    await until('it is ready', () => agent.ready())
    await domain.world.ok('write', `spiffe/agents/${await newest(before)}/ban`)
    assert.match((await ending()).message, /banned/)
    assert.equal(agent.ready(), false)
    assert.deepEqual([...drawer.files.keys()], [])
  })

  test('one that was evicted ends too, since a join token works once', async () => {
    const before = new Set(await agents())
    const { agent, ending } = start(await domain.settings(), memoryDrawer())
    await until('it is ready', () => agent.ready())
    await domain.world.ok('delete', `spiffe/agents/${await newest(before)}`)
    assert.match((await ending()).message, /does not take this agent any more: agent is not attested/)
  })
})

/** Possession of the key of a certificate, as SPIRE's agent proves it (x509pop). */
function possession({ der, key: { key } }: TestCertificate): NodeAttestation {
  return {
    type: 'x509pop',
    payload: async () => Buffer.from(JSON.stringify({ certificates: [der.toString('base64')] })),
    async answer(challenge) {
      const nonce = randomBytes(32)
      const { ecdsa_signature: asked } = JSON.parse(challenge.toString())
      const signature = sign('sha256', Buffer.concat([Buffer.from(asked.nonce, 'base64'), nonce]), { key, dsaEncoding: 'ieee-p1363' })
      const [r, s] = [signature.subarray(0, 32), signature.subarray(32)].map((half) => half.toString('base64'))
      return Buffer.from(JSON.stringify({ ecdsa_signature: { nonce: nonce.toString('base64'), r, s } }))
    },
  }
}
