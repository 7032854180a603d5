import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { x509pop } from '../agent/node/x509pop.ts'
import { toPem } from '../crypto/certificate.ts'
import { agentOf, memoryDrawer, openTrustDomain, type TrustDomainWorld } from '../testing/agent-domain.ts'
import { testAuthority, testCertificate } from '../testing/certificates.ts'
import { until } from '../testing/until.ts'
import { readText } from './agent-files.ts'
import { NODE_ATTESTORS } from './agent-nodes.ts'
import { nodeAttestation } from './agent-attestors.ts'
import { parseAgentConfig } from './config/agent.ts'
import { parseSource } from './config/read.ts'

const year = { notBefore: 0, notAfter: Date.now() + 3e10 }

describe('an agent that proves its node by a certificate', () => {
  let domain: TrustDomainWorld
  before(async () => {
    domain = await openTrustDomain()
  })
  after(() => domain.close())

  test('attests again for each new identity, and serves the entries of those that its selectors describe', async () => {
    const root = testAuthority('factory', year)
    const node = testCertificate('node-1', { issuer: root, ...year })
    const at = (name: string) => join(domain.folder, name)
    mkdirSync(domain.folder, { recursive: true })
    writeFileSync(at('node.pem'), toPem([node.der]))
    writeFileSync(at('node.key'), node.key.key.export({ format: 'pem', type: 'pkcs8' }))
    await domain.world.ok('write', 'spiffe/attestors/x509pop', { ca_bundle: toPem([root.der]) })
    await domain.entry('spiffe://example.org/spire/server', '/racks/a', 'x509pop:subject:cn:node-1')
    await domain.entry('spiffe://example.org/racks/a', '/web', 'unix:uid:7')

    const random = { bytes: (size: number) => Buffer.alloc(size, 7) }
    const attestation = x509pop({ random, readText }, { key: at('node.key'), certificate: at('node.pem'), intermediates: '' })
    const { agent, looking } = agentOf(domain, await domain.settings({ attestation }), memoryDrawer())
    await until('it is ready', () => agent.ready())
    assert.deepEqual(
      agent.matching(new Set(['unix:uid:7'])).map(({ spiffeId }) => spiffeId),
      ['spiffe://example.org/web'],
    )
    const serial = async () => {
      const { keys, key_info: info } = (await domain.world.ok('list', 'spiffe/agents')).data
      return info[keys[0]].x509svid_serial_number
    }
    const before = await serial()
    let now = before
    domain.clock.advance(7 * 3_600_000)
    await looking('it has a new identity', () => {
      void serial().then((found) => (now = found))
      return now !== before
    })
    assert.equal((await domain.world.ok('list', 'spiffe/agents')).data.keys.length, 1)
    await agent.stop()
  })
})

describe('node_attestor in the configuration', () => {
  const REST = 'trust_domain = "example.org"\nserver_addresses = ["a:1"]\ninsecure_bootstrap = "insecure"\nworkload_attestor "unix" {}\n'
  const block = (text: string) => parseAgentConfig([parseSource('agent.hcl', REST + text)], () => {}).nodeAttestor
  for (const [kind, keys] of [
    ['join_token', 'token = "x"'],
    ['x509pop', 'private_key_path = "a" certificate_path = "b"'],
    ['sshpop', ''],
    ['http_challenge', ''],
    ['k8s_psat', 'cluster = "a"'],
    ['aws_iid', ''],
    ['azure_imds', ''],
    ['gcp_iit', ''],
    ['tpm_devid', 'devid_cert_path = "a" devid_pub_path = "b" devid_priv_path = "c"'],
  ] as const) {
    test(`"${kind}" names the attestation of that name`, () => {
      assert.equal(NODE_ATTESTORS[kind]?.open(block(`node_attestor "${kind}" { ${keys} }`)).type, kind)
    })
  }

  test('is refused where something is missing or unknown', () => {
    assert.throws(() => nodeAttestation(block('node_attestor "x509pop" { certificate_path = "a" }')), /private_key_path/)
    assert.throws(() => nodeAttestation(block('node_attestor "sshpop" { host_key = "a" }')), /host_key/)
    assert.throws(() => nodeAttestation(block('node_attestor "azure_msi" {}')), /is not offered; there are join_token, x509pop/)
  })
})
