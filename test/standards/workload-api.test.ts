// What SPIFFE_Workload_API.md demands, statement by statement, of an agent that workloads are connected to, and of the command line as one.
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as wire from '../../src/agent/workload/messages.ts'
import { type WorkloadApiDeps, workloadServices } from '../../src/agent/workload/service.ts'
import { formatBundle } from '../../src/crypto/bundle.ts'
import { DerReader } from '../../src/crypto/der.ts'
import { Failure } from '../../src/cli/failure.ts'
import { runWith } from '../../src/testing/cli-ports.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../../src/testing/served-node.ts'
import { openTrustDomain, type TrustDomainBench } from '../../src/testing/trust-domain.ts'
import { believeWit, fetchWit, fetchWitBundles, once } from '../../src/testing/wit-client.ts'
import { STATUS } from '../../src/wire/grpc.ts'
import type { Message } from '../../src/wire/protobuf.ts'
import { b64, partsOf } from './tokens.ts'

const OWN = 'spiffe://example.org'
const OTHER = 'spiffe://other.org'
const HEADERS = { metadata: { [wire.HEADER]: 'true' } }
const at = (method: string) => `/${wire.SERVICE}/${method}`

let node: ServedNode
let other: TrustDomainBench
let entry: string
before(async () => {
  node = await openServedNode()
  other = await openTrustDomain('other.org')
  other.clock.set(node.domain.clock.now())
  await node.domain.world.ok('write', 'spiffe/bundles/other.org', { bundle: formatBundle(other.rooms.authorities.bundle()) })
})
after(() => node.close())
beforeEach(async () => {
  entry = await node.begin('/me', { hint: 'main' })
})

const listen = <I, O>(method: string, request: Message<I>, response: Message<O>) => node.client.listen(at(method), request, response, {}, HEADERS)
const x509 = () => listen('FetchX509SVID', wire.X509SvidRequest, wire.X509SvidResponse)
const x509Bundles = () => listen('FetchX509Bundles', wire.X509BundlesRequest, wire.X509BundlesResponse)
const jwtBundles = () => listen('FetchJWTBundles', wire.JwtBundlesRequest, wire.JwtBundlesResponse)
const jwt = (audience: readonly string[], spiffeId = '') =>
  node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: [...audience], spiffeId }, HEADERS)
const validate = (audience: string, svid: string) =>
  node.client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, { audience, svid }, HEADERS)

/** The first answer of a stream, which is ended then. */
async function first<T>(talk: { next(): Promise<T | undefined>; cancel(): void }): Promise<T> {
  const answer = await talk.next()
  talk.cancel()
  assert.ok(answer)
  return answer
}

const ids = ({ svids }: { svids: readonly { spiffeId?: string }[] }) =>
  svids.map(({ spiffeId = '' }) => spiffeId).toSorted((a, b) => (a < b ? -1 : 1))
const federated = (more = {}) => ({ federates_with: 'other.org', ...more })
const authorities = () => node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
const partsIn = (der: Buffer): Buffer[] => {
  const found: Buffer[] = []
  for (const reader = new DerReader(der); !reader.atEnd; ) found.push(reader.next().whole)
  return found
}

async function known(more: object, path = '/me'): Promise<void> {
  entry = await node.begin(path, more)
  await node.looking('the foreign bundle is there', () => node.running.agent.trusts.all().length > 1)
}

/** Gives this process one more identity. */
const another = async (path: string, more = {}): Promise<string> => {
  const id = await node.domain.entry(NODE, path, ME, more)
  await node.looking(`${path} is known`, () => node.running.agent.matching(new Set([ME])).some((one) => one.id === id))
  return id
}

