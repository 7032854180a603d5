import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Dial } from '../agent/server/link.ts'
import * as wire from '../agent/workload/messages.ts'
import { agentOf, memoryDrawer, openTrustDomain } from '../testing/agent-domain.ts'
import { runWith } from '../testing/cli-ports.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { until } from '../testing/until.ts'
import { believeWit, fetchWit, fetchWitBundles, HEADERS, once } from '../testing/wit-client.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { dialer } from './agent-dial.ts'

const at = (method: string) => `/SpiffeWorkloadAPI/${method}`
const HOME = 'spiffe://example.org'

describe('the WIT-SVID profile of the Workload API', () => {
  let node: ServedNode
  let entry: string
  before(async () => {
    node = await openServedNode()
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids: true })
  })
  after(() => node.close())
  beforeEach(async () => {
    entry = await node.begin('/me', { hint: 'main' })
    await node.looking('it knows the WIT authority', () => (node.running.agent.trusts.own()?.bundle.witAuthorities.length ?? 0) > 0)
  })

  const authorities = () => node.domain.world.kernel.spiffe()?.authorities
  const believed = (svid: Parameters<typeof believeWit>[0]) => believeWit(svid, authorities()?.bundle(), node.domain.clock.now())

  test('a workload gets its identities, each with the key that it is bound to', async () => {
    const { svids } = await once(fetchWit(node.client))
    assert.deepEqual(
      svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
      [[`${HOME}/me`, 'main']],
    )
    assert.equal(believed(svids[0] ?? {}).id, `${HOME}/me`)
    assert.equal(JSON.parse(svids[0]?.witSvidKey ?? '').alg, 'ES256')
  })

  test('the whole state is told again when it changes, and when an authority is tainted', async () => {
    const talk = fetchWit(node.client)
    const first = (await talk.next())?.svids[0]
    const news = talk.next()
    await node.domain.entry(NODE, '/more', ME, { id: 'zz', hint: 'second' })
    await node.looked(entry, 'zz')
    assert.deepEqual((await news)?.svids.map(({ spiffeId }) => spiffeId).sort(), [`${HOME}/me`, `${HOME}/more`])
    const old = authorities()?.signer('wit').authority.id ?? ''
    const { authority_id } = (await node.domain.world.ok('write', 'spiffe/authorities/wit/prepare')).data
    await node.domain.world.ok('write', 'spiffe/authorities/wit/activate', { authority_id })
    await node.domain.world.ok('write', 'spiffe/authorities/wit/taint', { authority_id: old })
    const renewed = talk.next()
    await node.looking('they were replaced', () =>
      node.running.agent.matching(new Set([ME])).every((one) => node.running.agent.wit.get(one)?.kid === authority_id),
    )
    const { svids = [] } = (await renewed) ?? {}
    assert.equal(svids.length, 2)
    const mine = svids.find(({ spiffeId }) => spiffeId === `${HOME}/me`) ?? {}
    assert.equal(believed(mine).kid, authority_id)
    assert.notEqual(mine.witSvidKey, first?.witSvidKey)
    for (const id of [entry, 'zz']) await node.domain.world.ok('delete', `spiffe/entries/${id}`)
    const last = talk.next().then((value) => (value === undefined ? undefined : talk.next()))
    await Promise.all([assert.rejects(last, refused(STATUS.denied, 'no identity issued')), node.looked()])
  })

  test('what is asked for has to be an ID, and the header has to be there', async () => {
    await assert.rejects(
      fetchWit(node.client, 'nothing').next(),
      refused(STATUS.invalid, 'invalid requested SPIFFE ID: scheme is missing or invalid'),
    )
    for (const metadata of [{}, { 'workload.spiffe.io': 'yes' }])
      for (const call of [fetchWit(node.client, '', { metadata } as never), fetchWitBundles(node.client, { metadata } as never)])
        await assert.rejects(call.next(), refused(STATUS.invalid, 'security header missing from request'))
  })

  test('bundles are sets of keys with ids, which validate nothing but WIT-SVIDs', async () => {
    const { bundles: told } = await once(fetchWitBundles(node.client))
    const { keys } = JSON.parse(told[HOME] ?? '')
    assert.deepEqual(
      keys.map(({ kid }: { kid: string }) => kid),
      authorities()
        ?.bundle()
        .witAuthorities.map(({ keyId }) => keyId),
    )
    const jwt = node.client.converse(at('FetchJWTBundles'), wire.JwtBundlesRequest, wire.JwtBundlesResponse, HEADERS)
    jwt.send({})
    const jwks = JSON.parse(String((await jwt.next())?.bundles[HOME]))
    jwt.cancel()
    for (const { kid } of keys) assert.ok(!jwks.keys.some((one: { kid: string }) => one.kid === kid))
  })

  test('ValidateJWTSVID takes no WIT-SVID', async () => {
    const { svids } = await once(fetchWit(node.client))
    const request = { audience: 'db', svid: svids[0]?.witSvid ?? '' }
    await assert.rejects(
      node.client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, request, HEADERS),
      refused(STATUS.invalid, /a WIT-SVID is no bearer token/),
    )
  })

  test('the command line fetches and writes them', async () => {
    const run = (line: string) => runWith(line, { env: { SPIFFE_ENDPOINT_SOCKET: `unix://${node.parts.socket.path}` } })
    const { out } = await run(`agent api fetch wit -spiffeID=${HOME}/me`)
    const [, witSvid = '', witSvidKey = ''] = /^token\(\S+\):\n\t(\S+)\nkey\(\S+\):\n\t(\S+)\n$/.exec(out) ?? []
    assert.equal(believed({ witSvid, witSvidKey }).id, `${HOME}/me`)
    const written = await run('agent api fetch wit -write=/run/web')
    assert.equal(written.out, 'Written to /run/web: svid.0.wit, svid.0.jwk\n')
    assert.equal(
      believed({ witSvid: written.files.get('/run/web/svid.0.wit') ?? '', witSvidKey: written.files.get('/run/web/svid.0.jwk') ?? '' }).id,
      `${HOME}/me`,
    )
    assert.deepEqual([written.modes.get('/run/web/svid.0.wit'), written.modes.get('/run/web/svid.0.jwk')], [0o600, 0o600])
    const [shown] = JSON.parse((await run('agent api fetch wit -format=json')).out).svids
    assert.deepEqual([shown.spiffe_id, shown.hint], [`${HOME}/me`, 'main'])
    assert.match((await run(`agent api fetch wit -spiffeID=${HOME}/no`)).err, /the agent says: no identity issued/)
  })

  test('the profile is unimplemented once the trust domain has none', async () => {
    const talk = fetchWit(node.client)
    await talk.next()
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids: false })
    const ended = assert.rejects(talk.next(), refused(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs'))
    await node.looking('it has heard', () => node.running.agent.trusts.own()?.bundle.witAuthorities.length === 0)
    await ended
    for (const one of [fetchWit(node.client), fetchWitBundles(node.client)])
      await assert.rejects(one.next(), refused(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs'))
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids: true })
    await node.looking('it has heard again', () => node.running.agent.trusts.own()?.bundle.witAuthorities.length === 1)
    const again = fetchWit(node.client)
    assert.equal(believed((await again.next())?.svids[0] ?? {}).id, `${HOME}/me`)
    again.cancel()
  })
})

