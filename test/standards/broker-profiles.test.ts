// What SPIFFE_Broker_API.md demands of the X.509-SVID and the JWT-SVID profile (§5, §6), statement by statement, of an agent that serves brokers.
import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { DerReader } from '../../src/crypto/der.ts'
import { fetchJwt, first, pidReference, STREAMS, subscribe } from '../../src/testing/broker-node.ts'
import { STATUS } from '../../src/wire/grpc.ts'
import { ABSENT, answers, broker, gone, here, ids, NOBODY, notEntitled, notFound, OWN, x509 } from './broker-rig.ts'

describe('SPIFFE_Broker_API.md §5: the X.509-SVID profile', () => {
  test('§5.1: in x509_svid the leaf certificate MUST come first', async () => {
    const { pid } = await here.workload('/leaf')
    const [svid] = (await x509(pidReference(pid))).svids
    const leaf = new X509Certificate(new DerReader(svid?.x509Svid as Buffer).next().whole)
    assert.equal(leaf.subjectAltName, `URI:${OWN}/leaf`)
    assert.equal(svid?.spiffeId, `${OWN}/leaf`)
  })

  test('§5.1: the PKCS#8 private key MUST be unencrypted', async () => {
    const { pid } = await here.workload('/key')
    const [svid] = (await x509(pidReference(pid))).svids
    const key = createPrivateKey({ key: svid?.x509SvidKey as Buffer, format: 'der', type: 'pkcs8' })
    assert.ok(new X509Certificate(new DerReader(svid?.x509Svid as Buffer).next().whole).checkPrivateKey(key))
  })

  test('§5.2.1: svids MUST contain one or more messages, one for each identity', async () => {
    const { pid } = await here.workload('/one')
    await here.another(pid, '/two')
    assert.deepEqual(ids(await x509(pidReference(pid))), [`${OWN}/one`, `${OWN}/two`])
  })

  test('§5.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    const { pid } = await here.workload('/hinted', { hint: 'main' })
    await here.another(pid, '/again', { hint: 'main' })
    assert.equal((await x509(pidReference(pid))).svids.length, 1)
  })

  test('§5.2.1: without a workload, or without X509-SVIDs for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(x509(pidReference(ABSENT)), notFound)
    await assert.rejects(x509(pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToX509SVID')
  })

  test('§5.2.2: bundles MUST contain at least the bundle of the trust domain of the server', async () => {
    const { pid } = await here.workload('/verifier')
    const own = here.node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
    assert.deepEqual((await first(broker, 'SubscribeToX509Bundles', pidReference(pid))).bundles, { [OWN]: Buffer.concat([...own]) })
  })

  test('§5.2.2: without a workload, or without X.509 bundles for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(first(broker, 'SubscribeToX509Bundles', pidReference(ABSENT)), notFound)
    await assert.rejects(first(broker, 'SubscribeToX509Bundles', pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToX509Bundles')
  })

  test('§5.2.2: what is held of other workloads MUST NOT be affected', async () => {
    await sparing('SubscribeToX509Bundles')
    await sparing('SubscribeToX509SVID')
  })
})

describe('SPIFFE_Broker_API.md §6: the JWT-SVID profile', () => {
  const claimsOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

  test('§6.2.1: audience MUST contain the values to embed in the audience claim', async () => {
    const { pid } = await here.workload('/audience')
    const { svids } = await fetchJwt(broker, pidReference(pid), ['db', 'cache'])
    assert.deepEqual(claimsOf(svids[0]?.svid).aud.sort(), ['cache', 'db'])
    await assert.rejects(fetchJwt(broker, pidReference(pid), []), answers(STATUS.invalid))
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db', '']), answers(STATUS.invalid))
  })

  test('§6.2.1: if spiffe_id is unspecified, the server MUST return JWT-SVIDs for all identities of the workload', async () => {
    const { pid } = await here.workload('/a')
    await here.another(pid, '/b')
    assert.deepEqual(ids(await fetchJwt(broker, pidReference(pid))), [`${OWN}/a`, `${OWN}/b`])
    assert.deepEqual(ids(await fetchJwt(broker, pidReference(pid), ['db'], `${OWN}/b`)), [`${OWN}/b`])
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db'], 'b'), answers(STATUS.invalid))
  })

  test('§6.2.1: svids MUST contain one or more messages', async () => {
    const { pid } = await here.workload('/some')
    const { svids } = await fetchJwt(broker, pidReference(pid))
    assert.equal(claimsOf(svids[0]?.svid).sub, `${OWN}/some`)
    await assert.rejects(fetchJwt(broker, pidReference(pid), ['db'], `${OWN}/nobody`), notEntitled)
  })

  test('§6.2.1: servers MUST ensure that a hint is unique amongst the SVIDs', async () => {
    const { pid } = await here.workload('/spoken', { hint: 'main' })
    await here.another(pid, '/echo', { hint: 'main' })
    assert.equal((await fetchJwt(broker, pidReference(pid))).svids.length, 1)
  })

  test('§6.2.1: without a workload, or without JWT-SVIDs for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(fetchJwt(broker, pidReference(ABSENT)), notFound)
    await assert.rejects(fetchJwt(broker, pidReference(NOBODY)), notEntitled)
  })

  test('§6.2.2: bundles MUST contain at least the JWT bundle of the trust domain of the server', async () => {
    const { pid } = await here.workload('/reader')
    const { bundles } = await first(broker, 'SubscribeToJWTBundles', pidReference(pid))
    const own = here.node.domain.world.kernel.spiffe()?.authorities.bundle().jwtAuthorities ?? []
    assert.deepEqual(
      JSON.parse(String(bundles[OWN])).keys.map(({ kid }: { kid: string }) => kid),
      own.map(({ keyId }) => keyId),
    )
  })

  test('§6.2.2: the server MUST NOT include keys with other uses', async () => {
    const { pid } = await here.workload('/uses')
    const { bundles } = await first(broker, 'SubscribeToJWTBundles', pidReference(pid))
    for (const key of JSON.parse(String(bundles[OWN])).keys) {
      assert.ok(key.kid)
      assert.ok(key.use === undefined || key.use === 'jwt-svid')
      assert.equal(key.x5c, undefined)
    }
  })

  test('§6.2.2: without a workload, or without JWT bundles for it, the server MUST respond with the code of §4.8', async () => {
    await assert.rejects(first(broker, 'SubscribeToJWTBundles', pidReference(ABSENT)), notFound)
    await assert.rejects(first(broker, 'SubscribeToJWTBundles', pidReference(NOBODY)), notEntitled)
    await losing('SubscribeToJWTBundles')
  })

  test('§6.2.2: what is held of other workloads MUST NOT be affected', () => sparing('SubscribeToJWTBundles'))
})

/** A stream to a workload whose last entry goes ends with the code of one that never had any. */
async function losing(method: keyof typeof STREAMS): Promise<void> {
  const { pid, entry } = await here.workload('/losing')
  const talk = subscribe(broker, method, pidReference(pid))
  await talk.next()
  const next = assert.rejects(talk.next(), notEntitled)
  await gone(pid, entry)
  await next
}

/** … and that of another goes on. */
async function sparing(method: keyof typeof STREAMS): Promise<void> {
  const spared = await here.workload('/spared')
  const talk = subscribe(broker, method, pidReference(spared.pid))
  await talk.next()
  let over = false
  const next = talk.next().then(
    () => {},
    () => (over = true),
  )
  await losing(method)
  assert.equal(over, false)
  talk.cancel()
  await next
}
