import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Config, parseConfig } from './config.ts'
import { parseSource, readSources } from './read.ts'

const STORAGE = 'storage "lmdb" { path = "/data" }\n'
const NO_AUDIT = { devices: [], apiCreation: true, folders: undefined }
const LISTENER = 'listener "tcp" { tls_disable = true }\n'

function parse(...texts: string[]): Config {
  return parseConfig(texts.map((text, at) => parseSource(`${at + 1}.hcl`, text))).config
}

/** Without what is only shown. */
function settings(...texts: string[]): Omit<Config, 'effect'> {
  const { effect: _, ...rest } = parse(...texts)
  return rest
}

function notes(text: string): readonly string[] {
  return parseConfig([parseSource('1.hcl', text)]).notes
}

function refusal(...texts: string[]): string {
  try {
    parse(...texts)
  } catch (error) {
    return (error as Error).message
  }
  return 'it was accepted'
}

test('what is not said has a default', () => {
  assert.deepEqual(settings(STORAGE + LISTENER), {
    listeners: [{ address: '127.0.0.1:8200', limits: {} }],
    storagePath: '/data',
    workers: undefined,
    logLevel: 'info',
    logFormat: 'standard',
    defaultLeaseTtl: 2_764_800,
    maxLeaseTtl: 2_764_800,
    spiffe: undefined,
    lockout: { byType: {} },
    audit: NO_AUDIT,
  })
  assert.ok(Object.isFrozen(parse(STORAGE + LISTENER)))
})

test('every key is taken, as Vault writes it', () => {
  const config = settings(`${STORAGE}
listener "tcp" {
  address            = "[::]:8201"
  tls_disable        = "false"
  tls_cert_file      = "/c.pem"
  tls_key_file       = "/k.pem"
  tls_client_ca_file = "/ca.pem"
  tls_min_version    = "tls13"
  max_request_size   = 1048576
}
listener "tcp" {
  address     = "127.0.0.1:8202"
  tls_disable = 1
}
log_level = "warn"
log_format = "json"
default_lease_ttl = "1h"
max_lease_ttl = "2d"
workers = 3
spiffe { address = "0.0.0.0:8081" }`)
  assert.deepEqual(config, {
    listeners: [
      {
        address: '[::]:8201',
        limits: { bodyBytes: 1_048_576 },
        tls: { certFile: '/c.pem', keyFile: '/k.pem', minVersion: 'TLSv1.3', clientCaFile: '/ca.pem' },
      },
      { address: '127.0.0.1:8202', limits: {} },
    ],
    storagePath: '/data',
    workers: 3,
    logLevel: 'warn',
    logFormat: 'json',
    defaultLeaseTtl: 3600,
    maxLeaseTtl: 172_800,
    spiffe: {
      agentAddress: '0.0.0.0:8081',
      adminSocket: undefined,
      bundleEndpoint: undefined,
      attestationRate: 10,
      upstream: undefined,
      federation: { allowLocal: false, caFile: undefined },
    },
    lockout: { byType: {} },
    audit: NO_AUDIT,
  })
})

test('agents are served at one address', () => {
  assert.equal(settings(`${STORAGE}${LISTENER}spiffe {}`).spiffe?.agentAddress, '127.0.0.1:8081')
  assert.match(refusal(`${STORAGE}${LISTENER}spiffe { address = "8081" }`), /address "8081" is not host:port/)
  assert.match(refusal(`${STORAGE}${LISTENER}spiffe {}\nspiffe {}`), /only one spiffe/)
  assert.equal(settings(`${STORAGE}${LISTENER}spiffe { attestation_rate = 0 }`).spiffe?.attestationRate, 0)
  assert.match(refusal(`${STORAGE}${LISTENER}spiffe { attestation_rate = -1 }`), /attestation_rate is not between/)
})

test('operators have a socket where it is said', () => {
  const socket = (text: string) => settings(`${STORAGE}${LISTENER}spiffe { ${text} }`).spiffe?.adminSocket
  const refused = (text: string) => refusal(`${STORAGE}${LISTENER}spiffe { ${text} }`)
  assert.equal(socket(''), undefined)
  assert.deepEqual(socket('admin_socket = "/run/api.sock"'), { path: '/run/api.sock', uids: [] })
  assert.deepEqual(socket('admin_socket = "/run/api.sock"\nadmin_uids = [0, "1000"]'), { path: '/run/api.sock', uids: [0, 1000] })
  assert.match(refused('admin_uids = [0]'), /needs admin_socket/)
  assert.match(refused('admin_socket = "api.sock"'), /no absolute path/)
  assert.match(refused(`admin_socket = "/${'x'.repeat(110)}"`), /no absolute path/)
  assert.match(refused('admin_socket = "/run/api.sock"\nadmin_uids = ["ann"]'), /"ann" is not the number of a user/)
})

