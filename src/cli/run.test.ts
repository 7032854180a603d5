// Finding commands, what is printed where, exit codes and hints.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../testing/cli-ports.ts'
import { loadAll } from './commands.ts'
import { nodeHelp } from './help.ts'
import type { Node } from './command.ts'

const status = { type: 'shamir', initialized: true, sealed: false, t: 2, n: 3, progress: 0, nonce: '', version: '1.0.0' }
const sealed = { ...status, sealed: true, progress: 1, nonce: 'abc' }
const leader = { 'GET sys/leader': { ha_enabled: false } }

for (const [line, script, code] of [
  ['status', { 'GET sys/seal-status': status, ...leader }, 0],
  ['status', { 'GET sys/seal-status': sealed, ...leader }, 2],
  ['status', { 'GET sys/seal-status': 500 }, 1],
  ['status extra', {}, 1],
  ['read nothing', {}, 2],
  ['read', {}, 1],
  ['read a -nope', {}, 1],
  ['read -format=zz a', {}, 1],
  ['list -format=raw a', {}, 1],
  ['list -format=json a', {}, 2],
  ['write a', {}, 1],
  ['write a b=1', { 'PUT a': 204 }, 0],
  ['write a b=1', { 'PUT a': 403 }, 2],
  ['delete a', { 'DELETE a': 204 }, 0],
  ['operator init -status', { 'GET sys/init': { initialized: false } }, 2],
  ['operator init -status', { 'GET sys/init': { initialized: true } }, 0],
  ['audit list', { 'GET sys/audit': { data: {} } }, 2],
  ['kv', {}, 1],
  ['kv nope', {}, 1],
  ['nope', {}, 127],
  ['-help', {}, 0],
  ['kv get -help', {}, 0],
  ['version', {}, 0],
  ['policy fmt absent.hcl', {}, 1],
  ['policy write app absent.hcl', {}, 2],
] as const) {
  test(`"${line}" exits with ${code}`, async () => assert.equal((await runWith(line, { script })).code, code))
}

test('no command at all prints what there is, as an error', async () => {
  const { code, out, err } = await runWith([])
  assert.deepEqual([code, out], [127, ''])
  assert.match(err, /^Usage: signet <command> \[args\]\n\nCommon commands:\n {4}read /)
})

for (const [line, given, hint] of [
  ['stauts', {}, 'did you mean "signet status"?'],
  ['kv gte', {}, 'did you mean "signet kv get"?'],
  ['kv qqqqq', {}, 'see "signet kv -help" for what there is'],
  ['read -fromat=json a', {}, 'did you mean -format?'],
  [
    'read a',
    { script: { 'GET a': [403, { errors: ['permission denied'] }] } },
    'the token may be wrong, expired or revoked: log in with "signet login", or set VAULT_TOKEN',
  ],
  ['kv get s/a', { script: { 'GET sys/internal/ui/mounts/s/a': 403 } }, 'see what your token may do there: signet token capabilities s/a'],
  ['read a', { script: { 'GET a': 403 } }, 'see what your token may do there: signet token capabilities a'],
  ['read a', { script: { 'GET a': 403 }, env: { VAULT_TOKEN: '' } }, 'there is no token: log in with "signet login", or set VAULT_TOKEN'],
  [
    'read a',
    { script: { 'GET a': [503, { errors: ['Vault is sealed'] }] } },
    'unseal the server with "signet operator unseal"; a new one is first made with "signet operator init"',
  ],
  ['read a', { script: { 'GET a': [503, { errors: ['namespace is sealed'] }] } }, 'unseal it in the namespace above, with "signet namespace unseal"'],
  ['read a', { script: { 'GET a': 501 } }, 'the server is new: initialize it with "signet operator init"'],
  [
    'read a',
    { script: { 'GET a': [400, 'Client sent an HTTP request to an HTTPS server.\n'] } },
    'the server speaks TLS: set VAULT_ADDR=https://server',
  ],
  ['read a', { broken: 'ECONNREFUSED' }, 'is the server running? This asked http://server; VAULT_ADDR or -address names another'],
  ['read a', { broken: 'EPROTO', env: { VAULT_ADDR: 'https://server' } }, 'the server may not speak TLS: set VAULT_ADDR=http://server'],
  ['read a', { broken: 'CERT_HAS_EXPIRED' }, "name the server's certificate authority with -ca-cert or VAULT_CACERT"],
  ['server', {}, 'to try things out: signet dev'],
] as const) {
  test(`hint: ${hint}`, async () => {
    const { err } = await runWith(line, given)
    assert.ok(err.split('\n').includes(`hint: ${hint}`), err)
  })
}

test('a refused login has no hint about the token in use', async () => {
  const { err } = await runWith('write auth/approle/login role_id=x', { script: { 'PUT auth/approle/login': 403 } })
  assert.doesNotMatch(err, /hint/)
})

test('a refused connection tells of the development server only at the default address', async () => {
  const { err } = await runWith('read a', { broken: 'ECONNREFUSED', env: { VAULT_ADDR: '' } })
  assert.match(err, /hint: a server started with "signet dev" is at VAULT_ADDR=http:\/\/127\.0\.0\.1:8200\n$/)
})