describe('an agent', () => {
  test('serves the WIT-SVIDs that it kept on disk while its server is away', async () => {
    const domain = await openTrustDomain()
    await domain.world.ok('write', 'spiffe/config', { wit_svids: true })
    await domain.entry(NODE, '/kept', 'unix:uid:1')
    const [drawer, settings, has] = [memoryDrawer(), await domain.settings(), new Set(['unix:uid:1'])]
    const first = agentOf(domain, settings, drawer)
    await until('it is ready', () => first.agent.ready())
    const [entry] = first.agent.matching(has)
    assert.ok(entry)
    await first.agent.wit.need([entry])
    const before = first.agent.wit.get(entry)
    assert.ok(before)
    const sealed = drawer.files.get('workloads')
    await first.looking('it is kept', () => drawer.files.get('workloads') !== sealed)
    await first.agent.stop()
    for (const bytes of drawer.files.values()) assert.ok(!bytes.includes(before.token))
    const second = agentOf(domain, settings, drawer, {
      dial() {
        throw new GrpcError(STATUS.unavailable, 'away')
      },
    })
    const [again] = second.agent.matching(has)
    assert.ok(again)
    const { token, key } = second.agent.wit.get(again) ?? {}
    assert.deepEqual([token, key?.publicKey], [before.token, before.key.publicKey])
    await second.agent.stop()
    await domain.close()
  })

  test('keeps and tells what it renewed, where its server gives no WIT-SVIDs at the moment', async () => {
    const domain = await openTrustDomain()
    await domain.world.ok('write', 'spiffe/config', { wit_svids: true })
    await domain.entry(NODE, '/both', 'unix:uid:1')
    const [drawer, settings] = [memoryDrawer(), await domain.settings()]
    let away = false
    const real = dialer(settings.trustDomain, domain.clock)
    const dial: Dial = (...to) => {
      const client = real(...to)
      const ask: typeof client.ask = async (path, ...rest) => {
        if (away && path.endsWith('/BatchNewWITSVID')) throw new GrpcError(STATUS.unavailable, 'away')
        return client.ask(path, ...rest)
      }
      return { ...client, ask }
    }
    const { agent, looking } = agentOf(domain, settings, drawer, { dial })
    await until('it is ready', () => agent.ready())
    const [entry] = agent.matching(new Set(['unix:uid:1']))
    assert.ok(entry)
    await Promise.all([agent.x509.need([entry]), agent.wit.need([entry])])
    const [x509, wit] = [agent.x509.get(entry), agent.wit.get(entry)]
    let told = 0
    const stop = agent.changes.listen(() => void told++)
    const sealed = drawer.files.get('workloads')
    await looking('both are kept', () => drawer.files.get('workloads') !== sealed)
    const [before, toldBefore] = [drawer.files.get('workloads'), told]
    away = true
    domain.clock.advance(7 * 3_600_000)
    await looking('one was renewed', () => agent.x509.get(entry) !== x509)
    await looking('it is kept', () => drawer.files.get('workloads') !== before && told > toldBefore)
    assert.equal(agent.wit.get(entry)?.token, wit?.token)
    away = false
    await looking('so was the other', () => agent.wit.get(entry)?.token !== wit?.token)
    stop()
    await agent.stop()
    await domain.close()
  })
})
