// Against SoftHSM, a security module in software, with a token of the test's own.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import { parseShape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { pkcs11Seal, pkcs11Shape } from './pkcs11.ts'

const LIBRARY = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/softhsm/libsofthsm2.so', '/usr/local/lib/softhsm/libsofthsm2.so'].find(existsSync)
const skip = LIBRARY === undefined ? 'SoftHSM is not installed' : false
const home = mkdtempSync(join(tmpdir(), 'softhsm-'))
after(() => rmSync(home, { recursive: true }))

const rootKey = randomBytes(32)

if (LIBRARY !== undefined) {
  mkdirSync(join(home, 'tokens'))
  writeFileSync(join(home, 'softhsm2.conf'), `directories.tokendir = ${home}/tokens\nlog.level = ERROR\n`)
  process.env['SOFTHSM2_CONF'] = join(home, 'softhsm2.conf')
  const hsm = (...args: string[]) => execFileSync('softhsm2-util', [...args, '--token', 'signet', '--pin', '4321'], { stdio: 'ignore' })
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', 'signet', '--pin', '4321', '--so-pin', '1234'], { stdio: 'ignore' })
  for (const [label, id] of [
    ['aes', 'a1'],
    ['twin', 'a2'],
    ['twin', 'a3'],
  ] as const) {
    writeFileSync(join(home, 'key'), randomBytes(16).toString('hex')) // the tool skips bytes that are white space
    hsm('--import', join(home, 'key'), '--aes', '--label', label, '--id', id)
  }
  execFileSync('openssl', ['genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', join(home, 'rsa.pem')], { stdio: 'ignore' })
  hsm('--import', join(home, 'rsa.pem'), '--label', 'rsa', '--id', 'b1')
}

function open(more: JsonObject) {
  const raw = { lib: LIBRARY ?? '', token_label: 'signet', pin: '4321', ...more }
  return pkcs11Seal(parseShape(pkcs11Shape, raw), { random: { bytes: randomBytes } })
}

for (const [name, stanza] of [
  ['an AES key', { key_label: 'aes' }],
  ['an AES key, by its id', { key_id: '0xA1', mechanism: 'CKM_AES_GCM' }],
  ['an RSA key', { key_label: 'rsa', rsa_oaep_hash: 'sha1' }],
  ['an RSA key, with the mechanism named', { key_label: 'rsa', key_id: 'b1', mechanism: '0x9', rsa_oaep_hash: 'sha1' }],
] as const) {
  test(`wraps and unwraps by ${name}`, { skip }, async () => {
    const seal = open(stanza)
    const wrapped = await Promise.all([seal.wrap(rootKey), seal.wrap(rootKey)])
    assert.notEqual(wrapped[0].text, wrapped[1].text)
    assert.ok(!Buffer.from(wrapped[0].text, 'base64').includes(rootKey))
    for (const one of wrapped) assert.deepEqual(Buffer.from(await seal.unwrap(one)), rootKey)
    for (let n = 0; n < 50; n++) assert.deepEqual(Buffer.from(await seal.unwrap(await seal.wrap(rootKey))), rootKey)
  })
}

test('says why it can’t, and works again when it can', { skip }, async () => {
  const seal = open({ key_label: 'aes' })
  const wrapped = await seal.wrap(rootKey)
  await assert.rejects(open({ key_label: 'aes', pin: '0000' }).wrap(rootKey), /C_Login: the PIN is wrong/)
  await assert.rejects(open({ key_label: 'none' }).wrap(rootKey), /the token has no such key/)
  await assert.rejects(open({ key_label: 'twin' }).wrap(rootKey), /several such keys; give key_label and key_id/)
  await assert.rejects(open({ key_label: 'aes', mechanism: 'RSA_PKCS_OAEP' }).wrap(rootKey), /the token has no such key/)
  await assert.rejects(open({ key_label: 'aes', token_label: 'none' }).wrap(rootKey), /no slot has a token with the label "none"/)
  await assert.rejects(open({ key_label: 'rsa', rsa_oaep_hash: 'sha512' }).wrap(rootKey), /C_EncryptInit: /)
  await assert.rejects(open({ key_label: 'twin', key_id: 'a2' }).unwrap(wrapped), /C_Decrypt: /)
  await assert.rejects(seal.unwrap({ ...wrapped, text: 'AAAA' }), /C_Decrypt/)
  assert.deepEqual(Buffer.from(await seal.unwrap(wrapped)), rootKey)
})

test('parameters that can’t be used', { skip }, () => {
  const cases: [JsonObject, RegExp][] = [
    [{ lib: '/none.so', key_label: 'aes' }, /^\/none\.so can't be loaded as a PKCS#11 library/],
    [{ key_label: 'aes', slot: '1' }, /^slot or token_label is needed, and only one of them$/],
    [{ key_label: 'aes', token_label: '' }, /^slot or token_label is needed, and only one of them$/],
    [{ key_label: 'aes', token_label: '', slot: 'x' }, /^slot must be a number$/],
    [{}, /^key_label or key_id is needed$/],
    [{ key_id: 'xyz' }, /^key_id must be hex$/],
    [{ key_label: 'aes', mechanism: 'AES_CBC' }, /^mechanism "AES_CBC" is not offered; AES_GCM and RSA_PKCS_OAEP are$/],
  ]
  for (const [more, message] of cases)
    assert.throws(
      () => open(more),
      (error) => error instanceof Fault && message.test(error.message),
    )
})
