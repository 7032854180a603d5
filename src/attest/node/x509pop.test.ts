import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { constants, createHash, createPrivateKey, randomBytes, sign, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { fromPem, toPem } from '../../crypto/certificate.ts'
import { newSigningKey, openSigningKey } from '../../crypto/signing-key.ts'
import { attestBy } from '../../testing/attestation.ts'
import { hugeRsaKey, type TestCertificate, testAuthority, testCertificate } from '../../testing/certificates.ts'
import { settableClock } from '../../testing/clock.ts'
import { x509pop } from './x509pop.ts'

const root = testAuthority('root')
const middle = testAuthority('middle', { issuer: root })
const leaf = testCertificate('node-1', { issuer: middle })
const settings = { ca_bundle: toPem([root.der]) }
const payloadOf = (...chain: TestCertificate[]): JsonObject => ({ certificates: chain.map(({ der }) => der.toString('base64')) })
const sha1 = ({ der }: TestCertificate) => createHash('sha1').update(der).digest('hex')

/** What SPIRE's agent answers. */
function answerBy({ key }: TestCertificate) {
  return (challenge: any): JsonObject => {
    const kind = key.type.startsWith('rsa') ? 'rsa_signature' : 'ecdsa_signature'
    const nonce = randomBytes(32)
    const message = Buffer.concat([Buffer.from(challenge[kind].nonce, 'base64'), nonce])
    if (kind === 'rsa_signature') {
      const signature = sign('sha256', message, { key: key.key, padding: constants.RSA_PKCS1_PSS_PADDING })
      return { [kind]: { nonce: nonce.toString('base64'), signature: signature.toString('base64') } }
    }
    const signature = sign('sha256', message, { key: key.key, dsaEncoding: 'ieee-p1363' })
    const half = signature.length / 2
    return { [kind]: { nonce: nonce.toString('base64'), r: bare(signature.subarray(0, half)), s: bare(signature.subarray(half)) } }
  }
}

/** Go writes numbers without leading zeros. */
function bare(number: Buffer): string {
  const from = number.findIndex((byte) => byte !== 0)
  return number.subarray(from).toString('base64')
}

const attest = (more: Partial<Parameters<typeof attestBy>[1]> = {}) =>
  attestBy(x509pop, { settings, payload: payloadOf(leaf, middle), answer: answerBy(leaf), ...more })

const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
  assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

describe('x509pop', () => {
  test('names the node by its certificate, and tells of it what the certificate and its authorities say', async () => {
    const { path, selectors, canReattest } = await attest()
    assert.deepEqual([path, canReattest], [sha1(leaf), true])
    const serial = new X509Certificate(leaf.der).serialNumber.toLowerCase()
    const above = [root, middle].map((one) => `ca:fingerprint:${sha1(one)}`)
    assert.deepEqual(new Set(selectors), new Set(['subject:cn:node-1', `serialnumber:${serial}`, ...above]))
  })

  for (const type of ['ec-p384', 'rsa-2048'] as const) {
    test(`takes keys of kind ${type}`, async () => {
      const own = testCertificate('node', { issuer: root, type })
      assert.equal((await attest({ payload: payloadOf(own), answer: answerBy(own) })).path, sha1(own))
    })
  }

  test('makes paths by a template, and selectors of the URIs that are meant so', async () => {
    const uris = ['x509pop://example.org/region/eu', 'x509pop://other.org/region/us', 'https://example.org']
    const own = testCertificate('Node', { issuer: root, uris })
    const template = '/x509pop/{{ .URISanSelectors.region }}/{{ .Subject.CommonName | lower }}'
    const found = await attest({ settings: { ...settings, agent_path_template: template }, payload: payloadOf(own), answer: answerBy(own) })
    assert.equal(found.path, 'eu/node')
    assert.deepEqual(
      found.selectors.filter((one) => one.startsWith('san:')),
      ['san:region:eu'],
    )
  })

  test('in mode spiffe takes SVIDs of the trust domain below the prefix', async () => {
    const own = testAuthority('td', { uris: ['spiffe://example.org'] })
    const svid = testCertificate('x', { issuer: own, uris: ['spiffe://example.org/spire-exchange/rack/7'] })
    const ctx = { authorities: [own.der] }
    const found = await attest({ settings: { mode: 'spiffe' }, payload: payloadOf(svid), answer: answerBy(svid), ctx })
    assert.equal(found.path, 'rack/7')
    for (const uri of ['spiffe://example.org/web', 'spiffe://example.org/spire-exchangers/x', 'spiffe://other.org/spire-exchange/a']) {
      const other = testCertificate('x', { issuer: own, uris: [uri] })
      await refused(
        attest({ settings: { mode: 'spiffe' }, payload: payloadOf(other), answer: answerBy(other), ctx }),
        'denied',
        /below spiffe_prefix|no bundle/,
      )
    }
    await refused(attest({ settings: { mode: 'spiffe' }, ctx }), 'denied', /verification failed/)
    const revoked = { ...ctx, isRevoked: () => true }
    const lost = attest({ settings: { mode: 'spiffe' }, payload: payloadOf(svid), answer: answerBy(svid), ctx: revoked })
    await refused(lost, 'denied', /verification failed: certificate is revoked/)
  })

  test('takes what lies between in any order, and notes only what a path goes by', async () => {
    const low = testAuthority('low', { issuer: middle })
    const own = testCertificate('node', { issuer: low })
    const stray = testAuthority('stray')
    const { selectors } = await attest({ payload: payloadOf(own, stray, middle, low), answer: answerBy(own) })
    assert.deepEqual(
      selectors.filter((one) => one.startsWith('ca:')).toSorted(),
      [root, middle, low].map((one) => `ca:fingerprint:${sha1(one)}`).toSorted(),
    )
  })

  test('gives up on authorities that all issued each other', async () => {
    const key = newSigningKey('ec-p256')
    const subject = [['CN', 'ring']] as const
    const ring = Array.from({ length: 8 }, () => testAuthority('ring', { key, subject }))
    const own = testCertificate('node', { issuer: ring[0] as TestCertificate })
    const more = { ...settings, max_intermediates: 8 }
    await refused(attest({ settings: more, payload: payloadOf(own, ...ring) }), 'denied', /too many ways/)
  })

  const now = settableClock().now()
  const stranger = testAuthority('root')
  const notAuthority = testCertificate('no authority', { issuer: root })
  const untilYesterday = testAuthority('old', { issuer: root, notAfter: now - 1 })
  for (const [why, chain, code, message] of [
    ['no certificate', [], 'invalid', /no certificate/],
    ['an authority of the same name and another key', [testCertificate('node', { issuer: stranger })], 'denied', /unknown authority/],
    ['what lies between left out', [leaf], 'denied', /unknown authority/],
    [
      'a chain to another authority',
      [testCertificate('node', { issuer: testAuthority('low', { issuer: stranger }) }), stranger],
      'denied',
      /unknown authority/,
    ],
    ['a certificate that ended', [testCertificate('node', { issuer: root, notAfter: now - 1 })], 'denied', /has expired/],
    ['a certificate of the future', [testCertificate('node', { issuer: root, notBefore: now + 1000 })], 'denied', /not yet valid/],
    ['an authority that ended', [testCertificate('node', { issuer: untilYesterday }), untilYesterday], 'denied', /unknown authority/],
    ['a certificate that is no authority', [testCertificate('node', { issuer: notAuthority }), notAuthority], 'denied', /unknown authority/],
    ['one that signed itself', [testCertificate('node')], 'denied', /unknown authority/],
    ['an authority as the node', [middle], 'denied', /digital signature/],
    ['a long chain', [leaf, middle, middle, middle, middle, middle], 'invalid', /too many/],
    ['a huge key', [testCertificate('node', { issuer: root, publicKey: hugeRsaKey(16_384) })], 'invalid', /kind or size/],
    ['a huge key between', [leaf, testAuthority('x', { issuer: root, publicKey: hugeRsaKey(16_384) })], 'invalid', /kind or size/],
    ['a small key', [testCertificate('node', { issuer: root, publicKey: hugeRsaKey(1024) })], 'invalid', /kind or size/],
  ] as const) {
    test(`refuses ${why}`, () => refused(attest({ payload: payloadOf(...chain) }), code, message))
  }

  for (const [why, payload] of [
    ['no JSON', Buffer.from('{')],
    ['nothing', Buffer.alloc(0)],
    ['a list', Buffer.from('[]')],
    ['certificates of another kind', { certificates: 'x' }],
    ['no base64', { certificates: ['*'] }],
    ['no DER', { certificates: ['AAAA'] }],
  ] satisfies [string, JsonObject | Buffer][]) {
    test(`refuses ${why}`, () => refused(attest({ payload }), 'invalid', /./))
  }

  describe('the answer to the challenge', () => {
    const wrong = (change: (answer: any, challenge: any) => JsonObject) =>
      attest({ answer: (challenge) => change(answerBy(leaf)(challenge), challenge) })
    test('by another key', () => refused(attest({ answer: answerBy(middle) }), 'denied', /signature verify failed/))
    test('of an earlier challenge', async () => {
      let first: JsonObject | undefined
      await wrong((answer) => (first = answer))
      await refused(
        wrong(() => first as JsonObject),
        'denied',
        /signature verify failed/,
      )
    })
    test('for the other kind of key', () =>
      refused(
        wrong(({ ecdsa_signature: { nonce, r } }) => ({ rsa_signature: { nonce, signature: r } })),
        'denied',
        /expecting ecdsa_signature/,
      ))
    test('with a short nonce', () =>
      refused(
        wrong(({ ecdsa_signature: one }) => ({ ecdsa_signature: { ...one, nonce: 'AAAA' } })),
        'denied',
        /nonce/,
      ))
    test('with numbers of zero, none, or too many bytes', async () => {
      for (const r of ['AA==', '', Buffer.alloc(33, 1).toString('base64'), Buffer.alloc(100_000, 1).toString('base64')]) {
        await refused(
          wrong(({ ecdsa_signature: one }) => ({ ecdsa_signature: { ...one, r } })),
          'denied',
          /signature verify failed/,
        )
      }
    })
    test('that is empty', () => refused(attest({ answer: () => Buffer.alloc(0) }), 'invalid', /challenge response/))
    test('by the padding of an older time', () => {
      const own = testCertificate('node', { issuer: root, type: 'rsa-2048' })
      const answer = (challenge: any): JsonObject => {
        const nonce = randomBytes(32)
        const signature = sign('sha256', Buffer.concat([Buffer.from(challenge.rsa_signature.nonce, 'base64'), nonce]), own.key.key)
        return { rsa_signature: { nonce: nonce.toString('base64'), signature: signature.toString('base64') } }
      }
      return refused(attest({ payload: payloadOf(own), answer }), 'denied', /signature verify failed/)
    })
  })

  test('a name with a slash or dots makes no path', async () => {
    const withTemplate = { ...settings, agent_path_template: '/x509pop/{{ .Subject.CommonName }}' }
    const climbing = testCertificate('../../server', { issuer: root })
    await refused(attest({ settings: withTemplate, payload: payloadOf(climbing), answer: answerBy(climbing) }), 'denied', /slash/)
    const nameless = testCertificate('', { issuer: root, subject: [['O', 'x']] })
    await refused(attest({ settings: withTemplate, payload: payloadOf(nameless), answer: answerBy(nameless) }), 'denied', /has no Subject.CommonName/)
  })

  describe('certificates of another maker', () => {
    const made = (...args: string[]): TestCertificate & { pem: string } => {
      const { stdout } = spawnSync(
        'openssl',
        ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-', '-subj', '/CN=n', ...args],
        { encoding: 'utf8' },
      )
      const key = createPrivateKey(stdout.slice(0, stdout.indexOf('-----BEGIN CERT')))
      const signing = openSigningKey('ec-p256', key.export({ format: 'der', type: 'pkcs8' }))
      const pem = stdout.slice(stdout.indexOf('-----BEGIN CERT'))
      return { der: fromPem(pem)[0] as Buffer, key: signing, subject: [], pem }
    }
    const usage = ['-addext', 'keyUsage=digitalSignature', '-addext', 'basicConstraints=CA:FALSE']
    const today = { clock: settableClock(Date.now() + 60_000) } // openssl begins them at its own time

    test('may be listed themselves, and name the address that the node comes from', async () => {
      const own = made(...usage, '-addext', 'subjectAltName=IP:192.0.2.7,IP:2001:db8::7')
      const by = (address: string) =>
        attest({
          settings: { ca_bundle: own.pem, verify_client_ip: true },
          payload: payloadOf(own),
          answer: answerBy(own),
          ctx: { ...today, address },
        })
      for (const address of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8:0::7']) assert.equal((await by(address)).path, sha1(own))
      for (const address of ['192.0.2.8', '2001:db8::8']) await refused(by(address), 'denied', /does not match any IP address/)
    })

    test('are refused where SHA-1 signed them, or an extension is critical that nobody knows', async () => {
      for (const args of [['-sha1'], ['-addext', '1.2.3.4=critical,DER:0500']]) {
        const authority = made('-addext', 'keyUsage=keyCertSign', ...args)
        await refused(
          attest({ settings: { ca_bundle: authority.pem }, payload: payloadOf(made(...usage, ...args)), ctx: today }),
          'denied',
          /verification failed/,
        )
      }
    })
  })

  for (const [why, given, message] of [
    ['no authorities', {}, /ca_bundle is needed/],
    ['an empty bundle', { ca_bundle: 'x' }, /no PEM certificates/],
    ['a broken bundle', { ca_bundle: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----' }, /malformed certificate/],
    ['a bundle in mode spiffe', { ...settings, mode: 'spiffe' }, /cannot be used/],
    ['a template of another attestor', { ...settings, agent_path_template: '/sshpop/{{ .Fingerprint }}' }, /must begin with/],
    ['absurd limits', { ...settings, max_rsa_key_size: 65_536 }, /from 2048 to 8192/],
    ['a negative limit', { ...settings, max_intermediates: -1 }, /from 0 to 8/],
    ['an unknown mode', { ...settings, mode: 'x' }, /must be one of/],
  ] as const) {
    test(`is not offered with ${why}`, () => assert.throws(() => x509pop.check(given), message))
  }
})