test('errors go to standard error, in the words that people know', async () => {
  const { out, err } = await runWith('read a', { script: { 'GET a': [403, { errors: ['permission denied'] }] } })
  assert.equal(out, '')
  assert.match(
    err,
    /^Error reading a: Error making API request\.\n\nURL: GET http:\/\/server\/v1\/a\nCode: 403\. Errors:\n\n\* permission denied\nhint: /,
  )
})

test('a deleted version is shown beside the error', async () => {
  const script = { 'PUT a': [404, { warnings: ['it is gone'], errors: [] }] } as const
  const { code, err } = await runWith('write a b=1', { script })
  assert.equal(code, 2)
  assert.match(err, /^Error writing data to a: [^]*WARNING! The following warnings were returned from Vault:\n\n {2}\* it is gone\n/)
})

test('settings: flags over SIGNET_ over VAULT_, and the agent over the server', async () => {
  const script = { 'GET a': { data: { x: 1 } } }
  const asked = async (line: string, env: Record<string, string>) => (await runWith(line, { script, env })).requests[0]
  const env = { SIGNET_ADDR: 'http://ours', SIGNET_TOKEN: 'mine', SIGNET_NAMESPACE: 'n1', SIGNET_CLIENT_TIMEOUT: '5s' }
  const request = await asked('read a', env)
  assert.equal(request?.url, 'http://ours/v1/a')
  assert.deepEqual([request?.headers['X-Vault-Token'], request?.headers['X-Vault-Namespace'], request?.timeoutMs], ['mine', 'n1/', 5000])
  const flagged = await asked('read -address=http://flag -ns=n2 -header=X-Own=1 a', env)
  assert.equal(flagged?.url, 'http://flag/v1/a')
  assert.deepEqual([flagged?.headers['X-Vault-Namespace'], flagged?.headers['X-Own']], ['n2/', '1'])
  assert.equal((await asked('read a', { ...env, VAULT_AGENT_ADDR: 'http://agent' }))?.url, 'http://agent/v1/a')
})

test('TLS files are read and handed on', async () => {
  const files = { '/ca.pem': 'CA', '/c.pem': 'CERT', '/k.pem': 'KEY', '/cas/a.pem': 'A', '/cas/b.pem': 'B' }
  const script = { 'GET a': { data: { x: 1 } } }
  const one = await runWith('read -ca-cert=/ca.pem -client-cert=/c.pem -client-key=/k.pem -tls-server-name=sni -tls-skip-verify a', { files, script })
  assert.deepEqual(one.requests[0]?.tls, { ca: ['CA'], cert: 'CERT', key: 'KEY', skipVerify: true, serverName: 'sni' })
  const many = await runWith('read a', { files, script, env: { VAULT_CAPATH: '/cas' } })
  assert.deepEqual(many.requests[0]?.tls, { ca: ['A', 'B'] })
  const half = await runWith('read -client-cert=/c.pem a', { files })
  assert.deepEqual([half.code, half.err], [2, 'both client cert and client key must be provided\n'])
  const absent = await runWith('read -ca-cert=/none.pem a', {})
  assert.deepEqual([absent.code, absent.err], [2, 'failed to setup TLS config: /none.pem: no such file or directory\n'])
})

test('-output-policy shows what a request needs, and sends nothing', async () => {
  const policy = async (line: string) => {
    const { code, out, requests } = await runWith(line)
    assert.deepEqual([code, requests.length], [0, 0])
    return out
  }
  assert.equal(await policy('list -output-policy a'), 'path "a" {\n  capabilities = ["list"]\n}\n')
  assert.equal(await policy('write -output-policy a b=1'), 'path "a" {\n  capabilities = ["create", "update"]\n}\n')
  assert.equal(await policy('operator seal -output-policy'), 'path "sys/seal" {\n  capabilities = ["create", "update", "sudo"]\n}\n')
})

test('every command has a help page', async () => {
  const visit = (path: readonly string[], node: Node): void => {
    const page = nodeHelp(path, node)
    assert.ok(page.startsWith(`Usage: signet ${path.join(' ')}`))
    assert.ok(!page.includes('undefined'), page)
    if (node.kind === 'group') for (const [name, child] of Object.entries(node.commands)) visit([...path, name], child)
  }
  for (const [name, node] of Object.entries(await loadAll())) visit([name], node)
})

test('help shows arguments, defaults, aliases and variables', async () => {
  const { out } = await runWith('operator rekey -help')
  assert.match(out, /^Usage: signet operator rekey \[options\] \[KEY\]\n\n {2}Make a new key and new key shares\.\n/)
  assert.match(out, / {2}-key-shares=<int>\n {6}How many shares to split the new key into\. Also -n\. The default is 5\.\n/)
  assert.match(out, / {2}-address=<string>\n[^-]*Also by SIGNET_ADDR or BAO_ADDR or VAULT_ADDR\.\n/)
  assert.doesNotMatch(out, / {2}-ns/)
})
