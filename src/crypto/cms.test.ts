import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { openSigned } from './cms.ts'

describe('signed data', () => {
  let dir: string
  const at = (name: string) => join(dir, name)
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-cms-'))
    for (const [name, ...kind] of [
      ['rsa', 'rsa:2048'],
      ['ec', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
      ['other', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
    ] as [string, string][]) {
      const args = ['req', '-x509', '-newkey', ...kind, '-nodes', '-keyout', at(`${name}.key`), '-out', at(`${name}.pem`), '-subj', `/CN=${name}`]
      execFileSync('openssl', args, { stdio: 'ignore' })
    }
  })
  after(() => rmSync(dir, { recursive: true }))

  const certificate = (name: string) => new X509Certificate(readFileSync(at(`${name}.pem`)))
  const CONTENT = '{"region":"eu-central-1"}'

  function signed(by: string, args: string[] = [], content = CONTENT): Buffer {
    writeFileSync(at('content'), content)
    const files = ['-signer', at(`${by}.pem`), '-inkey', at(`${by}.key`), '-in', at('content')]
    return execFileSync('openssl', ['cms', '-sign', '-nodetach', '-binary', '-outform', 'DER', ...files, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
  }

  for (const [why, by, args] of [
    ['by an RSA key', 'rsa', []],
    ['by an EC key', 'ec', []],
    ['by another digest', 'rsa', ['-md', 'sha512']],
    ['as a stream', 'rsa', ['-stream']],
    ['without attributes', 'rsa', ['-noattr']],
  ] as const) {
    test(`is read ${why}, with its certificate along or known`, () => {
      const along = openSigned(signed(by, [...args]))
      assert.deepEqual([along.content.toString(), along.signer.subject, along.others], [CONTENT, `CN=${by}`, []])
      const known = openSigned(signed(by, ['-nocerts', ...args]), [certificate('other'), certificate(by)])
      assert.deepEqual([known.content.toString(), known.signer.subject], [CONTENT, `CN=${by}`])
    })
  }

  const refused = (bytes: Buffer, why = /not good/, certificates: X509Certificate[] = []) =>
    assert.throws(
      () => openSigned(bytes, certificates),
      (error) => error instanceof Fault && error.code === 'invalid' && why.test(error.message),
    )

  test('tells the signer from what else lies in the bag', () => {
    const { signer, others } = openSigned(signed('rsa', ['-certfile', at('other.pem')]))
    assert.deepEqual([signer.subject, others.map(({ subject }) => subject)], ['CN=rsa', ['CN=other']])
    refused(signed('rsa', ['-nocerts', '-certfile', at('other.pem')]))
  })

  test('is refused with another’s certificate of the same name', () => {
    refused(signed('rsa', ['-nocerts']), /none of the certificates/, [certificate('other')])
    refused(signed('rsa', ['-nocerts']), /none of the certificates/)
  })

  test('is refused with two signers, without content, by SHA-1, and with a bag beyond measure', () => {
    const two = ['-signer', at('other.pem'), '-inkey', at('other.key')]
    refused(signed('rsa', two), /exactly one signer/)
    refused(signed('rsa', ['-md', 'sha1']))
    refused(signed('rsa', ['-econtent_type', '1.2.3.4']), /holds no data/)
    const detached = execFileSync('openssl', [
      'cms',
      '-sign',
      '-binary',
      '-outform',
      'DER',
      '-signer',
      at('rsa.pem'),
      '-inkey',
      at('rsa.key'),
      '-in',
      at('content'),
    ])
    refused(detached, /no content|malformed/)
    writeFileSync(at('bag.pem'), Array.from({ length: 11 }, () => readFileSync(at('other.pem'))).join(''))
    for (let n = 0; n < 11; n++)
      execFileSync('openssl', ['req', '-x509', '-key', at('other.key'), '-out', at(`n${n}.pem`), '-subj', `/CN=${n}`], { stdio: 'ignore' })
    writeFileSync(at('bag.pem'), Array.from({ length: 11 }, (_, n) => readFileSync(at(`n${n}.pem`))).join(''))
    refused(signed('rsa', ['-certfile', at('bag.pem')]), /more than 10/)
  })

  test('is refused wherever it was changed, and as whatever else', () => {
    const bytes = signed('rsa', ['-nocerts'])
    const known = [certificate('rsa')]
    for (let index = 0; index < bytes.length; index += 3) {
      const changed = Buffer.from(bytes)
      changed[index] = (changed[index] as number) ^ 1
      try {
        // A few bytes carry nothing that is signed, such as the list of digests.
        assert.equal(openSigned(changed, known).content.toString(), CONTENT)
      } catch (error) {
        assert.ok(error instanceof Fault, String(error))
      }
    }
    for (const junk of [
      Buffer.alloc(0),
      Buffer.from('x'),
      randomBytes(1000),
      bytes.subarray(0, 100),
      Buffer.from('30'.repeat(30_000), 'hex'),
      Buffer.from('3080'.repeat(30_000), 'hex'),
    ]) {
      refused(junk, /malformed/)
    }
  })
})
