import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { witKeyOf } from '../crypto/bundle.ts'
import { verifyWitSvid } from '../crypto/wit-svid.ts'
import * as admin from '../edge/spire/admin/messages.ts'
import * as wire from '../edge/spire/messages.ts'
import { type Api, openOperatorWorld, type OperatorWorld, refusedWith } from '../testing/operator-world.ts'

const ID = (path: string) => ({ trustDomain: 'example.org', path })
const spki = (key: ReturnType<typeof generateKeyPairSync>['publicKey']) => key.export({ format: 'der', type: 'spki' })
const publicKey = spki(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey)

describe('the SPIRE server API, of WIT-SVIDs', () => {
  let operators: OperatorWorld
  let api: Api
  before(async () => {
    operators = await openOperatorWorld()
    api = operators.api
  })
  after(() => operators.close())

  const rooms = () => operators.world.kernel.spiffe()
  const state = () => api('localauthority.v1.LocalAuthority/GetWITAuthorityState', wire.Empty, admin.AuthorityStates, {})
  const step = async (name: string, authorityId = '') => {
    const method = `localauthority.v1.LocalAuthority/${name}WITAuthority`
    return (await api(method, admin.AuthorityRequest, admin.AuthorityResponse, { authorityId })).authority?.authorityId
  }
  const mint = async (value: object) =>
    (
      await api('svid.v1.SVID/MintWITSVID', admin.MintWitRequest, admin.MintWitResponse, {
        id: ID('/mint'),
        publicKey,
        signingAlgorithm: 'ES256',
        ...value,
      })
    ).svid

  test('there are none until they are switched on', async () => {
    const off = refusedWith(12, /WIT-SVIDs are off in this trust domain/)
    await assert.rejects(mint({}), off)
    for (const one of ['Prepare', 'Activate', 'Taint', 'Revoke']) await assert.rejects(step(one, 'x'), one === 'Prepare' ? off : refusedWith(12, /./))
    await assert.rejects(state(), off)
    await operators.world.ok('write', 'spiffe/config', { wit_svids: true })
    assert.ok((await state()).active?.authorityId)
  })

  test('a tainted authority is told of with the others, and under a mask of its own', async () => {
    const first = (await state()).active?.authorityId
    const next = await step('Prepare')
    await step('Activate', next)
    await step('Taint', first)
    const bundle = (outputMask?: object) =>
      api('bundle.v1.Bundle/GetBundle', wire.GetBundleRequest, wire.BundleMessage, outputMask ? { outputMask } : {})
    const { jwtAuthorities, witAuthorities } = await bundle()
    assert.deepEqual(
      witAuthorities.map(({ keyId, tainted }) => [keyId, tainted]),
      [
        [first, true],
        [next, false],
      ],
    )
    assert.ok(jwtAuthorities.every(({ tainted }) => !tainted))
    assert.deepEqual((await bundle({ witAuthorities: false })).witAuthorities, [])
    await step('Revoke', first)
    assert.equal((await bundle({ witAuthorities: true })).witAuthorities.length, 1)
  })

  test('they are minted by name, for a public key', async () => {
    const svid = await mint({ ttl: 60 })
    assert.deepEqual([svid?.id, (svid?.expiresAt ?? 0) - (svid?.issuedAt ?? 0), svid?.hint], [ID('/mint'), 60, ''])
    const found = verifyWitSvid(
      svid?.token ?? '',
      operators.world.clock.now(),
      (_, kid) => witKeyOf(rooms()!.authorities.bundle(), kid),
      ({ key }) => key.equals(createPublicKey({ key: publicKey, format: 'der', type: 'spki' })),
    )
    assert.deepEqual([found.id, found.bound.algorithm], ['spiffe://example.org/mint', 'ES256'])
    await mint({ publicKey: spki(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey), signingAlgorithm: 'PS384' })
    for (const [value, text] of [
      [{ id: ID('') }, /^invalid SPIFFE ID: .* has no path$/],
      [{ id: ID('/spire/server') }, /^invalid SPIFFE ID: paths below \/spire are reserved$/],
      [{ id: { trustDomain: 'other.org', path: '/a' } }, /^invalid SPIFFE ID: .* is not a member of trust domain/],
      [{ publicKey: Buffer.alloc(0) }, /invalid public key/],
      [{ publicKey: Buffer.from('x') }, /invalid public key/],
      [{ publicKey: spki(generateKeyPairSync('ed25519').publicKey) }, /^invalid signing algorithm or key type: .*unsupported key type/],
      [{ signingAlgorithm: '' }, /unsupported signing algorithm for ec-p256 key/],
      [{ signingAlgorithm: 'RS256' }, /^invalid signing algorithm or key type: unsupported signing algorithm for ec-p256 key: RS256$/],
    ] as const) {
      await assert.rejects(mint(value), refusedWith(3, text))
    }
  })

  test('keys of others are published among theirs, and never among those of JWT-SVIDs', async () => {
    const append = (value: object) => api('bundle.v1.Bundle/AppendBundle', admin.AppendBundleRequest, wire.BundleMessage, value)
    const key = { keyId: 'theirs', publicKey, expiresAt: 4_000_000_000, tainted: false }
    const { jwtAuthorities, witAuthorities } = await append({ witAuthorities: [key] })
    assert.deepEqual(witAuthorities.at(-1), key)
    assert.ok(jwtAuthorities.every(({ keyId }) => keyId !== 'theirs'))
    await assert.rejects(append({ jwtAuthorities: [key] }), refusedWith(3, /another authority has the key ID "theirs"/))
    const publish = (witAuthority?: object) =>
      api('bundle.v1.Bundle/PublishWITAuthority', admin.PublishWitRequest, admin.PublishWitResponse, witAuthority ? { witAuthority } : {})
    await assert.rejects(publish(key), refusedWith(7, /authorization denied/))
    await assert.rejects(publish(), refusedWith(3, /missing WIT authority/))
  })

  test('a foreign bundle keeps the WIT keys that it came with', async () => {
    const own = await api('bundle.v1.Bundle/GetBundle', wire.GetBundleRequest, wire.BundleMessage, {})
    const bundle = [{ ...own, trustDomain: 'partner.test' }]
    await api('bundle.v1.Bundle/BatchSetFederatedBundle', admin.BatchBundleRequest, admin.BundleResults, { bundle })
    const { bundles } = await api('bundle.v1.Bundle/ListFederatedBundles', admin.ListBundlesRequest, admin.ListBundlesResponse, {})
    assert.deepEqual(
      bundles[0]?.witAuthorities?.map(({ keyId }) => keyId),
      own.witAuthorities.map(({ keyId }) => keyId),
    )
  })
})
