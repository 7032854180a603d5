import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openTpm } from '../../app/tpm-link.ts'
import { tpmDevId as attestor } from '../../attest/node/tpm-devid.ts'
import { Fault } from '../../base/fault.ts'
import { toPem } from '../../crypto/certificate.ts'
import { parseTpmPublic } from '../../crypto/tpm.ts'
import { attestNode } from '../../testing/attestation.ts'
import { testAuthority, testCertificate } from '../../testing/certificates.ts'
import { settableClock } from '../../testing/clock.ts'
import { describeWithTpm, DEVICE_KEY, openTestTpm, RSA, type TestTpm } from '../../testing/swtpm.ts'
import { tpmDevId } from './tpm-devid.ts'

const ROOT = 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|decrypt'

describeWithTpm('the agent proves its node by a TPM', () => {
  let dir: string
  let tpm: TestTpm
  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'signet-devid-'))
    tpm = await openTestTpm(dir)
  })
  after(() => {
    tpm.close()
    rmSync(dir, { recursive: true })
  })

  const ports = {
    random: { bytes: randomBytes },
    readText: (path: string) => readFileSync(path, 'utf8'),
    readBytes: (path: string) => readFileSync(path),
    openTpm,
  }
  const passwords = { key: '', owner: '', endorsement: '' }
  const authority = testAuthority('devices')
  const settings = () => ({ devid_ca: toPem([authority.der]), endorsement_ca: tpm.makers })
  const ctx = { clock: settableClock() } // makers certify without end

  /** A device key below the root that profiles name, as it is provisioned. */
  function device(name: string, root: string, kind: string) {
    tpm.run('tpm2_createprimary', '-Q', '-C', 'o', '-G', root, '-a', ROOT, '-c', 'srk.ctx')
    const publicArea = tpm.key(name, DEVICE_KEY, kind)
    const publicKey = parseTpmPublic(publicArea).key.export({ format: 'der', type: 'spki' })
    writeFileSync(tpm.at(`${name}.pem`), toPem([testCertificate(name, { issuer: authority, publicKey }).der]))
    const files = { certificate: tpm.at(`${name}.pem`), publicArea: tpm.at(`${name}.pub`), privateArea: tpm.at(`${name}.priv`) }
    return { device: tpm.socket, passwords, ...files }
  }

  test('with a key of an elliptic curve, as often as it is asked', async () => {
    const node = tpmDevId(ports, device('one', 'ecc', 'ecc256:ecdsa-sha256'))
    for (let n = 0; n < 3; n++) assert.ok((await attestNode(attestor, node, settings(), ctx)).selectors.includes('subject:cn:one'))
  })

  test('with an RSA key, in files without lengths', async () => {
    const made = device('two', 'rsa2048', RSA)
    for (const path of [made.publicArea, made.privateArea]) writeFileSync(path, readFileSync(path).subarray(2))
    assert.ok((await attestNode(attestor, tpmDevId(ports, made), settings(), ctx)).selectors.includes('subject:cn:two'))
  })

  test('says what the TPM refuses, and leaves nothing loaded', async () => {
    const made = device('three', 'ecc', 'ecc256:ecdsa-sha256')
    for (let n = 0; n < 4; n++) {
      const wrong = tpmDevId(ports, { ...made, passwords: { ...passwords, owner: 'wrong' } })
      await assert.rejects(attestNode(attestor, wrong, settings(), ctx), (error) => error instanceof Fault && /the TPM refuses/.test(error.message))
    }
    await attestNode(attestor, tpmDevId(ports, made), settings(), ctx)
    await assert.rejects(
      tpmDevId(ports, { ...made, device: join(dir, 'none') }).payload(),
      (error) => error instanceof Fault && error.code === 'unavailable',
    )
    await assert.rejects(tpmDevId(ports, made).answer(Buffer.from('{}')), /empty credential activation/)
  })
})
