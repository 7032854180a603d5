// Whatever a node sends first, it is refused in words, and nothing else happens.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { toPem } from '../../crypto/certificate.ts'
import { sshPublicKey } from '../../crypto/ssh-sign.ts'
import { attestBy } from '../../testing/attestation.ts'
import { testAuthority } from '../../testing/certificates.ts'
import { NODE_ATTESTORS } from './all.ts'

const authority = testAuthority('root')
const pem = toPem([authority.der])
const ssh = `ecdsa-sha2-nistp256 ${sshPublicKey(authority.key.key).toString('base64')}`
const UUID = '11111111-1111-4111-8111-111111111111'

const SETTINGS: Readonly<Record<string, JsonObject>> = {
  aws_iid: { certificates: pem },
  azure_imds: { tenants: { [UUID]: { subscriptions: [UUID] } }, ca_bundle: pem },
  gcp_iit: { projectid_allow_list: ['a'] },
  http_challenge: {},
  k8s_psat: { clusters: { a: { service_account_allow_list: ['a:b'] } } },
  sshpop: { cert_authorities: [ssh] },
  tpm_devid: { devid_ca: pem, endorsement_ca: pem },
  x509pop: { ca_bundle: pem },
}

/** Names that some attestor looks at, with values that are nearly what it looks for. */
const base64 = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('base64'))
const names = ['certificates', 'Certificate', 'hostname', 'agentname', 'port', 'cluster', 'token', 'document', 'signature', 'rsa2048']
const more = ['DevIDCert', 'DevIDPub', 'EKCert', 'EKPub', 'AKPub', 'CertifiedDevID', 'CertificationSignature', '__proto__']
const value = fc.oneof(base64, fc.array(base64, { maxLength: 3 }), fc.string(), fc.integer(), fc.constant(null), fc.dictionary(fc.string(), base64))
const message = fc.dictionary(fc.constantFrom(...names, ...more), value).map((one) => Buffer.from(JSON.stringify(one)))
const payload = fc.oneof(
  message,
  fc.json().map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
)

describe('bad input', () => {
  for (const attestor of NODE_ATTESTORS) {
    test(`${attestor.type} refuses it in words`, async () => {
      await fc.assert(
        fc.asyncProperty(payload, payload, async (first, second) => {
          const attempt = attestBy(attestor, { settings: SETTINGS[attestor.type] ?? {}, payload: first, answer: () => second })
          await assert.rejects(attempt, (error) => error instanceof Fault, `${first} ${second}`)
        }),
        { numRuns: 300 },
      )
    })
  }
})
