// How rekeying and making a root token look on a terminal.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const idle = { nonce: '', started: false, t: 0, n: 0, progress: 0, required: 2, verification_required: false }
const running = { ...idle, nonce: 'n-1', started: true, t: 3, n: 5, progress: 1 }

test('a rekey from its begin to its new shares', async () => {
  const script = {
    'PUT sys/rekey/init': running,
    'GET sys/rekey/init': running,
    'PUT sys/rekey/update': { nonce: 'n-1', complete: true, keys: ['00'], keys_base64: ['AA=='], verification_required: false },
  }
  const begun = await runWith('operator rekey -init', { script })
  assert.match(begun.err, /^WARNING! The new shares are shown once\./)
  assert.equal(
    begun.out,
    'Key                      Value\n---                      -----\nNonce                    n-1\nStarted                  true\n' +
      'Progress                 1/2\nNew Shares               5\nNew Threshold            3\nVerification Required    false\n',
  )
  const typed = await runWith('operator rekey', { script, typed: 'share' })
  assert.equal(typed.sent.at(-1), 'PUT sys/rekey/update {"key":"share","nonce":"n-1"}')
  assert.match(typed.out, /^Operation nonce: n-1\nKey 1: AA==\n\nOperation nonce: n-1\n\nThe key was split into 5 new shares/)
  const piped = await runWith('operator rekey -nonce=n-2 -', { script, stdin: 'share\n' })
  assert.equal(piped.sent.at(-1), 'PUT sys/rekey/update {"key":"share","nonce":"n-2"}')
  const json = await runWith('operator rekey -format=json -nonce=n-1 share', { script })
  assert.equal(JSON.parse(json.out).keys[0], '00')
})

test('what a rekey needs, and how far it is', async () => {
  const script = { 'GET sys/rekey/init': idle }
  const nothing = await runWith('operator rekey share', { script })
  assert.deepEqual([nothing.code, nothing.err], [1, 'No rekey is in progress.\nhint: start one: signet operator rekey -init\n'])
  const noNonce = await runWith('operator rekey share', { script: { 'GET sys/rekey/init': running } })
  assert.deepEqual([noNonce.code, noNonce.err], [1, 'Missing nonce value: specify it via the -nonce flag\n'])
  assert.equal((await runWith('operator rekey -status', { script })).out, 'Key        Value\n---        -----\nNonce      n/a\nStarted    false\n')
  const waiting = { ...running, verification_required: true, verification_nonce: 'v-1' }
  assert.match(
    (await runWith('operator rekey -status', { script: { 'GET sys/rekey/init': waiting } })).out,
    /Progress +2\/2 \(verification in progress\)[^]*Verification Nonce +v-1\n$/,
  )
})

test('the verification of new shares', async () => {
  const status = { nonce: 'v-1', started: true, t: 2, n: 3, progress: 1 }
  const script = { 'GET sys/rekey/verify': status, 'PUT sys/rekey/verify': status }
  const some = await runWith('operator rekey -verify', { script, typed: 'share' })
  assert.equal(some.sent.at(-1), 'PUT sys/rekey/verify {"key":"share","nonce":"v-1"}')
  assert.match(some.out, /Verification Nonce +v-1\nVerification Progress +1\/2\n$/)
  const all = await runWith('operator rekey -verify', {
    script: { ...script, 'PUT sys/rekey/verify': { nonce: 'v-1', complete: true } },
    typed: 'share',
  })
  assert.match(all.out, /Rekey verification successful\./)
})

test('without a token, a share does to begin and to give up', async () => {
  const env = { VAULT_TOKEN: '' }
  const script = { 'PUT sys/rekey/init': running, 'DELETE sys/rekey/init': 204, 'PUT sys/generate-root/attempt': { ...idle, otp_length: 28 } }
  const sent = async (line: string) => (await runWith(line, { script, env, typed: 'share' })).sent.at(-1)
  assert.match((await sent('operator rekey -init')) ?? '', /"key":"share"}$/)
  assert.equal(await sent('operator rekey -cancel'), 'DELETE sys/rekey/init {"key":"share"}')
  assert.equal(await sent('operator generate-root -init'), 'PUT sys/generate-root/attempt {"key":"share"}')
})

