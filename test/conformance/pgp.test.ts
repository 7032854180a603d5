// Shares and tokens encrypted for their holders, who read them with GnuPG.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test, type TestContext } from 'node:test'
import { openWorld, type World } from '../../src/testing/world.ts'
import { folder } from '../support/server.ts'

interface Holder {
  /** Lower-case hex. */
  readonly fingerprint: string
  /** Both binary. */
  readonly publicKey: Buffer
  readonly secretKey: Buffer
  readonly armored: string
  decrypt(base64: string): string
}

const CURVE = 'future-default'
const RSA = 'default'

/** Whose key can sign, and nothing else. */
const signer = (t: TestContext): Holder => holder(t, 'ed25519', 'sign')

function holder(t: TestContext, kind: string, use = 'default'): Holder {
  const home = folder(t)
  const gpg = (args: readonly string[], input?: Buffer): Buffer =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', '--no-tty', ...args], { input: input ?? '', stdio: ['pipe', 'pipe', 'ignore'] })
  t.after(() => execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']))
  gpg(['--passphrase', '', '--quick-generate-key', 'Holder <holder@example.org>', kind, use, 'never'])
  const listed = gpg(['--with-colons', '--fingerprint']).toString()
  return {
    fingerprint: /^fpr:+([0-9A-F]+):/m.exec(listed)?.[1]?.toLowerCase() ?? '',
    publicKey: gpg(['--export']),
    secretKey: gpg(['--export-secret-keys']),
    armored: gpg(['--export', '--armor']).toString(),
    decrypt: (text) => gpg(['--decrypt'], Buffer.from(text, 'base64')).toString(),
  }
}

const inBase64 = (one: Holder): string => one.publicKey.toString('base64')
const share = (world: World): string => world.share.toString('hex')

test('a new server’s shares and root token', async (t) => {
  const [ann, ben] = [holder(t, CURVE), holder(t, RSA)]
  const world = await openWorld({ blank: true })
  const made = await world.ok('write', 'sys/init', {
    secret_shares: 2,
    secret_threshold: 2,
    pgp_keys: [inBase64(ann), Buffer.from(ben.armored).toString('base64')],
    root_token_pgp_key: inBase64(ben),
  })
  assert.deepEqual(
    made.keys,
    made.keys_base64.map((one: string) => Buffer.from(one, 'base64').toString('hex')),
  )
  const keys = [ann.decrypt(made.keys_base64[0]), ben.decrypt(made.keys_base64[1])]
  assert.match(keys[0] as string, /^[0-9a-f]{66}$/)
  for (const key of keys) await world.ok('write', 'sys/unseal', { key })
  await world.ok('read', 'sys/mounts', {}, { token: ben.decrypt(made.root_token) })
  await world.close()
})

test('a root token', async (t) => {
  const ann = holder(t, CURVE)
  const world = await openWorld()
  const begun = await world.ok('write', 'sys/generate-root/attempt', { pgp_key: inBase64(ann) })
  assert.deepEqual([begun.otp, begun.pgp_fingerprint], ['', ann.fingerprint])
  const told = await world.ok('write', 'sys/generate-root/update', { key: share(world), nonce: begun.nonce })
  assert.equal(told.pgp_fingerprint, ann.fingerprint)
  await world.ok('read', 'sys/mounts', {}, { token: ann.decrypt(told.encoded_token) })
  await world.close()
})

test('new shares, which the server keeps until they are deleted', async (t) => {
  const [ann, ben] = [holder(t, CURVE), holder(t, CURVE)]
  for (const require_verification of [false, true]) {
    const world = await openWorld()
    const request = { secret_shares: 3, secret_threshold: 2, backup: true, pgp_keys: [ann, ben, ann].map(inBase64), require_verification }
    const begun = await world.ok('write', 'sys/rekey/init', request)
    const fingerprints = [ann, ben, ann].map((one) => one.fingerprint)
    assert.deepEqual([begun.pgp_fingerprints, begun.backup], [fingerprints, true])
    const told = await world.ok('write', 'sys/rekey/update', { nonce: begun.nonce, key: share(world) })
    assert.deepEqual([told.pgp_fingerprints, told.backup], [fingerprints, true])
    const kept = await world.ok('read', 'sys/rekey/backup')
    assert.deepEqual(kept.data.keys_base64, {
      [ann.fingerprint]: [told.keys_base64[0], told.keys_base64[2]],
      [ben.fingerprint]: [told.keys_base64[1]],
    })
    assert.deepEqual([kept.nonce, kept.data.nonce], [begun.nonce, begun.nonce])
    assert.equal(kept.keys[ben.fingerprint][0], told.keys[1])
    const keys = [ben.decrypt(told.keys_base64[1]), ann.decrypt(told.keys_base64[2])]
    if (require_verification) for (const key of keys) await world.ok('write', 'sys/rekey/verify', { nonce: told.verification_nonce, key })
    world.sealer.seal()
    world.sealer.reset()
    for (const key of keys) await world.ok('write', 'sys/unseal', { key })
    assert.equal((await world.ok('read', 'sys/seal-status')).sealed, false)
    await world.ok('delete', 'sys/rekey/backup')
    const none = await world.call('read', 'sys/rekey/backup')
    assert.deepEqual([none.status, none.body.errors], [400, ['no backed-up keys found']])
    await world.close()
  }
})

test('kept shares that come to nothing leave those of before', async (t) => {
  const ann = holder(t, CURVE)
  const world = await openWorld()
  const rekeyed = async (require_verification: boolean) => {
    const request = { secret_shares: 1, secret_threshold: 1, backup: true, pgp_keys: [inBase64(ann)], require_verification }
    return (await world.ok('write', 'sys/rekey/init', request)).nonce
  }
  const kept = async () => (await world.ok('read', 'sys/rekey/backup')).data
  const first = await rekeyed(false)
  const { keys_base64 } = await world.ok('write', 'sys/rekey/update', { nonce: first, key: share(world) })
  const second = await rekeyed(true)
  assert.equal((await kept()).nonce, first)
  await world.ok('write', 'sys/rekey/update', { nonce: second, key: ann.decrypt(keys_base64[0]) })
  assert.equal((await kept()).nonce, second)
  await world.ok('delete', 'sys/rekey/init')
  assert.deepEqual((await kept()).keys_base64, { [ann.fingerprint]: keys_base64 })
  await world.close()
})

test('keys that encrypt nothing are refused before anything begins', async (t) => {
  const ann = holder(t, CURVE)
  const world = await openWorld()
  const refused = async (path: string, request: object): Promise<string> => {
    const { status, body } = await world.call('write', path, request as never)
    assert.equal(status, 400)
    return body.errors[0]
  }
  const rekey = (keys: readonly string[], shares = keys.length) =>
    refused('sys/rekey/init', { secret_shares: shares, secret_threshold: shares, pgp_keys: keys })
  assert.equal(await rekey([inBase64(ann)], 2), 'incorrect number of PGP keys for rekey')
  assert.match(await rekey(['bm90aGluZw==']), /^error parsing PGP key: /)
  assert.match(await rekey([ann.secretKey.toString('base64')]), /^error parsing PGP key: this is a private key/)
  assert.match(await rekey([inBase64(signer(t))]), /^error parsing PGP key: /)
  assert.match(await refused('sys/generate-root/attempt', { pgp_key: 'bm90aGluZw==' }), /^error parsing PGP key: /)
  assert.equal((await world.ok('read', 'sys/rekey/init')).started, false)
  assert.equal((await world.ok('read', 'sys/generate-root/attempt')).started, false)
  await world.close()
  const blank = await openWorld({ blank: true })
  const init = await blank.call('write', 'sys/init', { secret_shares: 1, secret_threshold: 1, pgp_keys: ['bm90aGluZw=='] })
  assert.equal(init.status, 400)
  assert.equal((await blank.ok('read', 'sys/init')).initialized, false)
  await blank.close()
})
