import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nodeAttestation, workloadAttestor } from '../agent-attestors.ts'
import { type AgentConfig, parseAgentConfig } from './agent.ts'
import { parseSource } from './read.ts'

const MINIMUM = `
trust_domain      = "example.org"
server_addresses  = ["a:8081", "[::1]:8081"]
trust_bundle_path = "/etc/bundle.pem"
`
const ATTESTORS = `
node_attestor "join_token" { token = "t" }
workload_attestor "unix" {}
`

const parse = (text: string): AgentConfig => parseAgentConfig([parseSource('agent.hcl', text)], () => {})

describe("an agent's configuration", () => {
  test('what is not said is at its default', () => {
    const { nodeAttestor, workloadAttestors, sds: _, ...rest } = parse(MINIMUM + ATTESTORS)
    assert.deepEqual(rest, {
      trustDomain: 'example.org',
      serverAddresses: ['a:8081', '[::1]:8081'],
      trustBundle: { path: '/etc/bundle.pem', format: 'pem' },
      dataDir: '/var/lib/signet-agent',
      keyFile: '/var/lib/signet-agent/cache.key',
      socketPath: '/run/signet-agent/api.sock',
      socketMode: 0o777,
      logLevel: 'info',
      logFormat: 'standard',
      syncInterval: 5_000,
      mostX509: 1_000,
      mostJwt: 1_000,
      workloadKeyType: 'ec-p256',
      allowUnauthenticatedVerifiers: false,
      foreignClaims: [],
      adminSocketPath: undefined,
      delegates: [],
      adminUids: [],
      broker: undefined,
      telemetryAddress: undefined,
    })
    assert.equal(nodeAttestation(nodeAttestor).type, 'join_token')
    assert.deepEqual(
      workloadAttestors.map((block) => workloadAttestor(block).type),
      ['unix'],
    )
  })

  test('JSON says the same', () => {
    const json = {
      trust_domain: 'example.org',
      server_addresses: ['a:1'],
      insecure_bootstrap: 'insecure',
      socket_mode: '0770',
      node_attestor: { join_token: { token_file: '/t' } },
      workload_attestor: { unix: { discover_workload_path: true } },
    }
    const { trustBundle, socketMode } = parse(JSON.stringify(json))
    assert.deepEqual([trustBundle, socketMode], [undefined, 0o770])
  })

  const REFUSED: Readonly<Record<string, readonly [text: string, problem: RegExp]>> = {
    'a key that is not known': [
      `${MINIMUM}${ATTESTORS}trust_domian = "x"`,
      /agent\.hcl:8:1: "trust_domian" .* is not known; did you mean "trust_domain"\?/,
    ],
    'a trust domain that is none': [(MINIMUM + ATTESTORS).replace('example.org', 'EXAMPLE'), /trust_domain: trust domain characters are limited/],
    'an address without a port': [(MINIMUM + ATTESTORS).replace('a:8081', 'a'), /server_addresses: "a" is not host:port/],
    'no addresses': [(MINIMUM + ATTESTORS).replace(/\[.*\]/, '[]'), /server_addresses is empty/],
    'no bundle': [(MINIMUM + ATTESTORS).replace(/trust_bundle_path.*/, ''), /trust_bundle_path is missing/],
    'insecure by accident': [(MINIMUM + ATTESTORS).replace(/trust_bundle_path.*/, 'insecure_bootstrap = true'), /must be the word "insecure"/],
    'insecure with a bundle': [`${MINIMUM}${ATTESTORS}insecure_bootstrap = "insecure"`, /contradicts trust_bundle_path/],
    'a mode that is none': [`${MINIMUM}${ATTESTORS}socket_mode = "rw"`, /socket_mode "rw" is not permission bits/],
    'no pause': [`${MINIMUM}${ATTESTORS}sync_interval = 0`, /sync_interval must be at least 1/],
    'nothing to attest by': [MINIMUM, /a node_attestor "…" \{ … \} is missing/],
    'no way to tell workloads apart': [`${MINIMUM}node_attestor "join_token" { token = "t" }`, /a workload_attestor "…" \{ … \} is missing/],
    'two ways to attest': [`${MINIMUM}${ATTESTORS}node_attestor "x" {}`, /there can be only one node_attestor/],
    'an attestor twice': [`${MINIMUM}${ATTESTORS}workload_attestor "unix" {}`, /workload_attestor "unix" is there already/],
    "where SPIRE's agent has its brokers": [`${MINIMUM}${ATTESTORS}experimental {}`, /its broker \{ … \} is broker_api/],
    "the form of SPIRE's agent": [`agent { trust_domain = "x" }`, /"agent" in the configuration is not offered: the keys of its agent/],
  }
  for (const [what, [text, problem]] of Object.entries(REFUSED)) {
    test(`${what} is refused`, () => assert.throws(() => parse(text), problem))
  }

  test('attestors say what is wrong with theirs', () => {
    const { nodeAttestor } = parse(`${MINIMUM}node_attestor "join_token" {}\nworkload_attestor "unix" {}`)
    assert.throws(() => nodeAttestation(nodeAttestor), /needs either token or token_file/)
    const { nodeAttestor: unknown, workloadAttestors } = parse(
      `${MINIMUM}node_attestor "magic" {}\nworkload_attestor "unix" { workload_size_limit = -1 }`,
    )
    assert.throws(() => nodeAttestation(unknown), /node_attestor "magic" is not offered; there are join_token/)
    assert.throws(() => workloadAttestor(workloadAttestors[0] as never), /cannot be negative/)
  })

  test('a token file that is not there is said when it is needed', async () => {
    const { nodeAttestor } = parse(`${MINIMUM}node_attestor "join_token" { token_file = "/none" }\nworkload_attestor "unix" {}`)
    await assert.rejects(nodeAttestation(nodeAttestor).payload(), /\/none: no such file or directory/)
  })
})