test('a root token from its begin to its decoding', async () => {
  const status = { nonce: 'n-1', started: true, progress: 0, required: 1, complete: false, encoded_token: '', otp: '', otp_length: 4 }
  const script = {
    'PUT sys/generate-root/attempt': { ...status, otp: 'abcd' },
    'GET sys/generate-root/attempt': status,
    'PUT sys/generate-root/update': { ...status, complete: true, progress: 1, encoded_token: 'FQoIAQ', otp_length: 0 },
  }
  const begun = await runWith('operator generate-root -init', { script })
  assert.match(begun.err, /^A One-Time-Password has been generated/)
  assert.equal(begun.out, 'Nonce         n-1\nStarted       true\nProgress      0/1\nComplete      false\nOTP           abcd\nOTP Length    4\n')
  const done = await runWith('operator generate-root', { script, typed: 'share' })
  assert.match(done.out, /Complete +true\nEncoded Token +FQoIAQ\n$/)
  assert.equal((await runWith('operator generate-root -decode=FQoIAQ -otp=abcd')).out, 'thke')
  assert.equal((await runWith('operator generate-root -decode=- -otp=abcd -format=json', { stdin: 'FQoIAQ\n' })).out, '{\n  "token": "thke"\n}\n')
  assert.match((await runWith('operator generate-root -generate-otp', { script })).out, /^[0-9A-Za-z]{4}$/)
  for (const [line, reason] of [
    ['-decode=FQoIAQ', 'Missing otp: use -otp to supply it'],
    ['-decode= -otp=abcd', 'Missing encoded value: use -decode=<string> to supply it'],
    ['-decode=FQoI -otp=abcd', 'Error decoding root token: the encoded token has 3 bytes, the one-time password 4'],
  ]) {
    const { code, err } = await runWith(`operator generate-root ${line}`)
    assert.deepEqual([code, err], [1, `${reason}\n`])
  }
})

test('a recovery token is asked for without a token or a share', async () => {
  const idle = { nonce: 'n', started: true, progress: 0, required: 1, complete: false, otp_length: 28 }
  const script = {
    'GET sys/generate-recovery-token/attempt': idle,
    'PUT sys/generate-recovery-token/attempt': { ...idle, otp: 'x' },
    'PUT sys/generate-recovery-token/update': { ...idle, progress: 1, complete: true, encoded_token: 'abc' },
    'DELETE sys/generate-recovery-token/attempt': 204,
  }
  const make = 'operator generate-root -recovery-token'
  const begun = await runWith(`${make} -init`, { script })
  assert.deepEqual([begun.code, begun.sent], [0, ['PUT sys/generate-recovery-token/attempt {}']])
  assert.deepEqual((await runWith(`${make} -cancel`, { script })).sent, ['DELETE sys/generate-recovery-token/attempt'])
  const given = await runWith(`${make} -nonce=n share`, { script })
  assert.equal(given.sent.at(-1), 'PUT sys/generate-recovery-token/update {"key":"share","nonce":"n"}')
  assert.match(given.out, /^Encoded Token +abc$/m)
  const none = await runWith(make, { script: { ...script, 'GET sys/generate-recovery-token/attempt': { ...idle, started: false } } })
  assert.match(none.err, /start one: signet operator generate-root -init -recovery-token/)
})

test('a root token of a namespace is asked for in it, with its shares', async () => {
  const idle = { nonce: 'n', started: true, progress: 0, required: 1, complete: false, otp_length: 35 }
  const script = {
    'GET sys/generate-root-token/attempt': { data: idle },
    'PUT sys/generate-root-token/attempt': { data: { ...idle, otp: 'x' } },
    'PUT sys/generate-root-token/update': { data: { ...idle, progress: 1, complete: true, encoded_token: 'abc' } },
  }
  const begun = await runWith('operator generate-root -namespace=vault -init', { script })
  assert.deepEqual([begun.code, begun.sent], [0, ['PUT sys/generate-root-token/attempt {}']])
  assert.equal((await runWith('operator generate-root -ns=vault -generate-otp', { script })).out.trim().length, 35)
  const given = await runWith('operator generate-root -namespace=vault -nonce=n share', { script })
  assert.equal(given.sent.at(-1), 'PUT sys/generate-root-token/update {"key":"share","nonce":"n"}')
  assert.match(given.out, /^Encoded Token +abc$/m)
})