describe('SPIFFE_Workload_API.md §1–4: the service', () => {
  test('§1: the X.509-SVID and JWT-SVID profiles are mandatory and MUST be supported', async () => {
    for (const talk of [x509(), x509Bundles(), jwtBundles()]) assert.ok(await first<unknown>(talk))
    const { svids } = await jwt(['db'])
    assert.equal((await validate('db', svids[0]?.svid ?? '')).spiffeId, `${OWN}/me`)
  })

  test('§2: the Workload API MUST NOT be extended beyond this specification', async () => {
    const standard = ['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchJWTBundles', 'ValidateJWTSVID', 'FetchWITSVID', 'FetchWITBundles']
    const services = workloadServices({} as WorkloadApiDeps)
    assert.deepEqual(Object.keys(services), ['SpiffeWorkloadAPI'])
    assert.deepEqual(
      Object.keys(services['SpiffeWorkloadAPI'] ?? {}).filter((name) => !standard.includes(name)),
      [],
    )
    await assert.rejects(first(listen('FetchEverything', wire.X509SvidRequest, wire.X509SvidResponse)), refused(STATUS.unimplemented, /./))
  })

  test('§4.3: every stream response MUST include the full set of information, and not just what has changed', async () => {
    const talk = x509()
    assert.deepEqual(ids((await talk.next()) as never), [`${OWN}/me`])
    const next = talk.next()
    await another('/more')
    const answer = await next
    assert.deepEqual(ids(answer as never), [`${OWN}/me`, `${OWN}/more`])
    assert.ok(answer?.svids.every(({ x509Svid, x509SvidKey, bundle }) => x509Svid?.length && x509SvidKey?.length && bundle?.length))
    talk.cancel()
  })

  test('§4.3: receiving a request MUST be considered a response-generating event: the first response MUST be sent without delay', async () => {
    // Time stands still: nothing but the request can have brought the answers about.
    for (const talk of [x509(), x509Bundles(), jwtBundles()]) assert.ok(await first<unknown>(talk))
  })

  test('§4.4: default values MUST be what counts now: a message says nothing of what was redacted', async () => {
    await known(federated({ hint: 'outside' }))
    const talk = x509()
    const before = await talk.next()
    assert.deepEqual([Object.keys(before?.federatedBundles ?? {}), before?.svids[0]?.hint], [[OTHER], 'outside'])
    const next = talk.next()
    await node.domain.world.ok('write', `spiffe/entries/${entry}`, { federates_with: [], hint: '' })
    await node.looking('it is known', () => node.running.agent.matching(new Set([ME])).every(({ hint }) => hint === ''))
    const after = await next
    assert.deepEqual([after?.federatedBundles, after?.svids[0]?.hint], [{}, ''])
    talk.cancel()
  })

  test('§4.4: what a client received before MUST NOT be retained after an empty value: the helper removes its files', async () => {
    await known(federated())
    const more = await another('/more')
    let told = 0
    const { code, files } = await runWith('agent helper -write=/certs -pid-file=/run/pid', {
      files: { '/run/pid': '4242\n', '/certs/federated_bundle.0.7.pem': 'from before', '/certs/notes.txt': 'mine' },
      env: { SPIFFE_ENDPOINT_SOCKET: `unix://${node.parts.socket.path}` },
      signalled: () => void (++told === 1 && redact()),
      sleep: () => Promise.reject(new Failure(1, 'enough')),
    })
    async function redact(): Promise<void> {
      await node.domain.world.ok('delete', `spiffe/entries/${more}`)
      await node.domain.world.ok('write', `spiffe/entries/${entry}`, { federates_with: [] })
      await node.looking('it is known', () => node.running.agent.matching(new Set([ME])).every(({ federatesWith }) => federatesWith.length === 0))
      await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
      await node.looked()
    }
    assert.equal(code, 1)
    assert.deepEqual(
      [...files.keys()].filter((name) => name.startsWith('/certs/')).toSorted((a, b) => (a < b ? -1 : 1)),
      ['/certs/bundle.0.pem', '/certs/crl.pem', '/certs/notes.txt', '/certs/svid.0.key', '/certs/svid.0.pem'],
    )
  })

  test('§4.5: a mandatory field with a default value SHOULD be responded to with InvalidArgument', async () => {
    for (const audience of [[], [''], ['db', '']]) await assert.rejects(jwt(audience), refused(STATUS.invalid, /audience/))
    await assert.rejects(validate('', 'token'), refused(STATUS.invalid, /audience/))
    await assert.rejects(validate('db', ''), refused(STATUS.invalid, /svid/))
  })
})

