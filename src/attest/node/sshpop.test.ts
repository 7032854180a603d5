import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { parseSshKey } from '../../crypto/ssh.ts'
import { signSsh, sshPublicKey } from '../../crypto/ssh-sign.ts'
import { attestBy } from '../../testing/attestation.ts'
import { settableClock } from '../../testing/clock.ts'
import { sshpop } from './sshpop.ts'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey
const KEYS: Readonly<Record<string, KeyObject>> = {
  'P-256': ec('P-256'),
  'P-384': ec('P-384'),
  'P-521': ec('P-521'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ed25519: generateKeyPairSync('ed25519').privateKey,
}
const host = KEYS['P-256'] as KeyObject

let dir: string
/** By `ssh-keygen`, as everything of certificates here. */
let authority: string
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'signet-ssh-'))
  authority = newAuthority('ca', 'ed25519')
})
after(() => rmSync(dir, { recursive: true }))

function newAuthority(name: string, type: string): string {
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', join(dir, name), '-C', 'an authority'])
  return readFileSync(join(dir, `${name}.pub`), 'utf8').trim()
}

/** A certificate on the wire, for the host `node-1.example.org` unless told otherwise. */
function certificate(key: KeyObject, args: readonly string[] = ['-h', '-n', 'node-1.example.org,other.example.org'], by = 'ca'): Buffer {
  const blob = sshPublicKey(key)
  writeFileSync(join(dir, 'host.pub'), `${parseSshKey(blob).kind} ${blob.toString('base64')} host\n`)
  execFileSync('ssh-keygen', ['-q', '-s', join(dir, by), '-I', 'a-host', ...args, join(dir, 'host.pub')])
  return Buffer.from(readFileSync(join(dir, 'host-cert.pub'), 'utf8').split(' ')[1] ?? '', 'base64')
}

const payloadOf = (blob: Buffer): JsonObject => ({ Certificate: blob.toString('base64') })

function answerBy(key: KeyObject) {
  return ({ Nonce }: any): JsonObject => {
    const nonce = randomBytes(32)
    const combined = createHash('sha256')
      .update(Buffer.concat([Buffer.from(Nonce, 'base64'), nonce]))
      .digest()
    const { format, blob } = signSsh(key, combined)
    return { Nonce: nonce.toString('base64'), Signature: { Format: format, Blob: blob.toString('base64'), Rest: null } }
  }
}

const attest = (blob: Buffer, more: Partial<Parameters<typeof attestBy>[1]> = {}) =>
  attestBy(sshpop, { settings: { cert_authorities: [authority] }, payload: payloadOf(blob), answer: answerBy(host), ...more })

const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
  assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

