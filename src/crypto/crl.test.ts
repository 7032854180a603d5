import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { encodeName, issueCertificate, pem, toPem } from './certificate.ts'
import { type CrlSpec, issueCrl, type Listed, readCrl, REASONS, type Reason } from './crl.ts'
import { NotDer } from './der.ts'
import { type KeyType, keyIdentifier, newSigningKey } from './signing-key.ts'

const random = { bytes: randomBytes }
const NOW = Math.floor(Date.now() / 1000) * 1000
const HOUR = 3_600_000
const SUBJECT = [['O', 'Signet']] as const
const spec = (listed: readonly Listed[], number = 7): CrlSpec => ({ number, thisUpdate: NOW - 10_000, nextUpdate: NOW + HOUR, listed })

function authority(type: KeyType) {
  const key = newSigningKey(type)
  const issuer = { key, name: encodeName(SUBJECT) }
  const times = { notBefore: NOW - HOUR, notAfter: NOW + HOUR }
  const root = { ...times, subject: SUBJECT, publicKey: key.publicKey, uris: ['spiffe://example.org'], dnsNames: [], authority: true }
  const leaf = (serial: string) => {
    const { publicKey } = newSigningKey('ec-p256')
    const one = { ...times, subject: [], publicKey, uris: ['spiffe://example.org/web'], dnsNames: [], authority: false }
    return issueCertificate({ ...one, serial: Buffer.from(serial, 'hex') }, issuer, random)
  }
  return { issuer, certificate: issueCertificate(root, issuer, random), leaf }
}

describe('a revocation list', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-crl-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  const file = (name: string, content: string) => {
    const path = join(dir, name)
    writeFileSync(path, content)
    return path
  }
  const verify = (root: string, crl: string, leaf: Buffer) => {
    const path = file('leaf.pem', toPem([leaf]))
    const { stdout, stderr } = spawnSync('openssl', ['verify', '-x509_strict', '-crl_check_all', '-CAfile', root, '-CRLfile', crl, path])
    return `${stdout}${stderr}`
  }

  for (const type of ['ec-p256', 'ec-p384', 'rsa-2048'] as const) {
    test(`of a ${type} authority is read and obeyed by OpenSSL`, () => {
      const { issuer, certificate, leaf } = authority(type)
      const root = file('root.pem', toPem([certificate]))
      const serial = 'c0ffee00c0ffee00c0ffee00c0ffee00'
      const crl = file('crl.pem', pem('X509 CRL', issueCrl(spec([{ serial, at: NOW, reason: 'key_compromise' }]), issuer)))
      const shown = spawnSync('openssl', ['crl', '-in', crl, '-CAfile', root, '-noout', '-text'])
      assert.match(String(shown.stderr), /verify OK/)
      for (const wanted of [
        /Version 2/,
        /Key Compromise/,
        /X509v3 CRL Number: *\n *7/,
        /Authority Key Identifier/,
        /C0FFEE00C0FFEE00C0FFEE00C0FFEE00/,
      ]) {
        assert.match(String(shown.stdout), wanted)
      }
      assert.match(verify(root, crl, leaf(serial)), /certificate revoked/)
      assert.match(verify(root, crl, leaf('0a')), /: OK/)
    })
  }

  test('may name nobody', () => {
    const { issuer, certificate, leaf } = authority('ec-p256')
    const der = issueCrl(spec([], 1), issuer)
    const root = file('root.pem', toPem([certificate]))
    assert.match(verify(root, file('crl.pem', pem('X509 CRL', der)), leaf('01')), /: OK/)
    assert.deepEqual(readCrl(der), { authority: keyIdentifier(issuer.key.publicKey).toString('hex'), number: 1, serials: new Set() })
  })

  test('tells every reason by its number, and none for the unspecified', () => {
    const { issuer } = authority('ec-p256')
    const listed = (Object.keys(REASONS) as Reason[]).map((reason, at) => ({ serial: `${at + 1}`, at: NOW, reason }))
    const text = execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-text'], { input: issueCrl(spec(listed), issuer), encoding: 'utf8' })
    for (const reason of ['Key Compromise', 'Affiliation Changed', 'Superseded', 'Cessation Of Operation', 'Privilege Withdrawn']) {
      assert.equal(text.split(reason).length, 2, reason)
    }
    assert.doesNotMatch(text, /Unspecified/)
  })

  test('is read as it was written', () => {
    const { issuer } = authority('ec-p384')
    const serials = ['1', 'ff', '80', 'c0ffee', `f${'0'.repeat(31)}`]
    const found = readCrl(
      issueCrl(
        spec(
          serials.map((serial) => ({ serial, at: NOW, reason: 'unspecified' })),
          70_000,
        ),
        issuer,
      ),
    )
    assert.deepEqual([found.number, [...found.serials]], [70_000, serials])
  })

  test('is refused where it is none', () => {
    const { issuer } = authority('ec-p256')
    const der = issueCrl(spec([{ serial: 'ab', at: NOW, reason: 'superseded' }]), issuer)
    for (let at = 1; at < der.length; at += 7) assert.throws(() => readCrl(der.subarray(0, at)), NotDer)
    assert.throws(() => readCrl(Buffer.alloc(0)), NotDer)
  })
})