describe('SPIFFE_Workload_API.md §5: the X.509-SVID profile', () => {
  test('§5.1: in x509_svid the leaf certificate MUST come first', async () => {
    const [svid] = (await first(x509())).svids
    const [leaf, ...above] = partsIn(svid?.x509Svid as Buffer).map((der) => new X509Certificate(der))
    assert.equal(leaf?.subjectAltName, `URI:${OWN}/me`)
    assert.equal(svid?.spiffeId, `${OWN}/me`)
    assert.ok(above.every(({ ca }) => ca))
  })

  test('§5.1: the PKCS#8 private key MUST be unencrypted', async () => {
    const [svid] = (await first(x509())).svids
    const key = createPrivateKey({ key: svid?.x509SvidKey as Buffer, format: 'der', type: 'pkcs8' })
    assert.ok(new X509Certificate(partsIn(svid?.x509Svid as Buffer)[0] as Buffer).checkPrivateKey(key))
  })

  test('§5.2.1: svids MUST contain one or more messages, one for each identity granted', async () => {
    await another('/two')
    assert.deepEqual(ids(await first(x509())), [`${OWN}/me`, `${OWN}/two`])
    for (const id of node.running.agent.matching(new Set([ME]))) await node.domain.world.ok('delete', `spiffe/entries/${id.id}`)
    await node.looked()
    await assert.rejects(first(x509()), refused(STATUS.denied, 'no identity issued'))
  })

  test('§5.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    node.domain.clock.advance(1_000)
    await another('/twin', { hint: 'main' })
    await another('/side', { hint: 'side' })
    assert.deepEqual(ids(await first(x509())), [`${OWN}/me`, `${OWN}/side`])
  })

  test('§5.2.1, §5.2.2: bundles MUST only be used to authenticate X509-SVIDs: nothing else is in them', async () => {
    await known(federated())
    const { svids, federatedBundles } = await first(x509())
    const { bundles } = await first(x509Bundles())
    const own = Buffer.concat([...authorities()])
    const foreign = Buffer.concat([...other.rooms.authorities.bundle().x509Authorities])
    assert.deepEqual(svids[0]?.bundle, own)
    assert.deepEqual(federatedBundles, { [OTHER]: foreign })
    assert.deepEqual(bundles, { [OWN]: own, [OTHER]: foreign })
  })

  test('§5.2.2: bundles MUST contain at least the bundle of the trust domain of the server', async () => {
    assert.deepEqual((await first(x509Bundles())).bundles, { [OWN]: Buffer.concat([...authorities()]) })
  })
})

