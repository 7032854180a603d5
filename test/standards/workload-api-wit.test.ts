// What SPIFFE_Workload_API.md demands of the WIT-SVID profile (§7), statement by statement, of an agent that serves it.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../../src/testing/served-node.ts'
import { believeWit, fetchWit, fetchWitBundles, once } from '../../src/testing/wit-client.ts'
import { STATUS } from '../../src/wire/grpc.ts'

const HOME = 'spiffe://example.org'

describe('SPIFFE_Workload_API.md §7', () => {
  let node: ServedNode
  let entry: string
  before(async () => {
    node = await openServedNode()
  })
  after(() => node.close())
  beforeEach(async () => {
    entry = await node.begin('/me', { hint: 'main' })
  })

  const heard = () => node.running.agent.trusts.own()?.bundle.witAuthorities.length ?? 0
  const turn = async (wit_svids: boolean) => {
    await node.domain.world.ok('write', 'spiffe/config', { wit_svids })
    await node.looking('the agent has heard', () => heard() > 0 === wit_svids)
  }
  const ids = ({ svids }: { svids: readonly { spiffeId?: string }[] }) => svids.map(({ spiffeId = '' }) => spiffeId).sort()

  test('§7: where the profile is not supported, all its calls MUST return Unimplemented', async () => {
    for (const call of [fetchWit(node.client), fetchWit(node.client, `${HOME}/me`), fetchWitBundles(node.client)])
      await assert.rejects(call.next(), refused(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs'))
    await turn(true)
    assert.equal((await once(fetchWit(node.client))).svids.length, 1)
  })

  test('§7.2.1: if no spiffe_id is specified, the server MUST return WIT-SVIDs for all identities', async () => {
    await node.looked(entry, await node.domain.entry(NODE, '/other', ME))
    assert.deepEqual(ids(await once(fetchWit(node.client))), [`${HOME}/me`, `${HOME}/other`])
    assert.deepEqual(ids(await once(fetchWit(node.client, `${HOME}/other`))), [`${HOME}/other`])
  })

  test('§7.2.1: the response MUST contain one or more WIT-SVIDs; who may have none SHOULD get PermissionDenied', async () => {
    await assert.rejects(fetchWit(node.client, `${HOME}/stranger`).next(), refused(STATUS.denied, 'no identity issued'))
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
    await node.looked()
    for (const call of [fetchWit(node.client), fetchWitBundles(node.client)])
      await assert.rejects(call.next(), refused(STATUS.denied, 'no identity issued'))
  })

  test('§7.2.1: all fields but the hint are mandatory', async () => {
    await node.looked(entry, await node.domain.entry(NODE, '/plain', ME))
    const bundle = node.domain.world.kernel.spiffe()?.authorities.bundle()
    const { svids } = await once(fetchWit(node.client))
    for (const svid of svids) assert.equal(believeWit(svid, bundle, node.domain.clock.now()).id, svid.spiffeId)
    assert.deepEqual(svids.map(({ hint = '' }) => hint).sort(), ['', 'main'])
  })

  test('§7.2.1: servers MUST ensure that a hint is unique within a response', async () => {
    node.domain.clock.advance(1_000)
    await node.looked(entry, await node.domain.entry(NODE, '/twin', ME, { hint: 'main' }))
    assert.deepEqual(ids(await once(fetchWit(node.client))), [`${HOME}/me`])
  })

  test('§7.2.1, §4.3: every response contains the complete set: what is redacted is missing from the next', async () => {
    const more = await node.domain.entry(NODE, '/more', ME)
    await node.looked(entry, more)
    const call = fetchWit(node.client)
    assert.equal((await call.next())?.svids.length, 2)
    const next = call.next()
    await node.domain.world.ok('delete', `spiffe/entries/${more}`)
    await node.looked(entry)
    assert.deepEqual(ids((await next) ?? { svids: [] }), [`${HOME}/me`])
    call.cancel()
  })

  test('§7.2.2: the response MUST contain at least the bundle of the own trust domain, and those of foreign ones', async () => {
    assert.deepEqual(Object.keys((await once(fetchWitBundles(node.client))).bundles), [HOME])
    const own = node.domain.world.kernel.spiffe()?.authorities.bundle()
    assert.ok(own)
    await node.domain.world.ok('write', 'spiffe/bundles/partner.test', { bundle: formatBundle(own) })
    await node.begin('/me', { federates_with: 'partner.test' })
    assert.deepEqual(Object.keys((await once(fetchWitBundles(node.client))).bundles).sort(), [HOME, 'spiffe://partner.test'])
    await turn(false)
    const { [HOME]: mine = '', 'spiffe://partner.test': theirs = '' } = (await once(fetchWitBundles(node.client))).bundles
    assert.deepEqual([JSON.parse(mine).keys.length, JSON.parse(theirs).keys.length], [0, 1])
    await turn(true)
  })

  test('§7.2.2: bundles are JWK sets in which each key MUST have a kid, and hold keys for WIT-SVIDs alone', async () => {
    const { [HOME]: told = '' } = (await once(fetchWitBundles(node.client))).bundles
    const bundle = node.domain.world.kernel.spiffe()?.authorities.bundle()
    assert.deepEqual(
      JSON.parse(told).keys.map(({ kid }: { kid: string }) => kid),
      bundle?.witAuthorities.map(({ keyId }) => keyId),
    )
  })
})
