// Patterns of SPIFFE IDs: what each takes, and what is none.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import { isIdMatch, parseIdPattern } from './pattern.ts'

const TD = 'spiffe://example.org'

for (const [pattern, taken, left] of [
  ['/web', ['/web'], ['/web/a', '/wEb', '/webs', '/a/web']],
  ['/ns/*/sa/web', ['/ns/a/sa/web', '/ns/a.b/sa/web'], ['/ns/sa/web', '/ns/a/b/sa/web', '/ns/a/sa/web/x', '/ns/a/sa/webs']],
  ['/ns/a/**', ['/ns/a/b', '/ns/a/b/c'], ['/ns/a', '/ns/ab/c', '/ns/b/a']],
  ['/*', ['/a'], ['/a/b']],
  ['/**', ['/a', '/a/b/c'], []],
  ['/*/**', ['/a/b', '/a/b/c'], ['/a']],
] as const) {
  test(`${pattern} takes what it says and nothing else`, () => {
    const parsed = parseIdPattern(TD + pattern)
    for (const path of taken) assert.equal(isIdMatch(parsed, parseSpiffeId(TD + path)), true, path)
    for (const path of left) assert.equal(isIdMatch(parsed, parseSpiffeId(TD + path)), false, path)
    for (const path of taken) assert.equal(isIdMatch(parsed, parseSpiffeId(`spiffe://other.org${path}`)), false)
  })
}

for (const [text, why] of [
  ['', 'it must be spiffe://, a trust domain, and a path'],
  [TD, 'it must be spiffe://, a trust domain, and a path'],
  ['*', 'it must be spiffe://, a trust domain, and a path'],
  ['https://example.org/a', 'it must be spiffe://, a trust domain, and a path'],
  ['spiffe://*/a', 'trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores'],
  [`${TD}/a*`, '* stands for a whole segment'],
  [`${TD}/a/***`, '* stands for a whole segment'],
  [`${TD}/**/a`, '** stands at the end only'],
  [`${TD}/a//b`, 'path cannot contain empty segments'],
  [`${TD}/a/`, 'path cannot have a trailing slash'],
  [`${TD}/../a`, 'path cannot contain dot segments'],
  [`${TD}/a%2fb`, 'path segment characters are limited to letters, numbers, dots, dashes, and underscores'],
  [`${TD}/a+`, 'path segment characters are limited to letters, numbers, dots, dashes, and underscores'],
] as const) {
  test(`${JSON.stringify(text)} is no pattern`, () => {
    assert.throws(() => parseIdPattern(text), { message: `invalid SPIFFE ID pattern ${JSON.stringify(text)}: ${why}` })
  })
}

test('an ID as a pattern takes itself and no other', () => {
  const segment = fc.stringMatching(/^[a-zA-Z0-9_-]{1,3}$/)
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((all) => `/${all.join('/')}`)
  fc.assert(
    fc.property(path, path, (one, other) => {
      assert.equal(isIdMatch(parseIdPattern(TD + one), parseSpiffeId(TD + other)), one === other)
    }),
  )
})