describe('SPIFFE_Workload_API.md §6: the JWT-SVID profile', () => {
  const keysIn = (jwks: Buffer | undefined) => JSON.parse(String(jwks)).keys as { kid: string; use?: string; x5c?: unknown }[]

  test('§6.2.1: audience MUST contain the value to embed in the audience claim', async () => {
    const { svids } = await jwt(['db', 'cache'])
    assert.deepEqual(partsOf(svids[0]?.svid ?? '').claims.aud.sort(), ['cache', 'db'])
  })

  test('§6.2.1: if spiffe_id is unspecified, the server MUST return JWT-SVIDs for all identities', async () => {
    await another('/two')
    assert.deepEqual(ids(await jwt(['db'])), [`${OWN}/me`, `${OWN}/two`])
    assert.deepEqual(ids(await jwt(['db'], `${OWN}/two`)), [`${OWN}/two`])
    await assert.rejects(jwt(['db'], `${OWN}/three`), refused(STATUS.denied, 'no identity issued'))
    await assert.rejects(jwt(['db'], 'two'), refused(STATUS.invalid, /./))
  })

  test('§6.2.1: svids MUST contain one or more messages', async () => {
    assert.equal(partsOf((await jwt(['db'])).svids[0]?.svid ?? '').claims.sub, `${OWN}/me`)
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
    await node.looked()
    await assert.rejects(jwt(['db']), refused(STATUS.denied, 'no identity issued'))
  })

  test('§6.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    node.domain.clock.advance(1_000)
    await another('/twin', { hint: 'main' })
    assert.deepEqual(ids(await jwt(['db'])), [`${OWN}/me`])
  })

  test('§6.2.2: bundles MUST contain at least the JWT bundle of the trust domain of the server', async () => {
    const own = node.domain.world.kernel.spiffe()?.authorities.bundle().jwtAuthorities ?? []
    const { bundles } = await first(jwtBundles())
    assert.deepEqual(
      keysIn(bundles[OWN]).map(({ kid }) => kid),
      own.map(({ keyId }) => keyId),
    )
  })

  test('§6.2.2: the server MUST NOT include keys with other uses', async () => {
    await known(federated())
    const { bundles } = await first(jwtBundles())
    assert.deepEqual(
      Object.keys(bundles).toSorted((a, b) => (a < b ? -1 : 1)),
      [OWN, OTHER],
    )
    for (const key of Object.values(bundles).flatMap(keysIn)) {
      assert.ok(key.kid)
      assert.ok(key.use === undefined || key.use === 'jwt-svid')
      assert.equal(key.x5c, undefined)
    }
  })

  test('§6.2.3: the server MUST parse and validate the JWT-SVID according to the rules of its specification', async () => {
    const { svid = '' } = (await jwt(['db'])).svids[0] ?? {}
    const { spiffeId, claims } = await validate('db', svid)
    assert.equal(spiffeId, `${OWN}/me`)
    assert.deepEqual([claims?.['sub'], claims?.['aud']], [`${OWN}/me`, ['db']])
    assert.ok(Number(claims?.['exp']) * 1000 > node.domain.clock.now())
    const [header = '', payload = '', signature = ''] = svid.split('.')
    const unsigned = `${b64({ ...partsOf(svid).header, alg: 'none' })}.${payload}.`
    for (const wrong of ['token', `${header}.${payload}`, unsigned, `${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`]) {
      await assert.rejects(validate('db', wrong), refused(STATUS.invalid, /./), wrong)
    }
    await assert.rejects(validate('cache', svid), refused(STATUS.invalid, /audience/))
  })

  test('§6.3: the validator MUST use the bundle corresponding to the trust domain of the subject', async () => {
    const foreign = async () => (await other.ask('write', 'svid/jwt', { spiffe_id: `${OTHER}/web`, audience: ['db'] })).data.svid as string
    await assert.rejects(validate('db', await foreign()), refused(STATUS.invalid, /./))
    await known(federated())
    assert.equal((await validate('db', await foreign())).spiffeId, `${OTHER}/web`)
    const [, payload] = (await jwt(['db'])).svids[0]?.svid?.split('.') ?? []
    const [header, , signature] = (await foreign()).split('.')
    await assert.rejects(validate('db', [header, payload, signature].join('.')), refused(STATUS.invalid, /./)) // a name of ours, a key of theirs
  })
})