test('an upstream authority is on this machine or at another server', () => {
  const upstream = (text: string) => settings(`${STORAGE}${LISTENER}spiffe { upstream_authority ${text} }`).spiffe?.upstream
  const refused = (text: string) => refusal(`${STORAGE}${LISTENER}spiffe { upstream_authority ${text} }`)
  const files = 'cert_file = "/ca.pem"\nkey_file = "/ca.key"'
  assert.deepEqual(upstream(`"disk" { ${files} }`), { kind: 'disk', certFile: '/ca.pem', keyFile: '/ca.key', bundleFile: undefined })
  const shared = { kind: 'vault', tokenFile: '/token', mount: 'pki', namespace: '', caFile: undefined }
  assert.deepEqual(upstream('"vault" {\naddress = "https://pki:8200/"\ntoken_file = "/token"\n}'), { ...shared, address: 'https://pki:8200' })
  assert.match(refused('"vault" { address = "https://pki" }'), /needs token_file/)
  assert.match(refused('"vault" {\naddress = "pki"\ntoken_file = "/t"\n}'), /is not a URL/)
  assert.match(refused('"disk" { cert_file = "/ca.pem" }'), /needs key_file/)
  assert.match(refused('"aws_pca" {}'), /is not offered; offered are "disk", "spire" and "vault"/)
  const nested = upstream('"spire" {\nserver_address = "up:8081"\nworkload_api_socket = "unix:///run/agent.sock"\n}')
  assert.deepEqual(nested, { kind: 'spire', address: 'up:8081', socketPath: '/run/agent.sock' })
  assert.match(refused('"spire" {\nserver_address = "up"\nworkload_api_socket = "/a"\n}'), /is not host:port/)
  assert.match(refused('"spire" {\nserver_address = "up:1"\nworkload_api_socket = "a"\n}'), /no absolute path/)
  assert.match(refused(`"disk" { ${files} }\nupstream_authority "disk" { ${files} }`), /only one upstream_authority/)
})

test('the bundle is published where it is said, by the SVID of the server or by a certificate', () => {
  const endpoint = (text: string) => settings(`${STORAGE}${LISTENER}spiffe { bundle_endpoint { ${text} } }`).spiffe?.bundleEndpoint
  const refused = (text: string) => refusal(`${STORAGE}${LISTENER}spiffe { bundle_endpoint { ${text} } }`)
  assert.deepEqual(endpoint(''), { address: '0.0.0.0:8443', tls: undefined, refreshHint: 0 })
  const files = 'tls_cert_file = "/c.pem"\ntls_key_file = "/k.pem"'
  const web = endpoint(`profile = "https_web"\naddress = "[::]:443"\nrefresh_hint = "10m"\n${files}`)
  assert.deepEqual(web, { address: '[::]:443', tls: { certFile: '/c.pem', keyFile: '/k.pem' }, refreshHint: 600 })
  assert.match(refused('profile = "https_web"'), /needs tls_cert_file and tls_key_file/)
  assert.match(refused(files), /are for profile "https_web"/)
  assert.match(refused('address = "8443"'), /is not host:port/)
  assert.match(refused('profile = "acme"'), /must be one of https_spiffe, https_web/)
})

test('JSON says the same, with labels as keys, blocks in lists or not', () => {
  const expected = settings(`${STORAGE}${LISTENER}workers = 2`)
  assert.deepEqual(settings('{"storage":{"lmdb":{"path":"/data"}},"listener":{"tcp":{"tls_disable":true}},"workers":2}'), expected)
  assert.deepEqual(settings('{"storage":[{"lmdb":[{"path":"/data"}]}],"listener":[{"tcp":{"tls_disable":"true"}}],"workers":"2"}'), expected)
  assert.deepEqual(settings('storage { lmdb { path = "/data" } } listener = { tcp = { tls_disable = true } } workers = 2'), expected)
})

test('files are parsed by themselves and work together', () => {
  const config = parse(
    '{"storage":{"lmdb":{"path":"/data"}}}',
    `${LISTENER}log_level = "debug"`,
    'listener "tcp" { address = ":1" tls_disable = true }',
  )
  assert.deepEqual(
    config.listeners.map(({ address }) => address),
    ['127.0.0.1:8200', ':1'],
  )
  assert.equal(config.logLevel, 'debug')
})

test('nothing is set twice', () => {
  assert.equal(refusal('workers = 1\nworkers = 1'), '1.hcl:2:1: "workers" is set already, at 1.hcl:1:1')
  assert.equal(refusal('workers = 1', '\n{"workers":2}'), '2.hcl:2:2: "workers" is set already, at 1.hcl:1:1')
  assert.equal(refusal(LISTENER + STORAGE, STORAGE), '2.hcl:1:1: storage is set already, at 1.hcl:2:1')
  assert.equal(refusal(STORAGE + LISTENER + LISTENER), '1.hcl:3:1: 127.0.0.1:8200 has a listener already, at 1.hcl:2:1')
  assert.equal(
    refusal(`${STORAGE}listener "tcp" { tls_disable = true tls_disable = true }`),
    '1.hcl:2:37: "tls_disable" is set already, at 1.hcl:2:18',
  )
})

