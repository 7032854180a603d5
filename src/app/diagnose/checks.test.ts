// Every check, with facts that it fails on; and all of them on facts that are as they should be.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../../cli/ports.ts'
import { parseConfig } from '../config/config.ts'
import { parseSource } from '../config/read.ts'
import { CHECKS, judge } from './diagnose.ts'
import type { Facts, FileFact, ProcessFact, ServerFact } from './facts.ts'

const STORAGE = 'storage "lmdb" { path = "/data" }\n'
const LISTENER = 'listener "tcp" {\n tls_cert_file = "/c"\n tls_key_file = "/k"\n}\n'

function configOf(text: string) {
  return parseConfig([parseSource('1.hcl', text)]).config
}

const good: Facts = {
  config: configOf(STORAGE + LISTENER),
  configProblem: undefined,
  sources: ['/etc/signet/server.hcl'],
  files: [
    { kind: 'program', path: '/opt/signet/dist/main.js', mode: 0o644, uid: 0, gid: 0, folder: false },
    { kind: 'config', path: '/etc/signet/server.hcl', mode: 0o640, uid: 0, gid: 500, folder: false },
    { kind: 'storage', path: '/data', mode: 0o700, uid: 500, gid: 500, folder: true },
    { kind: 'storage', path: '/data/data.mdb', mode: 0o600, uid: 500, gid: 500, folder: false },
    { kind: 'key', path: '/k', mode: 0o640, uid: 0, gid: 500, folder: false },
    { kind: 'audit', path: '/var/log/signet/audit.log', mode: 0o600, uid: 500, gid: 500, folder: false },
  ],
  certificates: [{ path: '/c', daysLeft: 60 }],
  process: {
    running: true,
    uid: 500,
    gids: [500],
    noNewPrivileges: true,
    capabilityBounds: 0n,
    coreLimit: 0,
    openFiles: 65_536,
    lockedBytes: 65_536,
    lockLimit: Number.POSITIVE_INFINITY,
    traceable: false,
    nodeOptions: '',
  },
  machine: { swaps: [{ name: '/dev/zram0', encrypted: true }], disks: [{ what: 'storage', path: '/data', total: 100, free: 10 }] },
  versions: { signet: '0.1.0', node: '24.21.0' },
  server: { ahead: 0, audit: { 'a/': { type: 'file' }, 'b/': { type: 'socket' } }, rootTokens: [], auth: {}, begun: [], seals: sealed([]) },
}

const files = (change: FileFact): Facts => ({ ...good, files: [...good.files.filter(({ path }) => path !== change.path), change] })
const running = (change: Partial<ProcessFact>): Facts => ({ ...good, process: { ...good.process, ...change } })
const asked = (change: Partial<ServerFact>): Facts => ({ ...good, server: { ...(good.server as ServerFact), ...change } })
const configured = (text: string): Facts => ({ ...good, config: configOf(text) })

const headers = configOf(STORAGE + LISTENER)
const overridden = {
  ...headers,
  effect: {
    ...headers.effect,
    within: headers.effect.within.map((one) => ({
      ...one,
      values: { ...one.values, custom_response_headers: { default: { 'Strict-Transport-Security': '' } } },
    })),
  },
}
const stanza = (name: string, labels: string[], values: Record<string, string | boolean>): Facts => ({
  ...good,
  config: { ...headers, effect: { ...headers.effect, within: [...headers.effect.within, { name, labels, values, within: [] }] } },
})

