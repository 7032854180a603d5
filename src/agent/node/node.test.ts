import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openDoor } from '../../app/agent-door.ts'
import { sendOutbound } from '../../app/outbound.ts'
import { httpChallenge as httpAttestor } from '../../attest/node/http-challenge.ts'
import { sshpop as sshAttestor } from '../../attest/node/sshpop.ts'
import { x509pop as x509Attestor } from '../../attest/node/x509pop.ts'
import { Fault } from '../../base/fault.ts'
import type { OutboundRequest } from '../../base/outbound.ts'
import { toPem } from '../../crypto/certificate.ts'
import { attestNode } from '../../testing/attestation.ts'
import { testAuthority, testCertificate } from '../../testing/certificates.ts'
import { awsIid, azureImds, gcpIit, k8sPsat } from './clouds.ts'
import { httpChallenge } from './http-challenge.ts'
import { sshpop } from './sshpop.ts'
import { x509pop } from './x509pop.ts'

describe('the agent proves its node', () => {
  let dir: string
  const at = (name: string) => join(dir, name)
  const ports = { random: { bytes: randomBytes }, readText: (path: string) => readFileSync(path, 'utf8') }
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-node-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  for (const type of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    test(`by a certificate for a key of kind ${type}, with what lies between`, async () => {
      const root = testAuthority('root')
      const middle = testAuthority('middle', { issuer: root })
      const leaf = testCertificate('node', { issuer: middle, type })
      writeFileSync(at('leaf.pem'), toPem([leaf.der]))
      writeFileSync(at('middle.pem'), toPem([middle.der]))
      writeFileSync(at('leaf.key'), leaf.key.key.export({ format: 'pem', type: 'pkcs8' }))
      const files = { certificate: at('leaf.pem'), intermediates: at('middle.pem'), key: at('leaf.key') }
      const { selectors } = await attestNode(x509Attestor, x509pop(ports, files), { ca_bundle: toPem([root.der]) })
      assert.ok(selectors.includes('subject:cn:node'))
    })
  }

  for (const type of ['ed25519', 'rsa', 'ecdsa']) {
    test(`by an OpenSSH certificate for a key of kind ${type}, from the files of ssh-keygen`, async () => {
      const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
      for (const [name, kind] of [
        [`ca-${type}`, 'ed25519'],
        [`host-${type}`, type],
      ] as const)
        keygen('-t', kind, '-N', '', '-f', at(name))
      keygen('-s', at(`ca-${type}`), '-h', '-I', 'x', '-n', 'node-1', at(`host-${type}.pub`))
      const settings = { cert_authorities: [readFileSync(at(`ca-${type}.pub`), 'utf8')], agent_path_template: '/sshpop/{{ .Hostname }}' }
      const files = { key: at(`host-${type}`), certificate: at(`host-${type}-cert.pub`) }
      assert.equal((await attestNode(sshAttestor, sshpop(ports, files), settings)).path, 'node-1')
    })
  }

  test('by answering under its name, for as long as that takes', async () => {
    const node = httpChallenge({ openDoor }, { hostname: '127.0.0.1', agentname: 'rack', port: 0, advertisedPort: 0 })
    let asked = ''
    const outbound = (request: OutboundRequest) => {
      asked = request.url
      return sendOutbound(request)
    }
    const { path } = await attestNode(httpAttestor, node, { allowed_addresses: '127.0.0.1' }, { outbound })
    assert.equal(path, '127.0.0.1')
    await assert.rejects(sendOutbound({ method: 'GET', url: asked, timeoutMs: 10_000, maxBytes: 100 }), /ECONNREFUSED/)
  })

  test('the door shows one text at one place', async () => {
    const door = await openDoor(0)
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${door.port}${path}`)).status
    assert.equal(await get('/a'), 404)
    door.show('/a', 'x')
    assert.deepEqual([await get('/a'), await get('/b'), await get('/a/'), await get('/a?x')], [200, 404, 404, 404])
    await assert.rejects(openDoor(door.port), (error) => error instanceof Fault && error.code === 'unavailable')
    door.close()
  })

  /** A metadata service that knows these requests, and keeps what it was asked. */
  function metadata(answers: Readonly<Record<string, string>>) {
    const asked: OutboundRequest[] = []
    const outbound = async (request: OutboundRequest) => {
      asked.push(request)
      const body = answers[`${request.method} ${request.url}`]
      return { status: body === undefined ? 404 : 200, body: Buffer.from(body ?? '') }
    }
    return { asked, outbound }
  }

  test('by what Kubernetes put into its pod', async () => {
    writeFileSync(at('token'), 'a.b.c\n')
    assert.deepEqual(JSON.parse(String(await k8sPsat(ports, 'prod', at('token')).payload())), { cluster: 'prod', token: 'a.b.c' })
  })

  test('by the document of its instance, asked for with a token', async () => {
    const place = 'http://imds/latest/dynamic/instance-identity'
    const service = metadata({
      'PUT http://imds/latest/api/token': 'secret',
      [`GET ${place}/document`]: '{}',
      [`GET ${place}/signature`]: 'one',
      [`GET ${place}/rsa2048`]: 'two',
    })
    const payload = JSON.parse(String(await awsIid(service, 'http://imds').payload()))
    assert.deepEqual(payload, { document: '{}', signature: 'one', rsa2048: 'two' })
    assert.ok(service.asked.slice(1).every(({ headers }) => headers?.['X-aws-ec2-metadata-token'] === 'secret'))
    await assert.rejects(awsIid(metadata({}), 'http://imds').payload(), /answered 404/)
  })

  test('by the identity token of its instance, for the server and in full', async () => {
    const query = 'audience=spire-gcp-node-attestor&format=full'
    const service = metadata({ [`GET http://m/computeMetadata/v1/instance/service-accounts/default/identity?${query}`]: 'a.b.c\n' })
    assert.equal(String(await gcpIit(service, 'http://m', 'default').payload()), 'a.b.c')
    assert.equal(service.asked[0]?.headers?.['Metadata-Flavor'], 'Google')
  })

  test('by the document that was made for the nonce of the server', async () => {
    const service = metadata({
      'GET http://m/metadata/attested/document?api-version=2021-02-01&nonce=abc': '{"encoding":"pkcs7","signature":"eA=="}',
    })
    const node = azureImds(service, 'http://m', 'example.org')
    assert.equal(String(await node.payload()), 'non_empty_payload')
    assert.deepEqual(JSON.parse(String(await node.answer(Buffer.from('abc')))), {
      document: { encoding: 'pkcs7', signature: 'eA==' },
      metadata: { agentDomain: 'example.org', vmssName: null },
    })
  })

  test('what was not asked for is not answered', async () => {
    for (const node of [k8sPsat(ports, 'a', 'b'), awsIid(metadata({}), 'x'), gcpIit(metadata({}), 'x', 'y')]) {
      await assert.rejects(node.answer(Buffer.from('x')), new RegExp(`${node.type} does not answer`))
    }
  })

  test('files that hold something else are said to', async () => {
    writeFileSync(at('empty'), '')
    const files = { certificate: at('empty'), intermediates: '', key: at('empty') }
    await assert.rejects(x509pop(ports, files).payload(), /has no PEM certificates/)
    const challenge = Buffer.from(JSON.stringify({ ecdsa_signature: { nonce: randomBytes(32).toString('base64') } }))
    await assert.rejects(x509pop(ports, files).answer(challenge), /has no private key/)
    await assert.rejects(sshpop(ports, files).payload(), /has no OpenSSH certificate/)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'a password', '-f', at('locked')])
    const nonce = Buffer.from(JSON.stringify({ Nonce: randomBytes(32).toString('base64') }))
    await assert.rejects(sshpop(ports, { key: at('locked'), certificate: '' }).answer(nonce), /is encrypted/)
  })
})
