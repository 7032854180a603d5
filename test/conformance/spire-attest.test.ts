// SPIRE's own API packages and Go's cryptography, against a server as it is run in production: nodes attest by x509pop and sshpop.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { toPem } from '../../src/crypto/certificate.ts'
import { testAuthority, testCertificate } from '../../src/testing/certificates.ts'
import { trustDomainServer } from '../support/agent.ts'
import { ask, folder } from '../support/server.ts'
import { goProgram, run } from '../support/tools.ts'

const year = { notBefore: 0, notAfter: Date.now() + 3e10 }

test('nodes attest to a Go client, as often as they like', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'spire-attest'), 'spire-attest')
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const own = folder(t)
  const at = (name: string) => join(own, name)
  writeFileSync(at('bundle.pem'), String((await ask(server.address, 'GET', 'spiffe/bundle?format=pem', undefined, server.token)).body))
  const attest = async (kind: string, certificate: string, key: string) =>
    (await run(program.path, [server.agentAddress, at('bundle.pem'), kind, at(certificate), at(key)])).stdout.trim()
  const offer = async (kind: string, settings: object) =>
    assert.equal((await ask(server.address, 'PUT', `spiffe/attestors/${kind}`, settings, server.token)).status, 204)

  const root = testAuthority('root', year)
  const middle = testAuthority('middle', { issuer: root, ...year })
  await offer('x509pop', { ca_bundle: toPem([root.der]), agent_path_template: '/x509pop/{{ .Subject.CommonName }}' })
  for (const type of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    const node = testCertificate(`node-${type}`, { issuer: middle, type, ...year })
    writeFileSync(at('node.pem'), toPem([node.der, middle.der]))
    writeFileSync(at('node.key'), node.key.key.export({ format: 'pem', type: 'pkcs8' }))
    const id = `spiffe://example.org/spire/agent/x509pop/node-${type} true`
    assert.deepEqual([await attest('x509pop', 'node.pem', 'node.key'), await attest('x509pop', 'node.pem', 'node.key')], [id, id])
  }

  const keygen = (...args: string[]) => execFileSync('ssh-keygen', ['-q', ...args])
  keygen('-t', 'ed25519', '-N', '', '-f', at('ca'))
  await offer('sshpop', { cert_authorities: [readFileSync(at('ca.pub'), 'utf8')], agent_path_template: '/sshpop/{{ .Hostname }}' })
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    keygen('-t', type, '-N', '', '-f', at(type))
    keygen('-s', at('ca'), '-h', '-I', 'x', '-n', `host-${type}`, at(`${type}.pub`))
    assert.equal(await attest('sshpop', `${type}-cert.pub`, type), `spiffe://example.org/spire/agent/sshpop/host-${type} true`)
  }
})
