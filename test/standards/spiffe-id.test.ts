// What SPIFFE-ID.md demands, statement by statement, of what this code decides.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from '../../src/base/fault.ts'
import { MAX_ID_BYTES, parseSpiffeId, parseTrustDomain, pathOf, spiffeId, trustDomainOf } from '../../src/crypto/spiffe-id.ts'
import { NOTHING_REVOKED, verifyX509Svid } from '../../src/crypto/x509-svid.ts'
import { openTrustDomain } from '../../src/testing/trust-domain.ts'

const refused = (texts: readonly string[]) => {
  for (const text of texts) assert.throws(() => parseSpiffeId(text), Fault, JSON.stringify(text))
}
const taken = (texts: readonly string[]) => {
  for (const text of texts) assert.equal(parseSpiffeId(text), text)
}

describe('SPIFFE-ID.md', () => {
  test('§2: valid SPIFFE IDs MUST use the spiffe scheme', () => {
    taken(['spiffe://td', 'spiffe://td/a'])
    refused(['http://td/a', 'spiffe:/td/a', 'spiffe:td/a', '//td/a', 'td/a', 'xspiffe://td/a', 'spiffes://td/a', ' spiffe://td/a', 'SPIFFE://td/a'])
  })

  test('§2: they MUST include a non-zero trust domain name', () => refused(['spiffe://', 'spiffe:///', 'spiffe:///a', 'spiffe://?a', 'spiffe://#a']))

  test('§2: they MUST NOT include a query or fragment component', () =>
    refused(['spiffe://td?a=b', 'spiffe://td/a?', 'spiffe://td/a?b', 'spiffe://td#a', 'spiffe://td/a#', 'spiffe://td/a#b']))

  test('§2.1: userinfo and port MUST NOT be set', () =>
    refused(['spiffe://ann@td/a', 'spiffe://ann:x@td/a', 'spiffe://@td/a', 'spiffe://td:80/a', 'spiffe://td:0/a']))

  test('§2.1: the ":" delimiter MUST NOT be present', () => refused(['spiffe://td:/a', 'spiffe://td:', 'spiffe://:td/a', 'spiffe://[::1]/a']))

  test('§2.1: a trust domain name is what RFC 3986 lets a host be, in lower case, and nothing that has to be decoded', () => {
    taken(['spiffe://a', 'spiffe://a.b-c_d', 'spiffe://1.2.3.4/x', `spiffe://${'a'.repeat(255)}`])
    for (let code = 0; code < 128; code++) {
      const letter = String.fromCharCode(code)
      if (!/[a-z0-9._/-]/.test(letter)) refused([`spiffe://t${letter}d/a`])
    }
    refused(['spiffe://TD/a', 'spiffe://t%64/a', 'spiffe://töd/a', `spiffe://${'a'.repeat(256)}`])
  })

  test('§2.1: trust domain names MUST NOT be processed differently whether or not they are IP addresses or DNS names', () => {
    const names = ['127.0.0.1', '127.1', '0.0.0.0', '999.1.1.1', 'localhost', 'a..b', '.a', 'a.', '-', '_', 'xn--nxasmq6b', 'com']
    taken(names.map((name) => `spiffe://${name}/a`))
    for (const name of names) assert.equal(trustDomainOf(parseSpiffeId(`spiffe://${name}/a`)), name)
  })

  test('§2.2: paths SHOULD NOT end with a trailing slash, and have neither empty nor relative segments (RFC 3986 §6)', () => {
    taken(['spiffe://td/a', 'spiffe://td/a/b', 'spiffe://td/...', 'spiffe://td/.a', 'spiffe://td/a.b-c_D9'])
    refused([
      'spiffe://td/',
      'spiffe://td/a/',
      'spiffe://td//',
      'spiffe://td//a',
      'spiffe://td/a//b',
      'spiffe://td/.',
      'spiffe://td/..',
      'spiffe://td/a/../b',
    ])
  })

  test('§2.2: nothing in a path is decoded or repaired', () => {
    for (let code = 0; code < 128; code++) {
      const letter = String.fromCharCode(code)
      if (!/[a-zA-Z0-9._/-]/.test(letter)) refused([`spiffe://td/a${letter}b`])
    }
    refused(['spiffe://td/%61', 'spiffe://td/a%2Fb', 'spiffe://td/ä', 'spiffe://td/a\u0000'])
  })

  test('§2.3: implementations MUST support SPIFFE URIs up to 2048 bytes in length', () => {
    taken([`spiffe://td/${'a'.repeat(MAX_ID_BYTES - 12)}`, `spiffe://${'d'.repeat(255)}/${'a'.repeat(MAX_ID_BYTES - 265)}`])
    assert.equal(MAX_ID_BYTES, 2048)
  })

  test('§2.3: they SHOULD NOT generate URIs of length greater than 2048 bytes', () => {
    assert.throws(() => spiffeId(parseTrustDomain('td'), `/${'a'.repeat(MAX_ID_BYTES - 11)}`), Fault)
    assert.equal(spiffeId(parseTrustDomain('td'), `/${'a'.repeat(MAX_ID_BYTES - 12)}`).length, MAX_ID_BYTES)
  })

  test('§3.1: a signing authority MUST exist in each trust domain, and MUST carry an SVID of its own, without a path', async () => {
    const { rooms } = await openTrustDomain('example.org')
    const [authority] = rooms.authorities.bundle().x509Authorities
    const { X509Certificate } = await import('node:crypto')
    assert.equal(new X509Certificate(authority as Buffer).subjectAltName, 'URI:spiffe://example.org')
  })

  test('§3.2: the SPIFFE ID and the public key MUST be included in what is signed', async () => {
    const { rooms, clock } = await openTrustDomain('example.org')
    const id = parseSpiffeId('spiffe://example.org/web')
    const { newSigningKey } = await import('../../src/crypto/signing-key.ts')
    const { chain } = rooms.svids.x509({ id, publicKey: newSigningKey('ec-p256').publicKey, ttl: 60, dnsNames: [], subject: [] })
    const [leaf] = chain as [Buffer]
    const authorities = () => rooms.authorities.bundle().x509Authorities
    assert.equal(verifyX509Svid([leaf], clock.now(), authorities, NOTHING_REVOKED).id, id)
    const at = leaf.indexOf('spiffe://example.org/web')
    const forged = Buffer.concat([leaf.subarray(0, at), Buffer.from('spiffe://example.org/dba'), leaf.subarray(at + 24)])
    assert.throws(() => verifyX509Svid([forged], clock.now(), authorities, NOTHING_REVOKED), Fault)
    assert.deepEqual([trustDomainOf(id), pathOf(id)], ['example.org', '/web'])
  })

  test('§4: a valid SVID MUST leverage a document type for which a specification has been defined', async () => {
    const { ask } = await openTrustDomain('example.org')
    const bare = Buffer.from('{"sub":"spiffe://example.org/web","aud":["db"],"exp":9999999999}').toString('base64url')
    for (const svid of ['spiffe://example.org/web', bare, `${bare}.${bare}`, '-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----']) {
      await assert.rejects(ask('write', 'svid/validate', { svid, audience: 'db' }), Fault, svid)
    }
  })
})
