// PGP keys as files, on their way to the server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../testing/cli-ports.ts'

const ARMORED = `-----BEGIN PGP PUBLIC KEY BLOCK-----
Comment: a-b=c

mDMEaAAA
AAE=
=njUN
-----END PGP PUBLIC KEY BLOCK-----
`
const files = {
  'a.asc': ARMORED,
  'b.asc': ARMORED.replaceAll('\n', '\r\n').replace('=njUN\r\n', ''),
  'c.b64': 'mDME\naAA=\n',
  'd.gpg': '\x99\x01\x0d',
}
const idle = { started: true, nonce: 'n-1', t: 1, n: 1, progress: 0, required: 1 }

test('armored, in base64 and binary', async () => {
  const script = { 'PUT sys/rekey/init': { ...idle, pgp_fingerprints: ['f1', 'f2'], backup: true } }
  const ran = await runWith('operator rekey -init -key-shares=4 -backup -pgp-keys=a.asc,@b.asc -pgp-keys=c.b64,d.gpg', { script, files })
  const body = JSON.parse(ran.sent.at(-1)?.replace(/^[^{]*/, '') ?? '')
  assert.deepEqual(body.pgp_keys, ['mDMEaAAAAAE=', 'mDMEaAAAAAE=', 'mDMEaAA=', Buffer.from('\x99\x01\x0d').toString('base64')])
  assert.equal(body.backup, true)
  assert.match(ran.out, /PGP Fingerprints +\[f1 f2]\nBackup +true\n$/)
})

test('of init, rekey and generate-root', async () => {
  const script = {
    'GET sys/seal-status': { recovery_seal: false },
    'PUT sys/init': { keys: ['00'], keys_base64: ['AA=='], root_token: 'x' },
    'GET sys/rekey/init': idle,
    'PUT sys/rekey/update': { nonce: 'n-1', complete: true, keys: ['00'], keys_base64: ['AA=='], pgp_fingerprints: ['f1'], backup: true },
    'PUT sys/generate-root/attempt': { ...idle, complete: false, pgp_fingerprint: 'f1' },
  }
  const init = await runWith('operator init -key-shares=1 -key-threshold=1 -pgp-keys=c.b64 -root-token-pgp-key=@c.b64', { script, files })
  assert.match(init.sent.at(-1) ?? '', /"pgp_keys":\["mDMEaAA="],"root_token_pgp_key":"mDMEaAA="}$/)
  const rekey = await runWith('operator rekey -nonce=n-1 share', { script })
  assert.match(rekey.out, /^Key 1 fingerprint: f1; value: AA==\n[^]*The encrypted shares are kept in the server/)
  const root = await runWith('operator generate-root -init -pgp-key=c.b64', { script, files })
  assert.equal(root.sent.at(-1), 'PUT sys/generate-root/attempt {"pgp_key":"mDMEaAA="}')
  assert.match(root.out, /PGP Fingerprint +f1\n/)
})

test('what can’t be had', async () => {
  const refused = async (line: string) => {
    const { code, err, sent } = await runWith(line, { files })
    assert.deepEqual([code, sent], [1, []])
    return err
  }
  assert.match(await refused('operator rekey -init -pgp-keys=keybase:ann'), /Keys are not fetched from Keybase/)
  assert.match(await refused('operator rekey -init -pgp-keys=none.asc'), /^error reading PGP key: open none\.asc: no such file/)
  assert.match(await refused('operator generate-root -init -otp=a -pgp-key=c.b64'), /cannot specify both -otp and -pgp-key/)
})

test('shares that the server keeps', async () => {
  const data = { nonce: 'n-1', keys: { f1: ['00'] }, keys_base64: { f1: ['AA=='] } }
  const script = { 'GET sys/rekey/backup': { ...data, data }, 'DELETE sys/rekey/recovery-key-backup': 204 }
  const told = await runWith('operator rekey -backup-retrieve -format=json', { script })
  assert.deepEqual(JSON.parse(told.out).data, data)
  const gone = await runWith('operator rekey -backup-delete -target=recovery', { script })
  assert.equal(gone.out, 'Success! Deleted backed up keys (if they existed)\n')
  assert.match((await runWith('operator rekey -backup-retrieve', { script: {} })).err, /Error retrieving rekey backed up keys/)
})
