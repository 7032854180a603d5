import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as sds from '../agent/sds/messages.ts'
import * as wire from '../agent/workload/messages.ts'
import { formatBundle } from '../crypto/bundle.ts'
import { fromPem } from '../crypto/certificate.ts'
import { openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { openWorld, type World } from '../testing/world.ts'
import { STATUS } from '../wire/grpc.ts'

const HEADERS = { metadata: { 'workload.spiffe.io': 'true' } }
const at = (method: string) => `/${wire.SERVICE}/${method}`
const PARTNER = 'spiffe://partner.test'

describe('a workload that federates', () => {
  let node: ServedNode
  let partner: World
  before(async () => {
    node = await openServedNode({ foreignClaims: ['iat'] })
    partner = await openWorld()
    partner.clock.set(node.domain.clock.now())
    await partner.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
    await partner.ok('write', 'spiffe/config', { trust_domain: 'partner.test' })
    await share()
    await node.begin('/me', { federates_with: 'partner.test' })
  })
  after(async () => {
    await partner.close()
    await node.close()
  })

  const bundle = () => partner.kernel.spiffe()?.authorities.bundle()
  async function share(): Promise<void> {
    const now = bundle()
    if (now) await node.domain.world.ok('write', 'spiffe/bundles/partner.test', { bundle: formatBundle(now) })
  }

  const validate = async (audience: string, spiffeId: string) => {
    const { svid } = (await partner.ok('write', 'spiffe/svid/jwt', { spiffe_id: spiffeId, audience: ['db'] })).data
    return node.client.ask(at('ValidateJWTSVID'), wire.ValidateRequest, wire.ValidateResponse, { audience, svid }, HEADERS)
  }

  test('gets the foreign bundle beside its own, in every form', async () => {
    const x509 = node.client.converse(at('FetchX509SVID'), wire.X509SvidRequest, wire.X509SvidResponse, HEADERS)
    x509.send({})
    assert.deepEqual((await x509.next())?.federatedBundles, { [PARTNER]: Buffer.concat([...(bundle()?.x509Authorities ?? [])]) })
    const jwt = node.client.converse(at('FetchJWTBundles'), wire.JwtBundlesRequest, wire.JwtBundlesResponse, HEADERS)
    jwt.send({})
    assert.deepEqual(Object.keys((await jwt.next())?.bundles ?? {}).sort(), ['spiffe://example.org', PARTNER])
    for (const talk of [x509, jwt]) talk.cancel()
  })

  test('believes foreign tokens, of whose claims it hears the allowed ones', async () => {
    const { spiffeId, claims } = await validate('db', `${PARTNER}/web`)
    assert.equal(spiffeId, `${PARTNER}/web`)
    assert.deepEqual(Object.keys(claims ?? {}).sort(), ['aud', 'exp', 'iat', 'sub'])
  })

  test('a proxy checks each trust domain by its own authorities', async () => {
    const ask = (resourceNames: string[], more = {}) =>
      node.client.ask(`/${sds.SERVICE}/FetchSecrets`, sds.DiscoveryRequest, sds.DiscoveryResponse, { resourceNames, ...more })
    const { resources } = await ask(['ALL', PARTNER])
    const domains = resources.map(({ value }) => {
      const { validationContext } = sds.Secret.decode(value ?? Buffer.alloc(0))
      const { trustDomains } = sds.SpiffeValidator.decode(validationContext?.customValidatorConfig?.typedConfig?.value ?? Buffer.alloc(0))
      return trustDomains.map((one) => [one.name, fromPem(String(one.trustBundle?.inlineBytes)).length])
    })
    assert.deepEqual(domains, [
      [
        ['example.org', 1],
        ['partner.test', 1],
      ],
      [['partner.test', 1]],
    ])
    const plain = { node: { metadata: { disable_spiffe_cert_validation: true } } }
    await assert.rejects(ask(['ALL'], plain), refused(STATUS.precondition, /need a proxy with the SPIFFE certificate validator/))
  })

  test('hears of a foreign authority that is new', async () => {
    const talk = node.client.converse(at('FetchX509Bundles'), wire.X509BundlesRequest, wire.X509BundlesResponse, HEADERS)
    talk.send({})
    await talk.next()
    await partner.ok('write', 'spiffe/authorities/x509/prepare')
    await share()
    let heard: Record<string, Buffer> | undefined
    void talk.next().then((value) => (heard = value?.bundles))
    await node.looking('it comes', () => heard !== undefined)
    assert.deepEqual(heard?.[PARTNER], Buffer.concat([...(bundle()?.x509Authorities ?? [])]))
    talk.cancel()
  })

  test('without an entry that says so, no foreign token is believed', async () => {
    await node.begin('/me')
    await assert.rejects(validate('db', `${PARTNER}/web`), refused(STATUS.invalid, /no JWT authority .* found for trust domain "partner.test"/))
  })
})
