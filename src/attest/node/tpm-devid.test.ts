import assert from 'node:assert/strict'
import { createHash, createPublicKey, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { toPem } from '../../crypto/certificate.ts'
import { newSigningKey } from '../../crypto/signing-key.ts'
import { parseTpmPublic } from '../../crypto/tpm.ts'
import { attestBy } from '../../testing/attestation.ts'
import { testAuthority, testCertificate } from '../../testing/certificates.ts'
import { settableClock } from '../../testing/clock.ts'
import { ATTESTATION_KEY, describeWithTpm, DEVICE_KEY, openTestTpm, RSA, type TestTpm } from '../../testing/swtpm.ts'
import { tpmDevId } from './tpm-devid.ts'

const authority = testAuthority('devices')
/** tpm2-tools' own format: both parts of a credential after a magic number and a version. */
const CREDENTIAL_HEAD = Buffer.from('badcc0de00000001', 'hex')
const year = Date.UTC(2030, 0, 2) - Date.now()

function sized(bytes: Buffer): Buffer {
  const head = Buffer.alloc(2)
  head.writeUInt16BE(bytes.length)
  return Buffer.concat([head, bytes])
}

/** A machine with a TPM, in which a device key and an attestation key were made. */
async function machine(dir: string) {
  const tpm = await openTestTpm(dir)
  const keys = { dev: tpm.key('dev', DEVICE_KEY), ak: tpm.key('ak', ATTESTATION_KEY, RSA) }
  return Object.assign(tpm, { keys, certification: certify(tpm, 'dev') })
}

/** What `by` certifies of `key`. */
function certify(tpm: TestTpm, key: string, by = 'ak'): { attest: Buffer; signature: Buffer } {
  tpm.run('tpm2_certify', '-Q', '-c', `${key}.ctx`, '-C', `${by}.ctx`, '-g', 'sha256', '-o', 'attest', '-s', 'signature')
  return { attest: tpm.read('attest'), signature: tpm.read('signature') }
}

type Machine = Awaited<ReturnType<typeof machine>>

describeWithTpm('tpm_devid', () => {
  let dir: string
  let one: Machine
  let other: Machine
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'signet-tpm-'))
    one = await machine(join(dir, 'one'))
    other = await machine(join(dir, 'other'))
  })
  after(() => {
    one.close()
    other.close()
    rmSync(dir, { recursive: true })
  })

  /** By the authority of devices, for a key in a TPM. */
  function deviceCertificate(publicArea: Buffer): Buffer {
    const publicKey = parseTpmPublic(publicArea).key.export({ format: 'der', type: 'spki' })
    return testCertificate('device-1', { issuer: authority, publicKey, notAfter: Date.now() + year + 1e10 }).der
  }

  function payload(tpm: Machine, more: Record<string, Buffer> = {}): JsonObject {
    const { attest, signature } = tpm.certification
    const parts = {
      DevIDPub: tpm.keys.dev,
      EKCert: tpm.endorsement.certificate,
      EKPub: tpm.endorsement.publicArea,
      AKPub: tpm.keys.ak,
      CertifiedDevID: attest,
      CertificationSignature: signature,
      ...more,
    }
    const certificate = more['certificate'] ?? deviceCertificate(tpm.keys.dev)
    return {
      DevIDCert: [certificate.toString('base64')],
      ...Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, bytes.toString('base64')])),
    }
  }

  /** What the machine does with a challenge: signs by one key, and opens the credential by another. */
  const answerBy =
    (tpm: Machine, key = 'dev') =>
    (challenge: any): JsonObject => {
      const bytes = (text: string) => Buffer.from(text, 'base64')
      writeFileSync(tpm.at('nonce'), bytes(challenge.DevID))
      tpm.run('tpm2_sign', '-Q', '-c', `${key}.ctx`, '-g', 'sha256', '-f', 'plain', '-o', 'signed', 'nonce')
      const { Credential, Secret } = challenge.CredActivation
      writeFileSync(tpm.at('credential'), Buffer.concat([CREDENTIAL_HEAD, sized(bytes(Credential)), sized(bytes(Secret))]))
      tpm.run('tpm2_startauthsession', '--policy-session', '-S', 'session')
      tpm.run('tpm2_policysecret', '-Q', '-S', 'session', '-c', 'e')
      tpm.run('tpm2_activatecredential', '-Q', '-c', 'ak.ctx', '-C', '0x81010001', '-i', 'credential', '-o', 'secret', '-P', 'session:session')
      tpm.run('tpm2_flushcontext', 'session')
      return { DevID: tpm.read('signed').toString('base64'), CredActivation: tpm.read('secret').toString('base64') }
    }

  const attest = (more: Partial<Parameters<typeof attestBy>[1]> = {}) =>
    attestBy(tpmDevId, {
      settings: { devid_ca: toPem([authority.der]), endorsement_ca: one.makers },
      payload: payload(one),
      answer: answerBy(one),
      ctx: { clock: settableClock(Date.UTC(2030, 0, 2)) }, // makers certify without end
      ...more,
    })

  const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
    assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

  test('names the node by its certificate, and tells what that and its authorities say', async () => {
    const certificate = deviceCertificate(one.keys.dev)
    const sha1 = (der: Buffer) => createHash('sha1').update(der).digest('hex')
    const found = await attest({ payload: payload(one, { certificate }) })
    assert.deepEqual(found, {
      path: sha1(certificate),
      selectors: ['subject:cn:device-1', 'issuer:cn:devices', `ca:fingerprint:${sha1(authority.der)}`],
      canReattest: true,
    })
  })

  test('takes RSA keys of devices', async () => {
    const key = one.key('rsa', DEVICE_KEY, RSA)
    const { attest: certified, signature } = certify(one, 'rsa')
    const more = { DevIDPub: key, CertifiedDevID: certified, CertificationSignature: signature, certificate: deviceCertificate(key) }
    assert.equal((await attest({ payload: payload(one, more), answer: answerBy(one, 'rsa') })).canReattest, true)
  })

  test('refuses a TPM of a maker that is not known, and another’s certificate', async () => {
    await refused(attest({ payload: payload(other), answer: answerBy(other) }), 'denied', /unknown authority/)
    const mixed = payload(one, { EKPub: other.endorsement.publicArea })
    await refused(attest({ payload: mixed }), 'denied', /endorsement key is not that of its certificate/)
  })

  test('refuses keys of a TPM besides the endorsed one: its credential can’t be opened there', async () => {
    const theirs = payload(other, { EKCert: one.endorsement.certificate, EKPub: one.endorsement.publicArea })
    const answer = (challenge: any): JsonObject => {
      assert.throws(() => answerBy(other)(challenge))
      return { DevID: other.read('signed').toString('base64'), CredActivation: randomBytes(32).toString('base64') }
    }
    await refused(attest({ payload: theirs, answer }), 'denied', /credential activation failed/)
  })

  test('refuses a key of software, certified by a key that signs whatever it is given', async () => {
    const software = newSigningKey('ec-p256')
    const spki = createPublicKey(software.key).export({ format: 'der', type: 'spki' })
    const certificate = testCertificate('x', { issuer: authority, publicKey: spki, notAfter: Date.now() + year + 1e10 }).der
    await refused(attest({ payload: payload(one, { certificate }) }), 'denied', /key of the device is not that of its certificate/)
    const loose = one.key('loose', DEVICE_KEY, RSA)
    const forged = certify(one, 'dev', 'loose')
    const more = { AKPub: loose, CertifiedDevID: forged.attest, CertificationSignature: forged.signature }
    await refused(attest({ payload: payload(one, more) }), 'denied', /attestation key is none/)
  })

  test('refuses a device key that could be taken elsewhere', async () => {
    const free = one.key('free', 'sensitivedataorigin|userwithauth|sign')
    const { attest: certified, signature } = certify(one, 'free')
    const more = { DevIDPub: free, CertifiedDevID: certified, CertificationSignature: signature, certificate: deviceCertificate(free) }
    await refused(attest({ payload: payload(one, more) }), 'denied', /could be elsewhere/)
  })

  test('refuses a certification of another key, by another key, of something else, or changed', async () => {
    one.key('second', DEVICE_KEY)
    const ofSecond = certify(one, 'second')
    const more = (attested: Buffer, signature: Buffer) => payload(one, { CertifiedDevID: attested, CertificationSignature: signature })
    await refused(attest({ payload: more(ofSecond.attest, ofSecond.signature) }), 'denied', /certification is of another key/)
    const theirs = other.certification
    await refused(attest({ payload: more(theirs.attest, theirs.signature) }), 'denied', /did not sign the certification/)
    one.run('tpm2_quote', '-Q', '-c', 'ak.ctx', '-l', 'sha256:0', '-g', 'sha256', '-m', 'quote', '-s', 'quote.signature')
    await refused(attest({ payload: more(one.read('quote'), one.read('quote.signature')) }), 'invalid', /no TPM certifies/)
    const changed = Buffer.from(one.certification.attest)
    changed[changed.length - 1] = (changed.at(-1) as number) ^ 1
    await refused(attest({ payload: more(changed, one.certification.signature) }), 'denied', /did not sign the certification/)
  })

  test('refuses answers by other keys and to other challenges', async () => {
    const earlier = { DevID: '', CredActivation: '' } as JsonObject
    await attest({ answer: (challenge) => Object.assign(earlier, answerBy(one)(challenge)) })
    const mixed = (name: string) => attest({ answer: (challenge) => ({ ...answerBy(one)(challenge), [name]: earlier[name] as string }) })
    await refused(mixed('DevID'), 'denied', /devID challenge verification failed/)
    await refused(mixed('CredActivation'), 'denied', /credential activation failed/)
    const own = newSigningKey('ec-p256')
    const signed = (challenge: any) => sign('sha256', Buffer.from(challenge.DevID, 'base64'), own.key).toString('base64')
    await refused(attest({ answer: (challenge) => ({ ...answerBy(one)(challenge), DevID: signed(challenge) }) }), 'denied', /devID challenge/)
    await refused(attest({ answer: () => ({}) }), 'denied', /devID challenge/)
  })

  test('refuses what is malformed, wherever it is', async () => {
    const whole = payload(one)
    for (const name of ['DevIDPub', 'AKPub', 'EKPub', 'EKCert', 'CertifiedDevID', 'CertificationSignature']) {
      await refused(attest({ payload: { ...whole, [name]: '' } }), 'invalid', new RegExp(`missing ${name}`))
      const short = Buffer.from(whole[name] as string, 'base64')
        .subarray(0, -1)
        .toString('base64')
      await assert.rejects(attest({ payload: { ...whole, [name]: short } }), Fault)
      await assert.rejects(attest({ payload: { ...whole, [name]: randomBytes(300).toString('base64') } }), Fault)
    }
    await refused(attest({ payload: { ...whole, DevIDCert: [] } }), 'invalid', /no certificate/)
    const stranger = testCertificate('device-1', { issuer: testAuthority('devices') }).der.toString('base64')
    await refused(attest({ payload: { ...whole, DevIDCert: [stranger] } }), 'denied', /unknown authority/)
  })

  test('is not offered without authorities', () => {
    assert.throws(() => tpmDevId.check({ devid_ca: '', endorsement_ca: one.makers }), /devid_ca has no PEM/)
    assert.throws(() => tpmDevId.check({ devid_ca: toPem([authority.der]), endorsement_ca: '' }), /endorsement_ca has no PEM/)
  })
})