describe('SPIFFE_Workload_API.md §7: the WIT-SVID profile', () => {
  test('§7: where it is not supported, calls to all its RPCs MUST return Unimplemented', async () => {
    for (const talk of [fetchWit(node.client), fetchWitBundles(node.client)]) await assert.rejects(talk.next(), refused(STATUS.unimplemented, /./))
  })

  describe('in a trust domain that has it', () => {
    const own = () => node.domain.world.kernel.spiffe()?.authorities.bundle()
    before(async () => {
      await node.domain.world.ok('write', 'spiffe/config', { wit_svids: true })
      await other.ask('write', 'config', { wit_svids: true })
      await node.domain.world.ok('write', 'spiffe/bundles/other.org', { bundle: formatBundle(other.rooms.authorities.bundle()) })
      await node.looking('it is known', () => (node.running.agent.trusts.own()?.bundle.witAuthorities.length ?? 0) > 0)
    })
    after(() => node.domain.world.ok('write', 'spiffe/config', { wit_svids: false }))

    test('§7.2.1: if spiffe_id is unspecified, the server MUST return WIT-SVIDs for all identities', async () => {
      await another('/two')
      assert.deepEqual(ids(await once(fetchWit(node.client))), [`${OWN}/me`, `${OWN}/two`])
      assert.deepEqual(ids(await once(fetchWit(node.client, `${OWN}/two`))), [`${OWN}/two`])
      await assert.rejects(fetchWit(node.client, `${OWN}/three`).next(), refused(STATUS.denied, 'no identity issued'))
    })

    test('§7.2.1: svids MUST contain one or more messages, one for each identity granted', async () => {
      const { svids } = await once(fetchWit(node.client))
      assert.equal(svids.length, 1)
      assert.equal(believeWit(svids[0] ?? {}, own(), node.domain.clock.now()).id, `${OWN}/me`)
      await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
      await node.looked()
      await assert.rejects(fetchWit(node.client).next(), refused(STATUS.denied, 'no identity issued'))
    })

    test('§7.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
      node.domain.clock.advance(1_000)
      await another('/twin', { hint: 'main' })
      assert.deepEqual(ids(await once(fetchWit(node.client))), [`${OWN}/me`])
    })

    test('§7.2.2: bundles MUST only be used to authenticate WIT-SVIDs: nothing else is in them, and each key has its kid', async () => {
      await known(federated())
      await node.looking('it is the one with such keys', () =>
        node.running.agent.trusts.all().every(({ bundle }) => bundle.witAuthorities.length > 0),
      )
      const { bundles } = await once(fetchWitBundles(node.client))
      const kids = (bundle: string | undefined) => JSON.parse(bundle ?? '').keys.map(({ kid }: { kid: string }) => kid)
      assert.deepEqual(
        Object.keys(bundles).toSorted((a, b) => (a < b ? -1 : 1)),
        [OWN, OTHER],
      )
      assert.deepEqual(
        kids(bundles[OWN]),
        own()?.witAuthorities.map(({ keyId }) => keyId),
      )
      assert.deepEqual(
        kids(bundles[OTHER]),
        other.rooms.authorities.bundle().witAuthorities.map(({ keyId }) => keyId),
      )
    })

    test('§7.2.2: bundles MUST contain at least the trust bundle of the trust domain of the server', async () => {
      assert.deepEqual(Object.keys((await once(fetchWitBundles(node.client))).bundles), [OWN])
    })
  })
})

describe('SPIFFE_Workload_API.md §8: the default identity', () => {
  test('it is the first in the list, and the same each time', async () => {
    const one = await another('/zz')
    const order = async () => (await first(x509())).svids.map(({ spiffeId }) => spiffeId)
    const before = await order()
    assert.equal(before[0], one < entry ? `${OWN}/zz` : `${OWN}/me`)
    for (let again = 0; again < 3; again++) assert.deepEqual(await order(), before)
  })

  test('implementations SHOULD NOT support hints of more than 1024 bytes', async () => {
    const hinted = (hint: string) =>
      node.domain.world.call('write', 'spiffe/entries', { spiffe_id: `${OWN}/h`, parent_id: NODE, selectors: 'unix:uid:4242', hint })
    assert.equal((await hinted('é'.repeat(513))).status, 400)
    assert.equal((await hinted('é'.repeat(512))).status, 200)
  })
})