describe('sshpop', () => {
  for (const [name, key] of Object.entries(KEYS)) {
    test(`takes host keys of kind ${name}, and names the node by its certificate`, async () => {
      const blob = certificate(key)
      const found = await attest(blob, { answer: answerBy(key) })
      assert.deepEqual(found, { path: createHash('sha256').update(blob).digest('base64url'), selectors: [], canReattest: true })
    })
  }

  for (const type of ['ecdsa', 'rsa']) {
    test(`takes authorities with a key of kind ${type}`, async () => {
      const line = newAuthority(`ca-${type}`, type)
      const blob = certificate(host, ['-h', '-n', 'a'], `ca-${type}`)
      await attest(blob, { settings: { cert_authorities: [authority, line] } })
      await refused(attest(blob), 'denied', /no authority that is trusted/)
    })
  }

  test('makes paths by a template, of the host’s name within its domain', async () => {
    const settings = { cert_authorities: [authority], canonical_domain: 'example.org', agent_path_template: '/sshpop/{{ .Hostname }}' }
    assert.equal((await attest(certificate(host), { settings })).path, 'node-1')
    await refused(attest(certificate(host), { settings: { ...settings, canonical_domain: 'xample.org' } }), 'denied', /not in domain/)
    const climbing = certificate(host, ['-h', '-n', '../../x'])
    await refused(attest(climbing, { settings: { ...settings, canonical_domain: '' } }), 'denied', /slash/)
  })

  test('takes SHA-1 of RSA keys for its own nonce, as SPIRE’s agent signs, and for nothing else', async () => {
    const key = KEYS['rsa'] as KeyObject
    const answer = (challenge: any): any => {
      const said = answerBy(key)(challenge) as any
      const message = Buffer.concat([challenge.Nonce, said.Nonce].map((one) => Buffer.from(one, 'base64')))
      const blob = sign('sha1', createHash('sha256').update(message).digest(), key)
      return { ...said, Signature: { Format: 'ssh-rsa', Blob: blob.toString('base64'), Rest: null } }
    }
    await attest(certificate(key), { answer })
    const line = newAuthority('ca-sha1', 'rsa')
    const blob = certificate(host, ['-h', '-n', 'a', '-t', 'ssh-rsa'], 'ca-sha1')
    await refused(attest(blob, { settings: { cert_authorities: [line] } }), 'denied', /its signature is wrong/)
  })

  for (const [why, args, message] of [
    ['of a user', ['-n', 'node'], /no host certificate/],
    ['for no name', ['-h'], /no valid principals/],
    ['that ended', ['-h', '-n', 'a', '-V', '20200101:20200102'], /has expired/],
    ['of the future', ['-h', '-n', 'a', '-V', '20400101:20400102'], /not yet valid/],
    ['with a critical option', ['-h', '-n', 'a', '-O', 'critical:x=y'], /critical option/],
  ] as const) {
    test(`refuses a certificate ${why}`, () => refused(attest(certificate(host, args)), 'denied', message))
  }

  test('refuses a certificate that was changed anywhere', async () => {
    const blob = certificate(host)
    for (let at = 0; at < blob.length; at += 7) {
      const changed = Buffer.from(blob)
      changed[at] = (changed[at] as number) ^ 1
      await assert.rejects(attest(changed), Fault, `byte ${at}`)
    }
    for (const size of [0, 1, 4, 40, blob.length - 1]) await assert.rejects(attest(blob.subarray(0, size)), Fault)
    await assert.rejects(attest(Buffer.concat([blob, Buffer.of(0)])), Fault)
    await refused(attest(sshPublicKey(host)), 'invalid', /no certificate/)
  })

  test('refuses an answer by another key, of another kind, of an earlier challenge, or with more than a signature', async () => {
    const blob = certificate(host)
    const other = ec('P-256')
    let first: JsonObject | undefined
    await attest(blob, { answer: (challenge) => (first = answerBy(host)(challenge)) })
    const changed = (change: (said: any) => JsonObject) => attest(blob, { answer: (challenge) => change(answerBy(host)(challenge)) })
    await refused(attest(blob, { answer: () => first as JsonObject }), 'denied', /failed to verify signature/)
    await refused(attest(blob, { answer: answerBy(other) }), 'denied', /failed to verify signature/)
    await refused(attest(blob, { answer: answerBy(KEYS['ed25519'] as KeyObject) }), 'denied', /failed to verify signature/)
    await refused(
      changed((said) => ({ ...said, Signature: null })),
      'denied',
      /there is none/,
    )
    await refused(
      changed((said) => ({ ...said, Signature: { ...said.Signature, Rest: 'AA==' } })),
      'denied',
      /something follows/,
    )
    await refused(
      changed((said) => ({ ...said, Signature: { ...said.Signature, Format: 'ssh-rsa' } })),
      'denied',
      /failed to verify/,
    )
    await refused(
      changed((said) => ({ ...said, Nonce: 'AAAA' })),
      'denied',
      /nonce/,
    )
    await refused(
      changed((said) => ({ ...said, Signature: { ...said.Signature, Blob: 'AAAA' } })),
      'invalid',
      /malformed/,
    )
  })

  for (const [why, given, message] of [
    ['no authority', { cert_authorities: [] }, /cert_authorities is needed/],
    ['a key of another kind than it says', () => ({ cert_authorities: [authority.replace('ssh-ed25519', 'ssh-rsa')] }), /malformed/],
    ['what is no key', { cert_authorities: ['ssh-ed25519 AAAA'] }, /malformed/],
    ['a template of another attestor', () => ({ cert_authorities: [authority], agent_path_template: '/x/{{ .Hostname }}' }), /must begin with/],
  ] as const) {
    test(`is not offered with ${why}`, () =>
      assert.throws(() => sshpop.check(typeof given === 'function' ? given() : ({ ...given } as never)), message))
  }

  test('a clock that passes the end of a certificate ends what it proves', () => {
    const blob = certificate(host, ['-h', '-n', 'a', '-V', '20290101:20300101'])
    return refused(attest(blob, { ctx: { clock: settableClock(Date.UTC(2030, 5)) } }), 'denied', /has expired/)
  })
})
