import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as wire from '../agent/sds/messages.ts'
import { fromPem, toPem } from '../crypto/certificate.ts'
import { ME, NODE, openServedNode, refused, type ServedNode } from '../testing/served-node.ts'
import { STATUS } from '../wire/grpc.ts'
import type { Conversation } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'
import { systemRoots } from './system-roots.ts'

const at = (method: string) => `/${wire.SERVICE}/${method}`
const HOME = 'spiffe://example.org'
const ID = 'spiffe://example.org/proxy'

type Secret = Of<typeof wire.Secret>
type Request = Partial<Of<typeof wire.DiscoveryRequest>>

describe('secret discovery', () => {
  let node: ServedNode
  let entry: string
  before(async () => {
    node = await openServedNode()
  })
  after(() => node.close())
  beforeEach(async () => {
    entry = await node.begin('/proxy')
  })

  const secretsIn = ({ resources }: { resources: { typeUrl?: string; value?: Buffer }[] }): Secret[] =>
    resources.map(({ typeUrl, value }) => {
      assert.equal(typeUrl, wire.SECRET_TYPE)
      return wire.Secret.decode(value ?? Buffer.alloc(0))
    })
  const fetch = async (resourceNames: string[], more: Request = {}) =>
    secretsIn(await node.client.ask(at('FetchSecrets'), wire.DiscoveryRequest, wire.DiscoveryResponse, { resourceNames, ...more }))
  const names = (secrets: readonly Secret[]) => secrets.map(({ name }) => name).sort()

  /** Trust domains with their certificates, of a context for Envoy's SPIFFE validator. */
  function domainsOf({ validationContext }: Secret): Record<string, number> {
    const { name, typedConfig } = validationContext?.customValidatorConfig ?? {}
    assert.deepEqual([name, typedConfig?.typeUrl], [wire.VALIDATOR, wire.VALIDATOR_TYPE])
    const { trustDomains } = wire.SpiffeValidator.decode(typedConfig?.value ?? Buffer.alloc(0))
    return Object.fromEntries(trustDomains.map((one) => [one.name, fromPem(String(one.trustBundle?.inlineBytes)).length]))
  }

  test('a certificate with its key, by the default name or the identity', async () => {
    const [byName, byId] = [...(await fetch(['default'])), ...(await fetch([ID]))]
    assert.deepEqual([byName?.name, byId?.name], ['default', ID])
    const chain = String(byName?.tlsCertificate?.certificateChain?.inlineBytes)
    const leaf = new X509Certificate(chain)
    assert.equal(leaf.subjectAltName, `URI:${ID}`)
    assert.ok(leaf.checkPrivateKey(createPrivateKey(String(byName?.tlsCertificate?.privateKey?.inlineBytes))))
    assert.deepEqual(byId?.tlsCertificate, byName?.tlsCertificate)
  })

  test('bundles, by default names and by trust domain', async () => {
    for (const name of ['ROOTCA', 'ALL', HOME]) {
      const [secret] = await fetch([name])
      assert.equal(secret?.name, name)
      assert.deepEqual(domainsOf(secret as Secret), { 'example.org': 1 })
    }
  })

  test('many names in one request, and all where none is named', async () => {
    assert.deepEqual(names(await fetch(['ROOTCA', 'ALL', 'default', ID, HOME])), ['ALL', 'ROOTCA', 'default', HOME, ID])
    assert.deepEqual(names(await fetch([])), [HOME, ID])
    assert.deepEqual(names(await fetch([''])), [HOME, ID])
  })

  test('plain lists for proxies that cannot do better', async () => {
    const old = { userAgentBuildVersion: { version: { majorNumber: 1, minorNumber: 17 } } }
    const asking = { metadata: { disable_spiffe_cert_validation: true } }
    for (const given of [old, asking]) {
      const [secret] = await fetch(['ROOTCA'], { node: given })
      const authorities = node.domain.world.kernel.spiffe()?.authorities.bundle().x509Authorities ?? []
      assert.equal(String(secret?.validationContext?.trustedCa?.inlineBytes), toPem(authorities))
    }
    const modern = { buildVersion: { version: { major: 1, minor: 30 } }, metadata: { disable_spiffe_cert_validation: 'false' } }
    domainsOf((await fetch(['ROOTCA'], { node: modern }))[0] as Secret)
  })

  test("the system's authorities, as Istio's proxies ask for them", async (t) => {
    const roots = systemRoots()
    if (!roots) return t.diagnostic('this machine has none')
    const [secret] = await fetch(['file-root:system'])
    assert.ok(secret?.validationContext?.trustedCa?.inlineBytes?.equals(roots))
  })

  test('what is not there is refused', async () => {
    await assert.rejects(
      fetch(['default', `${HOME}/stranger`, 'nothing']),
      refused(STATUS.invalid, `workload is not authorized for the requested identities ["nothing" "${HOME}/stranger"]`),
    )
    await assert.rejects(
      fetch(['default'], { typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' }),
      refused(STATUS.invalid, /no resources of type/),
    )
    await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
    await node.looked()
    await assert.rejects(fetch(['ROOTCA']), refused(STATUS.denied, 'no identity issued'))
  })

  describe('as a stream', () => {
    type Talk = Conversation<Of<typeof wire.DiscoveryRequest>, Of<typeof wire.DiscoveryResponse>>
    async function opened(resourceNames: string[]): Promise<{ talk: Talk; first: Of<typeof wire.DiscoveryResponse> }> {
      const talk = node.client.converse(at('StreamSecrets'), wire.DiscoveryRequest, wire.DiscoveryResponse)
      talk.send({ resourceNames, typeUrl: wire.SECRET_TYPE })
      return { talk, first: (await talk.next()) as Of<typeof wire.DiscoveryResponse> }
    }

    test('what is renewed is sent, under a new version', async () => {
      const { talk, first } = await opened(['default'])
      assert.deepEqual([first.versionInfo, first.typeUrl, first.nonce.length], ['1', wire.SECRET_TYPE, 16])
      talk.send({ resourceNames: ['default'], versionInfo: '1', responseNonce: first.nonce })
      const news = talk.next()
      await node.domain.world.ok('write', `spiffe/entries/${entry}`, { dns_names: 'proxy.example.org' })
      let heard: Of<typeof wire.DiscoveryResponse> | undefined
      void news.then((value) => (heard = value))
      await node.looking('it hears of it', () => heard !== undefined)
      assert.equal(heard?.versionInfo, '2')
      const leaf = new X509Certificate(String(secretsIn(heard as never)[0]?.tlsCertificate?.certificateChain?.inlineBytes))
      assert.match(leaf.subjectAltName ?? '', /proxy\.example\.org/)
      talk.cancel()
    })

    test('other names are answered, stale words are not', async () => {
      const { talk, first } = await opened(['default'])
      talk.send({ resourceNames: ['nothing'], versionInfo: '1', responseNonce: 'stale' })
      talk.send({ resourceNames: ['default'], versionInfo: '0', responseNonce: first.nonce, errorDetail: { code: 13, message: 'no' } })
      talk.send({ resourceNames: ['ROOTCA', 'default'], versionInfo: '1', responseNonce: first.nonce })
      const second = await talk.next()
      assert.deepEqual([second?.versionInfo, names(secretsIn(second as never))], ['2', ['ROOTCA', 'default']])
      talk.send({ resourceNames: ['nothing'], responseNonce: second?.nonce ?? '' })
      await assert.rejects(talk.next(), refused(STATUS.invalid, /not authorized for the requested identities \["nothing"\]/))
    })

    test('who loses its identity is told', async () => {
      const { talk } = await opened(['default'])
      await node.domain.world.ok('delete', `spiffe/entries/${entry}`)
      await Promise.all([assert.rejects(talk.next(), refused(STATUS.denied, 'no identity issued')), node.looked()])
    })
  })

  describe('by what changed', () => {
    const open = () => node.client.converse(at('DeltaSecrets'), wire.DeltaRequest, wire.DeltaResponse)
    const heard = (response: Of<typeof wire.DeltaResponse> | undefined) => response?.resources.map(({ name }) => name).sort()

    test('only what is new is sent, and what is gone is named', async () => {
      const talk = open()
      talk.send({ resourceNamesSubscribe: ['default', 'nothing'], typeUrl: wire.SECRET_TYPE })
      const first = await talk.next()
      assert.deepEqual([heard(first), first?.removedResources], [['default'], ['nothing']])
      talk.send({ resourceNamesSubscribe: ['ROOTCA'], responseNonce: first?.nonce ?? '' })
      const second = await talk.next()
      assert.deepEqual([heard(second), second?.removedResources], [['ROOTCA'], []])
      talk.cancel()
    })

    test('what a proxy has from before is not sent again', async () => {
      const talk = open()
      talk.send({ resourceNamesSubscribe: ['default', 'ROOTCA'] })
      const first = await talk.next()
      talk.cancel()
      const version = first?.resources.find(({ name }) => name === 'default')?.version ?? ''
      const again = open()
      again.send({ resourceNamesSubscribe: ['default', 'ROOTCA'], initialResourceVersions: { default: version } })
      assert.deepEqual(heard(await again.next()), ['ROOTCA'])
      again.cancel()
    })

    test('everything, where nothing is named', async () => {
      const talk = open()
      talk.send({ typeUrl: wire.SECRET_TYPE })
      assert.deepEqual(heard(await talk.next()), [HOME, ID])
      const more = await node.domain.entry(NODE, '/second', ME)
      const news = talk.next()
      await node.looked(entry, more)
      assert.deepEqual(heard(await news), [`${HOME}/second`])
      talk.cancel()
    })
  })
})