const failing: readonly (readonly [check: string, status: Finding['status'], detail: string, facts: Facts])[] = [
  ['the configuration is right, and in one place', 'fail', '1.hcl:1:1: wrong', { ...good, config: undefined, configProblem: '1.hcl:1:1: wrong' }],
  ['the configuration is right, and in one place', 'warn', 'it is gathered from 2 files', { ...good, sources: ['a', 'b'] }],
  ['every listener speaks TLS', 'fail', 'in the clear: 127.0.0.1:8200', configured(`${STORAGE}listener "tcp" { tls_disable = true }`)],
  ['certificates are valid for two weeks and more', 'fail', '/c has ended', { ...good, certificates: [{ path: '/c', daysLeft: -1 }] }],
  ['certificates are valid for two weeks and more', 'warn', '/c ends in 13 days', { ...good, certificates: [{ path: '/c', daysLeft: 13 }] }],
  [
    'certificates have strong keys',
    'fail',
    'RSA of less than 2048 bits: /c',
    { ...good, certificates: [{ path: '/c', daysLeft: 60, rsaBits: 1024 }] },
  ],
  ['browsers are told to insist on TLS', 'fail', 'Strict-Transport-Security is overridden', { ...good, config: overridden }],
  ['no secret stands in the configuration', 'fail', 'in the clear: seal transit token', stanza('seal', ['transit'], { token: '(hidden)' })],
  ['tokens do not live too long', 'fail', 'max_lease_ttl is 31536000 s', configured(`${STORAGE}${LISTENER}max_lease_ttl = "365d"`)],
  [
    'program and configuration are not writable by the server',
    'fail',
    'writable: /opt/signet/dist/main.js (0666)',
    files({ kind: 'program', path: '/opt/signet/dist/main.js', mode: 0o666, uid: 0, gid: 0, folder: false }),
  ],
  [
    'program and configuration are not writable by the server',
    'fail',
    'writable: /etc/signet/server.hcl (0400)',
    files({ kind: 'config', path: '/etc/signet/server.hcl', mode: 0o400, uid: 500, gid: 0, folder: false }),
  ],
  [
    'program and configuration are not writable by the server',
    'fail',
    'writable: /etc/signet/server.hcl (0660)',
    files({ kind: 'config', path: '/etc/signet/server.hcl', mode: 0o660, uid: 0, gid: 500, folder: false }),
  ],
  [
    'storage and audit files are private',
    'fail',
    'open to others: /data (0755)',
    files({ kind: 'storage', path: '/data', mode: 0o755, uid: 500, gid: 500, folder: true }),
  ],
  [
    'storage and audit files are private',
    'fail',
    'open to others: /var/log/signet/audit.log (0644)',
    files({ kind: 'audit', path: '/var/log/signet/audit.log', mode: 0o644, uid: 500, gid: 500, folder: false }),
  ],
  [
    'storage and audit files are private',
    'fail',
    "owned by somebody else than the server's user: /data (0700)",
    files({ kind: 'storage', path: '/data', mode: 0o700, uid: 7, gid: 7, folder: true }),
  ],
  [
    'storage and audit files are private',
    'unknown',
    '/data: permission denied',
    files({ kind: 'storage', path: '/data', problem: 'permission denied' }),
  ],
  ['private keys are private', 'fail', 'open to others: /k (0644)', files({ kind: 'key', path: '/k', mode: 0o644, uid: 0, gid: 0, folder: false })],
  [
    'private keys are private',
    'fail',
    'open to others: /k (0660)',
    files({ kind: 'key', path: '/k', mode: 0o660, uid: 500, gid: 500, folder: false }),
  ],
  [
    'private keys are private',
    'fail',
    'owned by a third user: /k (0600)',
    files({ kind: 'key', path: '/k', mode: 0o600, uid: 7, gid: 7, folder: false }),
  ],
  [
    'a tenth of the disks is free',
    'fail',
    'audit (/var/log): 9 % free',
    { ...good, machine: { ...good.machine, disks: [{ what: 'audit', path: '/var/log', total: 100, free: 9 }] } },
  ],
  ['the server is not root', 'fail', 'it runs as root', running({ uid: 0 })],
  [
    'no privileges to gain',
    'warn',
    'NoNewPrivs is off; the capability bounding set is not empty',
    running({ noNewPrivileges: false, capabilityBounds: 1n }),
  ],
  ['swap is off or encrypted', 'fail', '/swapfile', { ...good, machine: { ...good.machine, swaps: [{ name: '/swapfile', encrypted: false }] } }],
  ['no core dumps, no tracers', 'fail', 'core dumps are not switched off', running({ coreLimit: 1 })],
  ['no core dumps, no tracers', 'fail', 'its user may trace it', running({ traceable: true })],
  ['memory for keys is locked', 'fail', 'no memory is locked', running({ lockedBytes: 0 })],
  ['memory for keys is locked', 'fail', 'only 4096 bytes may be locked', running({ running: false, lockLimit: 4_096 })],
  ['Node has no options from the environment', 'fail', 'NODE_OPTIONS is set', running({ nodeOptions: '--inspect' })],
  ['enough files may be open', 'fail', '1024, less than 65536', running({ openFiles: 1_024 })],
  [
    'no known weakness in this version',
    'fail',
    'node 24.3.1 is older than 24.20.0: this release was made with newer security fixes of Node',
    { ...good, versions: { signet: '0.1.0', node: '24.3.1' } },
  ],
  ['two audit devices, one of them elsewhere', 'fail', 'no audit device is enabled', asked({ audit: {} })],
  [
    'two audit devices, one of them elsewhere',
    'warn',
    'one audit device: where it fails, every request does',
    asked({ audit: { 'a/': { type: 'socket' } } }),
  ],
  [
    'two audit devices, one of them elsewhere',
    'warn',
    'all devices write to files of this machine',
    asked({ audit: { 'a/': { type: 'file' }, 'b/': { type: 'file' } } }),
  ],
  ['two audit devices, one of them elsewhere', 'unknown', 'the token may not read sys/audit', asked({ audit: undefined })],
  [
    'no root token is left',
    'fail',
    'older than an hour: x, y',
    asked({
      rootTokens: [
        { accessor: 'x', ageSeconds: 9 },
        { accessor: 'y', ageSeconds: 3_601 },
      ],
    }),
  ],
  ['no root token is left', 'warn', 'in use: x', asked({ rootTokens: [{ accessor: 'x', ageSeconds: 9 }] })],
  ['logins are locked out after failures', 'fail', 'switched off for userpass', stanza('user_lockout', ['userpass'], { disable_lockout: true })],
  [
    'logins are locked out after failures',
    'fail',
    'switched off at up/',
    asked({ auth: { 'up/': { type: 'userpass', config: { user_lockout_config: { lockout_disable: true } } } } }),
  ],
  ['no rekey and no making of a root token lingers', 'warn', 'begun: sys/rekey/init', asked({ begun: ['sys/rekey/init'] })],
  ['seals can open the server', 'warn', 'away: b', asked({ seals: sealed(['a', 'b'], ['b']) })],
  ['seals can open the server', 'fail', 'none works: a', asked({ seals: sealed(['a'], ['a']) })],
  ['seals can open the server', 'warn', 'the root key is not wrapped by each of them yet', asked({ seals: sealed(['a'], [], false) })],
  ['the clocks agree', 'fail', '5 s apart', asked({ ahead: -5 })],
  ['the clocks agree', 'unknown', 'no unsealed server was asked', { ...good, server: undefined }],
]

for (const [check, status, detail, facts] of failing) {
  test(`${check}: ${detail}`, () => {
    const found = CHECKS[check]?.(facts)
    assert.deepEqual([found?.status, found?.detail], [status, detail])
    if (status === 'fail' || status === 'warn') assert.ok(found?.hint)
  })
}

test('there are 22 checks and more, and each can fail', () => {
  const names = Object.keys(CHECKS)
  assert.ok(names.length >= 22, `${names.length} checks`)
  const covered = new Set(failing.filter(([, status]) => status === 'fail' || status === 'warn').map(([check]) => check))
  assert.deepEqual(
    names.filter((name) => !covered.has(name)),
    [],
  )
})

test('a server that is set up well passes all of them', () => {
  assert.deepEqual(
    judge(good).filter(({ status }) => status !== 'ok'),
    [],
  )
})

test('what needs a right configuration is not known without one', () => {
  const found = judge({ ...good, config: undefined, configProblem: 'wrong', files: [] })
  assert.equal(found.filter(({ status }) => status === 'fail').length, 1)
})

function sealed(names: readonly string[], away: readonly string[] = [], fullyWrapped = true): ServerFact['seals'] {
  return { names, away, fullyWrapped }
}