test('a refusal says where and what', () => {
  const cases: Readonly<Record<string, string>> = {
    'log_levle = "info"': '1.hcl:1:1: "log_levle" in the configuration is not known; did you mean "log_level"?',
    'zzz = 1': '1.hcl:1:1: "zzz" in the configuration is not known',
    'listner "tcp" { }': '1.hcl:1:1: "listner" in the configuration is not known; did you mean "listener"?',
    'log_level = "loud"': '1.hcl:1:1: log_level in the configuration: must be one of trace, debug, info, warn, error',
    'log_level "x" { }': '1.hcl:1:1: log_level in the configuration: it takes no label',
    'log_level { }': '1.hcl:1:1: log_level in the configuration: expected a string, got an object',
    'workers = "many"': '1.hcl:1:1: workers in the configuration: cannot parse as int',
    'workers = 0': '1.hcl: workers must be from 1 to 256',
    'default_lease_ttl = "2h"\nmax_lease_ttl = "1h"': '1.hcl: default_lease_ttl is longer than max_lease_ttl',
    'max_lease_ttl = "-1h"': "1.hcl:1:1: max_lease_ttl in the configuration: cannot provide negative value '-3600'",
    'workers =': '1.hcl:1:10: expected a value, got end of text',
    '{"workers":': '1.hcl:1:12: expected a value',
    'listener = 1': '1.hcl:1:1: "listener" must be a block',
    'listener { }': '1.hcl:1:1: "listener" needs a label: listener "…" { … }',
    'listener "unix" { }': '1.hcl:1:1: listener "unix" is not offered; write listener "tcp" { … }',
    'listener "tcp" "x" { }': '1.hcl:1:16: "x" in listener "tcp" is not known',
    'listener "tcp" { }': '1.hcl:1:1: listener "tcp" needs tls_cert_file and tls_key_file, or tls_disable = true',
    'listener "tcp" { adress = ":1" }': '1.hcl:1:18: "adress" in listener "tcp" is not known; did you mean "address"?',
    'listener "tcp" { address = "8200" }': '1.hcl:1:1: address "8200" is not host:port',
    'listener "tcp" { tls_disable = "maybe" }': '1.hcl:1:18: tls_disable in listener "tcp": cannot parse as bool',
    [STORAGE]: '1.hcl: a listener "tcp" { … } is missing',
    [LISTENER]: '1.hcl: storage "lmdb" { path = "…" } is missing',
    [`${LISTENER}storage "raft" { path = "/data" }`]: '1.hcl:2:1: storage "raft" is not offered; write storage "lmdb" { path = "…" }',
    [`${LISTENER}storage "lmbd" { path = "/data" }`]: '1.hcl:2:1: storage "lmbd" is not known; write storage "lmdb" { path = "…" }',
    [`${LISTENER}storage "lmdb" { }`]: '1.hcl:2:1: storage "lmdb" needs path',
  }
  for (const [text, message] of Object.entries(cases)) assert.equal(refusal(text), message, text)
})

test('keys of Vault that change nothing are noted, and those that would are refused', () => {
  const same = STORAGE + LISTENER
  assert.deepEqual(notes(`${same}disable_mlock = true`), [
    '1.hcl:3:1: "disable_mlock" in the configuration is not needed: keys lie in locked pages of their own, and nothing else is locked',
  ])
  assert.equal(notes(`${same}ui = false\nraw_storage_endpoint = false\napi_addr = "https://x"`).length, 3)
  assert.equal(refusal(`${same}ui = true`), '1.hcl:3:1: "ui" in the configuration is not offered: this version has no web interface; leave it out')
  assert.match(refusal(`${same}plugin_directory = "/p"`), /"plugin_directory" in the configuration is not offered: there are no external plugins/)
  assert.match(refusal(`${same}service_registration "kubernetes" { }`), /"service_registration" in the configuration is not offered/)
  assert.match(refusal(`${STORAGE}listener "tcp" { tls_cipher_suites = "x" }`), /"tls_cipher_suites" in listener "tcp" is not offered: only suites/)
})

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'signet-config-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a folder is its .hcl and .json files in the order of their names', (t) => {
  const at = folder(t)
  mkdirSync(join(at, 'empty'))
  writeFileSync(join(at, 'b.json'), '{"log_level":"warn"}')
  writeFileSync(join(at, 'a.hcl'), STORAGE)
  writeFileSync(join(at, 'notes.txt'), 'not HCL')
  const names = (paths: readonly string[]) => readSources(paths).map(({ file }) => file.slice(at.length + 1))
  assert.deepEqual(names([at]), ['a.hcl', 'b.json'])
  assert.deepEqual(names([join(at, 'b.json'), join(at, 'a.hcl')]), ['b.json', 'a.hcl'])
  assert.throws(() => readSources([join(at, 'empty')]), /empty: there is no .hcl or .json file in this folder$/)
  assert.throws(() => readSources([join(at, 'absent.hcl')]), /absent.hcl: no such file or directory$/)
  writeFileSync(join(at, 'c.hcl'), 'a = \n}')
  assert.throws(() => readSources([at]), /c.hcl:2:1: expected a value, got '}'$/)
})
