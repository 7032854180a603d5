import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../base/fault.ts'
import { isBelow, parseSpiffeId, parseTrustDomain, pathOf, spiffeId, trustDomainOf } from './spiffe-id.ts'

const LOWER = 'abcdefghijklmnopqrstuvwxyz0123456789-._'
const ANY = `${LOWER}ABCDEFGHIJKLMNOPQRSTUVWXYZ`
const refused = (message: RegExp) => (error: unknown) => error instanceof Fault && error.code === 'invalid' && message.test(error.message)

/** Every byte, as Latin-1 and UTF-8 both see it. */
const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte))

describe('SPIFFE IDs (SPIFFE-ID.md)', () => {
  test('have a trust domain, and a path or none', () => {
    for (const [text, domain, path] of [
      ['spiffe://td', 'td', ''],
      ['spiffe://example.org/a/b', 'example.org', '/a/b'],
      ['spiffe://10.0.0.1/x', '10.0.0.1', '/x'],
      ['spiffe://-._/...', '-._', '/...'],
      ['spiffe://td/A-z.9_', 'td', '/A-z.9_'],
    ] as const) {
      const id = parseSpiffeId(text)
      assert.equal(trustDomainOf(id), domain)
      assert.equal(pathOf(id), path)
      assert.equal(spiffeId(parseTrustDomain(domain), path), text)
    }
  })

  for (const [text, message] of [
    ['', /cannot be empty/],
    ['example.org/a', /scheme/],
    ['http://td/a', /scheme/],
    ['SPIFFE://td/a', /scheme/],
    ['sPiffe://td', /scheme/],
    ['spiffe:/td/a', /scheme/],
    ['spiffe:td', /scheme/],
    [' spiffe://td', /scheme/],
    ['spiffe://', /trust domain is missing/],
    ['spiffe:///a', /trust domain is missing/],
    ['spiffe://Example.org/a', /lowercase/],
    ['spiffe://user@td/a', /lowercase/],
    ['spiffe://td:80/a', /lowercase/],
    ['spiffe://[::1]/a', /lowercase/],
    ['spiffe://td%2e/a', /lowercase/],
    ['spiffe://td?q/a', /lowercase/],
    ['spiffe://td#f', /lowercase/],
    ['spiffe://td/', /trailing slash/],
    ['spiffe://td/a/', /trailing slash/],
    ['spiffe://td//a', /empty segments/],
    ['spiffe://td/a//b', /empty segments/],
    ['spiffe://td/.', /dot segments/],
    ['spiffe://td/..', /dot segments/],
    ['spiffe://td/a/../b', /dot segments/],
    ['spiffe://td/a%20b', /limited to letters/],
    ['spiffe://td/a b', /limited to letters/],
    ['spiffe://td/a?b', /limited to letters/],
    ['spiffe://td/a#b', /limited to letters/],
    ['spiffe://td/ä', /limited to letters/],
    ['spiffe://td/a\n', /limited to letters/],
    ['spiffe://td\n', /lowercase/],
  ] as const) {
    test(`refuse ${JSON.stringify(text)}`, () => assert.throws(() => parseSpiffeId(text), refused(message)))
  }

  test('take in a trust domain exactly the bytes that the standard lists', () => {
    for (const byte of BYTES) {
      const make = () => parseTrustDomain(`a${byte}b`)
      if (LOWER.includes(byte)) assert.equal(make(), `a${byte}b`)
      else assert.throws(make, Fault, JSON.stringify(byte))
    }
  })

  test('take in a path segment exactly the bytes that the standard lists', () => {
    for (const byte of BYTES) {
      const make = () => parseSpiffeId(`spiffe://td/a${byte}b`)
      if (ANY.includes(byte) || byte === '/') assert.equal(pathOf(make()), `/a${byte}b`)
      else assert.throws(make, Fault, JSON.stringify(byte))
    }
  })

  test('have at most 255 bytes of trust domain and 2048 in all', () => {
    assert.equal(parseTrustDomain('a'.repeat(255)).length, 255)
    assert.throws(() => parseTrustDomain('a'.repeat(256)), refused(/255/))
    const prefix = 'spiffe://td/'
    assert.equal(parseSpiffeId(prefix + 'a'.repeat(2048 - prefix.length)).length, 2048)
    assert.throws(() => parseSpiffeId(prefix + 'a'.repeat(2049 - prefix.length)), refused(/2048/))
  })

  test('a trust domain is named by its ID as well, never by an ID with a path: that is its trust domain', () => {
    assert.equal(parseTrustDomain('spiffe://td'), 'td')
    assert.equal(parseTrustDomain('spiffe://td/a'), 'td')
    for (const text of ['', 'td/a', 'TD', 'http://td']) assert.throws(() => parseTrustDomain(text), Fault)
  })

  test('lie below a prefix segment by segment', () => {
    const id = parseSpiffeId('spiffe://td/ns/team/web')
    assert.ok(isBelow(id, ''))
    assert.ok(isBelow(id, '/ns/team'))
    assert.ok(!isBelow(id, '/ns/te'))
    assert.ok(!isBelow(id, '/ns/team/web'))
    assert.ok(!isBelow(id, '/ns/team2'))
  })

  test('whatever is taken is made of the listed letters alone, and comes back unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (tail) => {
        const text = `spiffe://td${tail}`
        try {
          assert.equal(parseSpiffeId(text), text)
        } catch (error) {
          assert.ok(error instanceof Fault)
          return
        }
        assert.match(text, /^spiffe:\/\/[a-z0-9._-]+(\/[a-zA-Z0-9._-]+)*$/)
        assert.ok(
          !pathOf(parseSpiffeId(text))
            .split('/')
            .some((segment) => segment === '.' || segment === '..'),
        )
      }),
      { numRuns: 2_000 },
    )
  })
})
