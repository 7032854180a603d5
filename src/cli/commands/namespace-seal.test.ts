// `signet namespace` for namespaces with a seal of their own: what is asked, what is printed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const vault = { custom_metadata: {}, id: 'a1B2c3', locked: false, path: 'vault/', tainted: false, uuid: 'u' }
const status = { initialized: true, n: 3, nonce: 'n-1', progress: 1, sealed: true, t: 2, type: 'shamir' }

for (const [line, expected] of [
  [
    'namespace create -key-shares=3 -key-threshold=2 vault',
    'POST sys/namespaces/vault {"custom_metadata":{},"seal":"seal \\"shamir\\" { shares = 3 threshold = 2 }"}',
  ],
  ['namespace create -n=1 vault', 'POST sys/namespaces/vault {"custom_metadata":{},"seal":"seal \\"shamir\\" { shares = 1 threshold = 0 }"}'],
  ['namespace seal vault/', 'PUT sys/namespaces/vault/seal'],
  ['namespace seal-status vault', 'GET sys/namespaces/vault/seal-status'],
  ['namespace unseal vault k', 'PUT sys/namespaces/vault/unseal {"key":"k"}'],
  ['namespace unseal -reset vault', 'PUT sys/namespaces/vault/unseal {"reset":true}'],
  ['namespace delete-sealed vault', 'DELETE sys/namespaces/vault/delete-sealed'],
  ['namespace delete-sealed -force vault', 'DELETE sys/namespaces/vault/delete-sealed?force=true'],
] as const) {
  test(`asks: ${line}`, async () => assert.equal((await runWith(line)).sent.at(-1), expected))
}

test('shares are shown to people first, and to machines with all else', async () => {
  const script = { 'POST sys/namespaces/vault': { data: { ...vault, key_shares: ['aa', 'bb', 'cc'], key_threshold: 2 } } }
  const { out } = await runWith('namespace create -n=3 -t=2 vault', { script })
  assert.match(out, /^Unseal Key 1: aa\nUnseal Key 2: bb\nUnseal Key 3: cc\n\nThe namespace has a seal of its own, with 3 key shares/)
  assert.match(out, /\nid +a1B2c3\n/)
  assert.doesNotMatch(out, /key_shares/)
  const { out: json } = await runWith('namespace create -n=3 -t=2 -format=json vault', { script })
  assert.deepEqual(JSON.parse(json).key_shares, ['aa', 'bb', 'cc'])
  assert.equal((await runWith('namespace create -n=3 -t=2 -field=id vault', { script })).out, 'a1B2c3')
})

test('the seal is described by a file as well', async () => {
  const { sent } = await runWith('namespace create -seal=seal.hcl vault', { files: { 'seal.hcl': 'seal "shamir" { }' } })
  assert.equal(sent.at(-1), 'POST sys/namespaces/vault {"custom_metadata":{},"seal":"seal \\"shamir\\" { }"}')
})

test('shares may be for the eyes of those who have the keys of PGP', async () => {
  const { sent } = await runWith('namespace create -n=1 -t=1 -pgp-keys=ann.asc vault', { files: { 'ann.asc': 'aGVsbG8=' } })
  assert.match(sent.at(-1) ?? '', /"pgp_keys":\["aGVsbG8="\]/)
})

test('the state of a seal is printed as that of the server is', async () => {
  const script = { 'GET sys/namespaces/vault/seal-status': { data: status }, 'PUT sys/namespaces/vault/unseal': { data: status } }
  const rows = [
    ['Seal Type', 'shamir'],
    ['Initialized', 'true'],
    ['Sealed', 'true'],
    ['Total Shares', '3'],
    ['Threshold', '2'],
    ['Unseal Progress', '1/2'],
    ['Unseal Nonce', 'n-1'],
    ['HA Enabled', 'false'],
  ]
  for (const line of ['namespace seal-status vault', 'namespace unseal vault k', 'namespace unseal -reset vault']) {
    const { out } = await runWith(line, { script })
    assert.deepEqual(
      out
        .trim()
        .split('\n')
        .slice(2)
        .map((row) => row.split(/ {2,}/)),
      rows,
      line,
    )
  }
  assert.deepEqual(JSON.parse((await runWith('namespace seal-status -format=json vault', { script })).out), status)
})

test('a share comes from standard input, where no process list shows it', async () => {
  const { sent } = await runWith('namespace unseal vault -', { stdin: 'k\n' })
  assert.equal(sent[0], 'PUT sys/namespaces/vault/unseal {"key":"k"}')
})

test('sealing and deleting say what they did', async () => {
  const script = { 'PUT sys/namespaces/vault/seal': 204, 'DELETE sys/namespaces/vault/delete-sealed': { data: { status: 'in-progress' } } }
  assert.equal((await runWith('namespace seal vault', { script })).out, 'Success! Namespace "vault" is sealed.\n')
  assert.equal((await runWith('namespace delete-sealed vault', { script })).out, 'Success! Namespace deletion scheduled: vault/\n')
  const none = { 'DELETE sys/namespaces/vault/delete-sealed': { data: null, warnings: ['requested namespace does not exist'] } }
  const gone = await runWith('namespace delete-sealed vault', { script: none })
  assert.deepEqual([gone.code, gone.err], [0, 'Requested namespace does not exist\n'])
})
