import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { silent } from '../base/log.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../crypto/x509-svid.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import * as wire from '../edge/spire/messages.ts'
import { signingRequest } from '../testing/signing-request.ts'
import { stillTimers } from '../testing/clock.ts'
import { type Api, entries, openOperatorWorld, type OperatorWorld, refusedWith, statuses } from '../testing/operator-world.ts'
import type { World } from '../testing/world.ts'
import type { Of } from '../wire/protobuf.ts'
import { clearSocket, listenAdmin } from './admin-socket.ts'

const random = { bytes: randomBytes }
const own = process.getuid?.() ?? 0
const ID = (path: string) => ({ trustDomain: 'example.org', path })
const ENTRY = { spiffeId: ID('/web'), parentId: ID('/node'), selectors: [{ type: 'unix', value: 'uid:1000' }] }
const AGENT = 'spiffe://example.org/spire/agent/x509pop/ab'

describe('the SPIRE server API for operators', () => {
  let operators: OperatorWorld
  let world: World
  let dir: string
  let api: Api
  before(async () => {
    operators = await openOperatorWorld()
    ;({ world, dir, api } = operators)
  })
  after(() => operators.close())

  const agents = (method: string) => `agent.v1.Agent/${method}`
  const bundles = (method: string) => `bundle.v1.Bundle/${method}`
  const authorities = (method: string) => `localauthority.v1.LocalAuthority/${method}`
  const create = (...list: Partial<wire.EntryMessage>[]) =>
    api(entries('BatchCreateEntry'), admin.BatchCreateEntryRequest, admin.EntryResults, { entries: list })

  test('is for the users who are named, and for the server’s own otherwise', async () => {
    assert.equal(statSync(join(dir, 'api.sock')).mode & 0o077, 0o777 & ~process.umask() & 0o077)
    const stranger = await operators.connect('others.sock', [own + 1])
    assert.equal(statSync(join(dir, 'others.sock')).mode & 0o777, 0o666)
    await assert.rejects(stranger(entries('CountEntries'), admin.CountEntriesRequest, admin.Count, {}), refusedWith(7, /authorization denied/))
    await assert.rejects(
      stranger(bundles('GetFederatedBundle'), wire.GetFederatedBundleRequest, wire.BundleMessage, { trustDomain: 'a.test' }),
      refusedWith(7, /not attested/),
    )
    await assert.rejects(
      stranger(agents('CreateJoinToken'), admin.CreateJoinTokenRequest, admin.JoinToken, { ttl: 60 }),
      refusedWith(7, /authorization denied/),
    )
    assert.equal((await stranger(bundles('GetBundle'), wire.GetBundleRequest, wire.BundleMessage, {})).trustDomain, 'example.org')
    assert.equal((await api(entries('CountEntries'), admin.CountEntriesRequest, admin.Count, {})).count, 0)
  })

  test('has no token: the paths are nobody’s over HTTP', async () => {
    for (const path of ['spiffe/admin/entries', 'spiffe/admin/agents']) assert.equal((await world.call('list', path)).status, 403)
    assert.equal((await world.call('write', 'spiffe/admin/join-tokens', { ttl: 60 })).status, 403)
    assert.equal((await world.call('write', 'spiffe/downstream/x509-ca', { csr: 'AAAA' })).status, 403)
  })

  test('entries are made, found, changed and removed, and each call is audited with who made it', async () => {
    const full = {
      ...ENTRY,
      id: 'full',
      hint: 'main',
      dnsNames: ['web.example.org'],
      federatesWith: ['partner.test'],
      x509SvidTtl: 60,
      jwtSvidTtl: 30,
      admin: true,
      downstream: true,
      expiresAt: 4_000_000_000,
      additionalAttributes: { disableX509SvidPrefetch: true, jwtSvidIncludeJti: true },
    }
    const { results } = await create(
      full,
      full,
      { ...ENTRY, id: 'other', spiffeId: ID('/other') },
      { ...ENTRY, selectors: [] },
      { ...ENTRY, spiffeId: { trustDomain: 'x.test', path: '/a' } },
    )
    assert.deepEqual(statuses(results), [0, 6, 0, 3, 3])
    assert.deepEqual([results[1]?.status?.message, results[1]?.entry?.id], ['similar entry already exists', 'full'])
    assert.match(results[3]?.status?.message ?? '', /failed to convert entry: missing selector list/)
    const get = (id: string, outputMask?: Of<typeof admin.GetEntryRequest>['outputMask']) =>
      api(entries('GetEntry'), admin.GetEntryRequest, wire.EntryMessage, { id, outputMask })
    const read = await get('full')
    assert.deepEqual({ ...read, createdAt: 0, storeSvid: false, revisionNumber: 0 }, { ...full, createdAt: 0, storeSvid: false, revisionNumber: 0 })
    const masked = await get('full', { hint: true })
    assert.deepEqual([masked.id, masked.hint, masked.spiffeId, masked.admin], ['full', 'main', undefined, false])
    for (const id of ['none', '../agents', 'a/b', '.']) await assert.rejects(get(id), refusedWith(5, /entry not found/), id)
    await assert.rejects(get(''), refusedWith(3, /missing ID/))
    const update = (one: Partial<wire.EntryMessage>, inputMask?: object) =>
      api(entries('BatchUpdateEntry'), admin.BatchUpdateEntryRequest, admin.EntryResults, { entries: [one], inputMask })
    assert.deepEqual(statuses((await update({ id: 'full', hint: 'new' }, { hint: true })).results), [0])
    const changed = await get('full')
    assert.deepEqual([changed.hint, changed.dnsNames, changed.admin, changed.revisionNumber], ['new', ['web.example.org'], true, 1])
    assert.deepEqual(statuses((await update({ id: 'full', ...ENTRY })).results), [0])
    assert.deepEqual([(await get('full')).hint, (await get('full')).dnsNames], ['', []])
    assert.deepEqual(statuses((await update({ id: 'none', ...ENTRY })).results), [5])
    const { results: deleted } = await api(entries('BatchDeleteEntry'), admin.BatchDeleteEntryRequest, admin.BatchDeleteEntryResponse, {
      ids: ['full', 'none', '', 'other'],
    })
    assert.deepEqual(
      [statuses(deleted), deleted.map(({ id }) => id)],
      [
        [0, 5, 3, 0],
        ['full', 'none', '', 'other'],
      ],
    )
    const audited = world.audit('/audit.log').filter(({ request: { path } }) => path.startsWith('spiffe/admin/entries'))
    assert.ok(audited.length >= 20)
    for (const { request } of audited.filter(({ request: { remote_port } }) => remote_port === 0))
      assert.deepEqual([request.client_uid, request.client_pid], [own, process.pid])
  })

  test('entries are filtered and paged', async () => {
    await create(
      ...['a', 'b', 'c', 'd', 'e'].map((id, at) => ({
        id,
        spiffeId: ID(`/page/${id}`),
        parentId: ID(at < 3 ? '/one' : '/two'),
        selectors: [ENTRY.selectors[0] as { type: string; value: string }, { type: 'unix', value: `gid:${at}` }],
        downstream: at === 0,
        hint: id,
        federatesWith: at === 1 ? ['x.test'] : [],
      })),
    )
    const list = async (filter?: Of<typeof admin.ListEntriesRequest>['filter'], page = {}) => {
      const answer = await api(entries('ListEntries'), admin.ListEntriesRequest, admin.ListEntriesResponse, { filter, outputMask: {}, ...page })
      return [answer.entries.map(({ id }) => id).join(''), answer.nextPageToken]
    }
    const uid = { type: 'unix', value: 'uid:1000' }
    const gid = (n: number) => ({ type: 'unix', value: `gid:${n}` })
    assert.deepEqual(await list(), ['abcde', ''])
    assert.deepEqual(await list(undefined, { pageSize: 2 }), ['ab', 'b'])
    assert.deepEqual(await list(undefined, { pageSize: 2, pageToken: 'b' }), ['cd', 'd'])
    assert.deepEqual(await list(undefined, { pageSize: 2, pageToken: 'd' }), ['e', ''])
    assert.deepEqual(await list({ byParentId: ID('/two') }), ['de', ''])
    assert.deepEqual(await list({ bySpiffeId: ID('/page/c') }), ['c', ''])
    assert.deepEqual(await list({ byHint: { value: 'd' } }), ['d', ''])
    assert.deepEqual(await list({ byDownstream: { value: true } }), ['a', ''])
    assert.deepEqual(await list({ byDownstream: { value: false } }), ['bcde', ''])
    assert.deepEqual(await list({ bySelectors: { selectors: [uid], match: 2 } }), ['abcde', ''])
    assert.deepEqual(await list({ bySelectors: { selectors: [uid, gid(1)], match: 0 } }), ['b', ''])
    assert.deepEqual(await list({ bySelectors: { selectors: [uid, gid(1), gid(2)], match: 1 } }), ['bc', ''])
    assert.deepEqual(await list({ bySelectors: { selectors: [gid(0), gid(4)], match: 3 } }), ['ae', ''])
    assert.deepEqual(await list({ byFederatesWith: { trustDomains: ['x.test'], match: 0 } }), ['b', ''])
    assert.equal((await api(entries('CountEntries'), admin.CountEntriesRequest, admin.Count, { filter: { byParentId: ID('/one') } })).count, 3)
    await assert.rejects(list({ bySelectors: { selectors: [], match: 0 } }), refusedWith(3, /empty selector set/))
    await assert.rejects(list({ bySelectors: { selectors: [uid], match: 9 } }), refusedWith(3, /match behavior/))
    await assert.rejects(list({ bySpiffeId: { trustDomain: 'X', path: '' } }), refusedWith(3, /trust domain/))
    await assert.rejects(list(undefined, { pageSize: -1 }), refusedWith(3, /negative/))
  })

  test('agents are listed, read, banned and evicted; join tokens are made', async () => {
    const rooms = world.kernel.spiffe()
    const record = { id: AGENT as never, type: 'x509pop', authority: 'a1', serial: 'ff', canReattest: true, expiresAt: world.clock.now() + 60_000 }
    await rooms?.agents.attest({ ...record, selectors: [{ type: 'x509pop', value: 'subject:cn:a' }] })
    const list = async (filter: Of<typeof admin.ListAgentsRequest>['filter']) =>
      (await api(agents('ListAgents'), admin.ListAgentsRequest, admin.ListAgentsResponse, { filter })).agents.length
    const [agent] = (await api(agents('ListAgents'), admin.ListAgentsRequest, admin.ListAgentsResponse, {})).agents
    assert.deepEqual(agent?.id, ID('/spire/agent/x509pop/ab'))
    assert.deepEqual(
      [agent?.x509svidSerialNumber, agent?.selectors, agent?.attestationType],
      ['255', [{ type: 'x509pop', value: 'subject:cn:a' }], 'x509pop'],
    )
    const later = new Date(world.clock.now() + 3_600_000).toISOString().replace('T', ' ').replace(/\..*/, ' +0000 +00')
    assert.equal(await list({ byAttestationType: 'x509pop', byCanReattest: { value: true }, byBanned: { value: false }, byExpiresBefore: later }), 1)
    assert.equal(await list({ byAttestationType: 'join_token' }), 0)
    assert.equal(await list({ byExpiresBefore: '2020-01-01 00:00:00 +0000 +00' }), 0)
    await assert.rejects(list({ byExpiresBefore: 'tomorrow' }), refusedWith(3, /malformed expiry filter/))
    assert.equal((await api(agents('CountAgents'), admin.CountAgentsRequest, admin.Count, {})).count, 1)
    const id = ID('/spire/agent/x509pop/ab')
    await api(agents('BanAgent'), admin.AgentIdRequest, wire.Empty, { id })
    const banned = await api(agents('GetAgent'), admin.GetAgentRequest, admin.AgentMessage, { id, outputMask: { banned: true } })
    assert.deepEqual([banned.banned, banned.attestationType, banned.id], [true, '', id])
    await api(agents('DeleteAgent'), admin.AgentIdRequest, wire.Empty, { id })
    for (const method of ['DeleteAgent', 'BanAgent', 'GetAgent'])
      await assert.rejects(api(agents(method), admin.AgentIdRequest, wire.Empty, { id }), refusedWith(5, /agent not found/))
    await assert.rejects(api(agents('GetAgent'), admin.AgentIdRequest, wire.Empty, { id: ID('/web') }), refusedWith(3, /invalid agent ID/))
    const made = await api(agents('CreateJoinToken'), admin.CreateJoinTokenRequest, admin.JoinToken, { ttl: 60, agentId: ID('/node') })
    assert.deepEqual([await rooms?.joinTokens.redeem(made.value), made.expiresAt], [true, Math.floor(world.clock.now() / 1000) + 60])
    const chosen = { ttl: 60, token: 'a-token-of-my-own' }
    assert.equal((await api(agents('CreateJoinToken'), admin.CreateJoinTokenRequest, admin.JoinToken, chosen)).value, chosen.token)
    await assert.rejects(api(agents('CreateJoinToken'), admin.CreateJoinTokenRequest, admin.JoinToken, chosen), refusedWith(3, /already exists/))
    await assert.rejects(api(agents('CreateJoinToken'), admin.CreateJoinTokenRequest, admin.JoinToken, {}), refusedWith(3, /ttl is required/))
  })

  test('authorities are moved by hand', async () => {
    await world.ok('write', 'spiffe/config', { wit_svids: true })
    for (const kind of ['X509', 'JWT', 'WIT']) {
      const state = () => api(authorities(`Get${kind}AuthorityState`), wire.Empty, admin.AuthorityStates, {})
      const step = async (name: string, authorityId = '') =>
        (await api(authorities(`${name}${kind}Authority`), admin.AuthorityRequest, admin.AuthorityResponse, { authorityId })).authority?.authorityId
      const first = (await state()).active?.authorityId
      const next = await step('Prepare')
      assert.equal((await state()).prepared?.authorityId, next)
      assert.equal(await step('Activate', next), next)
      assert.deepEqual([(await state()).active?.authorityId, (await state()).old?.authorityId], [next, first])
      await assert.rejects(step('Taint', next), refusedWith(3, /only old authorities can be tainted/))
      await assert.rejects(step('Taint'), refusedWith(3, /no authority ID provided/))
      assert.equal(await step('Taint', first), first)
      const bundle = await api(bundles('GetBundle'), wire.GetBundleRequest, wire.BundleMessage, {})
      const published = [...bundle.x509Authorities, ...bundle.jwtAuthorities, ...bundle.witAuthorities]
      assert.equal(published.filter(({ tainted }) => tainted).length, 1, kind)
      assert.equal(await step('Revoke', first), first)
    }
    await world.ok('write', 'spiffe/config', { wit_svids: false })
    await assert.rejects(
      api(authorities('TaintX509UpstreamAuthority'), admin.AuthorityRequest, wire.Empty, {}),
      refusedWith(9, /upstream authority is not configured/),
    )
  })

  test('SVIDs are minted by name', async () => {
    const csr = (...names: string[]) => signingRequest('DER', names)
    const mint = (value: object) => api('svid.v1.SVID/MintX509SVID', admin.MintX509Request, admin.MintX509Response, value)
    const { svid } = await mint({ csr: csr('URI:spiffe://example.org/mint', 'DNS:mint.example.org'), ttl: 60 })
    const proven = verifyX509Svid(
      svid?.certChain ?? [],
      Date.now(),
      () => world.kernel.spiffe()?.authorities.bundle().x509Authorities,
      NOTHING_REVOKED,
    )
    assert.deepEqual([proven.id, proven.leaf.checkHost('mint.example.org'), svid?.id], ['spiffe://example.org/mint', 'mint.example.org', ID('/mint')])
    for (const [names, text] of [
      [[], /URI SAN is required/],
      [['URI:spiffe://example.org/a', 'URI:spiffe://example.org/b'], /only one URI SAN/],
      [['URI:https://example.org/'], /scheme/],
      [['URI:spiffe://other.org/a'], /not a member/],
    ] as const) {
      await assert.rejects(mint({ csr: csr(...names) }), refusedWith(3, text))
    }
    await assert.rejects(mint({}), refusedWith(3, /missing CSR/))
    await assert.rejects(mint({ csr: Buffer.from('x') }), refusedWith(3, /malformed CSR/))
    const jwt = (value: object) => api('svid.v1.SVID/MintJWTSVID', admin.MintJwtRequest, admin.MintJwtResponse, value)
    const made = await jwt({ id: ID('/mint'), audience: ['db'], ttl: 60 })
    assert.equal((made.svid?.expiresAt ?? 0) - (made.svid?.issuedAt ?? 0), 60)
    await assert.rejects(jwt({ id: ID('/mint') }), refusedWith(3, /at least one audience is required/))
    await assert.rejects(jwt({ audience: ['db'] }), refusedWith(3, /./))
    const downstream = api('svid.v1.SVID/NewDownstreamX509CA', admin.DownstreamCaRequest, admin.DownstreamCaResponse, { csr: csr() })
    await assert.rejects(downstream, refusedWith(7, /authorization denied/))
  })

  test('the server tells how it is, and how much it logs', async () => {
    assert.equal((await api('grpc.health.v1.Health/Check', admin.HealthRequest, admin.HealthResponse, {})).status, 1)
    await assert.rejects(
      api('grpc.health.v1.Health/Check', admin.HealthRequest, admin.HealthResponse, { service: 'x' }),
      refusedWith(3, /per-service/),
    )
    const info = await api('debug.v1.Debug/GetInfo', wire.Empty, admin.GetInfoResponse, {})
    assert.deepEqual(
      info.svidChain.map(({ id }) => id),
      [ID('')],
    )
    const logger = (method: string, value: object = {}) => api(`logger.v1.Logger/${method}`, admin.SetLogLevelRequest, admin.LoggerMessage, value)
    assert.deepEqual(await logger('GetLogger'), { currentLevel: 5, launchLevel: 5 })
    assert.deepEqual(await logger('SetLogLevel', { newLevel: 6 }), { currentLevel: 6, launchLevel: 5 })
    await assert.rejects(logger('SetLogLevel', { newLevel: 1 }), refusedWith(3, /log level 1 is not offered/))
    assert.deepEqual(await logger('ResetLogLevel'), { currentLevel: 5, launchLevel: 5 })
  })

  test('a socket that was left behind is cleared, and nothing else', async () => {
    await assert.rejects(clearSocket(join(dir, 'api.sock')), /is in use/)
    const path = join(dir, 'left.sock')
    await clearSocket(path)
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(path, resolve))
    execFileSync('cp', ['-a', path, `${path}.copy`])
    await new Promise((resolve) => left.close(resolve))
    await clearSocket(`${path}.copy`)
    assert.throws(() => statSync(`${path}.copy`))
    writeFileSync(path, '')
    await assert.rejects(clearSocket(path), /is no socket/)
    await assert.rejects(
      listenAdmin({ path: join(dir, 'none/api.sock'), uids: [] }, world.kernel, { clock: world.clock, random, timers: stillTimers }, silent),
      /can't be listened on/,
    )
    chmodSync(path, 0o600)
  })

  test('a sealed server says so', async () => {
    await world.ok('write', 'sys/seal')
    await assert.rejects(api(entries('CountEntries'), admin.CountEntriesRequest, admin.Count, {}), refusedWith(14, /sealed/))
    assert.equal((await api('grpc.health.v1.Health/Check', admin.HealthRequest, admin.HealthResponse, {})).status, 2)
  })
})
