import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as wire from '../agent/workload/messages.ts'
import { formatBundle, witKeyOf } from '../crypto/bundle.ts'
import { verifyWitSvid, type WitSvid } from '../crypto/wit-svid.ts'
import { agentOf, memoryDrawer, openTrustDomain } from '../testing/agent-domain.ts'
import { runWith } from '../testing/cli-ports.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { until } from '../testing/until.ts'
import { openWorld } from '../testing/world.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { Conversation } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'

const HEADERS = { metadata: { 'workload.spiffe.io': 'true' } }
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
  type Answers = Conversation<object, Of<typeof wire.WitSvidResponse> | undefined>
  function wit(spiffeId = '', options = HEADERS): Answers {
    const talk = node.client.converse(at('FetchWITSVID'), wire.WitSvidRequest, wire.WitSvidResponse, options)
    talk.send({ spiffeId })
    return talk as Answers
  }
  function bundles(): Conversation<object, Of<typeof wire.WitBundlesResponse> | undefined> {
    const talk = node.client.converse(at('FetchWITBundles'), wire.WitBundlesRequest, wire.WitBundlesResponse, HEADERS)
    talk.send({})
    return talk as ReturnType<typeof bundles>
  }
  /** As a verifier that saw a proof by this key. */
  function believed({ witSvid = '', witSvidKey = '' }: Partial<Of<typeof wire.WitSvid>>): WitSvid {
    const bundle = authorities()?.bundle()
    const own = createPublicKey(createPrivateKey({ key: JSON.parse(witSvidKey), format: 'jwk' }))
    return verifyWitSvid(
      witSvid,
      node.domain.clock.now(),
      (_, kid) => bundle && witKeyOf(bundle, kid),
      ({ key }) => key.equals(own),
    )
  }

  test('a workload gets its identities, each with the key that it is bound to', async () => {
    const talk = wit()
    const { svids = [] } = (await talk.next()) ?? {}
    talk.cancel()
    assert.deepEqual(
      svids.map(({ spiffeId, hint }) => [spiffeId, hint]),
      [[`${HOME}/me`, 'main']],
    )
    assert.equal(believed(svids[0] ?? {}).id, `${HOME}/me`)
    assert.equal(JSON.parse(svids[0]?.witSvidKey ?? '').alg, 'ES256')
  })

  test('the whole state is told again when it changes, and when an authority is tainted', async () => {
    const talk = wit()
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

  test('one identity may be asked for, and none that is not the workload’s', async () => {
    await node.looked(entry, await node.domain.entry(NODE, '/other', ME))
    const talk = wit(`${HOME}/other`)
    assert.deepEqual(
      (await talk.next())?.svids.map(({ spiffeId }) => spiffeId),
      [`${HOME}/other`],
    )
    talk.cancel()
    await assert.rejects(wit('nothing').next(), refused(STATUS.invalid, 'invalid requested SPIFFE ID: scheme is missing or invalid'))
    await assert.rejects(wit(`${HOME}/stranger`).next(), refused(STATUS.denied, 'no identity issued'))
    for (const metadata of [{}, { 'workload.spiffe.io': 'yes' }])
      await assert.rejects(wit('', { metadata } as never).next(), refused(STATUS.invalid, 'security header missing from request'))
  })

  test('of two entries with one hint the older one counts', async () => {
    node.domain.clock.advance(1_000)
    await node.looked(entry, await node.domain.entry(NODE, '/twin', ME, { hint: 'main' }))
    const talk = wit()
    assert.deepEqual(
      (await talk.next())?.svids.map(({ spiffeId }) => spiffeId),
      [`${HOME}/me`],
    )
    talk.cancel()
  })

  test('bundles are sets of keys with ids, which validate nothing but WIT-SVIDs', async () => {
    const talk = bundles()
    const { bundles: told = {} } = (await talk.next()) ?? {}
    talk.cancel()
    assert.deepEqual(Object.keys(told), [HOME])
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
    const talk = wit()
    const { svids = [] } = (await talk.next()) ?? {}
    talk.cancel()
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

  test('foreign keys are told beside our own, to those whose entries federate', async () => {
    const partner = await openWorld()
    partner.clock.set(node.domain.clock.now())
    await partner.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    await partner.ok('write', 'spiffe/config', { trust_domain: 'partner.test', wit_svids: true })
    const theirs = partner.kernel.spiffe()?.authorities.bundle()
    assert.ok(theirs)
    await node.domain.world.ok('write', 'spiffe/bundles/partner.test', { bundle: formatBundle(theirs) })
    await node.begin('/me', { federates_with: 'partner.test' })
    const talk = bundles()
    const { bundles: told = {} } = (await talk.next()) ?? {}
    talk.cancel()
    assert.deepEqual(Object.keys(told).sort(), [HOME, 'spiffe://partner.test'])
    assert.equal(JSON.parse(told['spiffe://partner.test'] ?? '').keys[0].kid, theirs.witAuthorities[0]?.keyId)
    await partner.close()
  })

  test('nobody gets anything without an identity', async () => {
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
    await node.looked()
    for (const talk of [wit(), bundles()]) await assert.rejects(talk.next(), refused(STATUS.denied, 'no identity issued'))
  })

  test('the profile is unimplemented once the trust domain has none', async () => {
    const talk = wit()
    await talk.next()
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids: false })
    const ended = assert.rejects(talk.next(), refused(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs'))
    await node.looking('it has heard', () => node.running.agent.trusts.own()?.bundle.witAuthorities.length === 0)
    await ended
    for (const one of [wit(), bundles()]) await assert.rejects(one.next(), refused(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs'))
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids: true })
    await node.looking('it has heard again', () => node.running.agent.trusts.own()?.bundle.witAuthorities.length === 1)
    const again = wit()
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
})