describe('what else an agent serves', () => {
  const more = (text: string) => parse(`${MINIMUM}${ATTESTORS}${text}`)

  test('proxies, by names of their own', () => {
    assert.deepEqual(parse(MINIMUM + ATTESTORS).sds, { names: { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' }, plainValidation: false })
    const names = { svid: 'mine', bundle: 'ROOTCA', allBundles: 'ALL' }
    assert.deepEqual(more('sds { default_svid_name = "mine" disable_spiffe_cert_validation = true }').sds, { names, plainValidation: true })
    assert.equal(more('sds { enabled = false }').sds, undefined)
    assert.throws(() => more('sds { default_svid_name = "ALL" }'), /must be different/)
  })

  test('delegates, on a socket apart', () => {
    const delegates = 'authorized_delegates = ["spiffe://example.org/d"]'
    const { adminSocketPath, delegates: found } = more(`admin_socket_path = "/run/admin/api.sock"\n${delegates}`)
    assert.deepEqual([adminSocketPath, found], ['/run/admin/api.sock', ['spiffe://example.org/d']])
    assert.throws(() => more(delegates), /needs admin_socket_path/)
    assert.throws(() => more(`admin_socket_path = "/run/signet-agent/admin.sock"\n${delegates}`), /must not lie in the folder of socket_path/)
    assert.throws(() => more('admin_socket_path = "/a/s"\nauthorized_delegates = ["d"]'), /authorized_delegates: scheme is missing/)
  })

  test('where it tells how it is doing', () => {
    assert.equal(more('telemetry { address = "127.0.0.1:9988" }').telemetryAddress, '127.0.0.1:9988')
    assert.throws(() => more('telemetry {}'), /address/)
    assert.throws(() => more('telemetry { address = "9988" }'), /address "9988" is not host:port/)
    assert.throws(() => more('telemetry { port = 1 }'), /"port"/)
  })

  test('operators, on the same socket', () => {
    const socket = 'admin_socket_path = "/run/admin/api.sock"'
    assert.deepEqual([more(socket).adminSocketPath, more(socket).adminUids], ['/run/admin/api.sock', []])
    assert.deepEqual(more(`${socket}\nadmin_uids = [0, "1000"]`).adminUids, [0, 1000])
    assert.throws(() => more('admin_uids = [0]'), /admin_uids needs admin_socket_path/)
    assert.throws(() => more(`${socket}\nadmin_uids = ["ann"]`), /"ann" is not the number of a user/)
  })
})
