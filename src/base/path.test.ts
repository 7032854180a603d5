import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'node:test'
import { Fault } from './fault.ts'
import { asFolder, type CanonPath, parsePath, parseTarget } from './path.ts'

const invalid = (error: unknown): boolean => error instanceof Fault && error.code === 'invalid'

describe('targets', () => {
  const taken: Readonly<Record<string, string>> = {
    '': '',
    a: 'a',
    'a/': 'a/',
    'secret/data/a-b_c.d': 'secret/data/a-b_c.d',
    'a/...': 'a/...',
    'a/.b': 'a/.b',
    'a/b.': 'a/b.',
    'a/..b': 'a/..b',
    'a/b..': 'a/b..',
    'a%20b': 'a b',
    'a+b': 'a+b',
    'a%2Bb': 'a+b',
    'a%25': 'a%',
    'a%252fb': 'a%2fb',
    'a%252e%252e': 'a%2e%2e',
    '%61': 'a',
    '%C3%A9': 'é',
    '%F0%9F%98%80': '\u{1f600}',
    'a@b:c;d=e,f': 'a@b:c;d=e,f',
    '%7B%7D': '{}',
    '{}<>"^`|': '{}<>"^`|',
  }
  for (const [raw, path] of Object.entries(taken)) test(`"${raw}" is "${path}"`, () => assert.equal(parseTarget(raw), path))

  const refused = [
    ...['/', '//', '/a', 'a//', 'a//b', '.', '..', './', '../', 'a/.', 'a/..', 'a/./b', 'a/../b', 'a/../', '%2e', '%2E%2e', 'a/.%2e/b', 'a/%2e'],
    ...['a%2fb', 'a%2Fb', 'a%5cb', 'a\\b', '..\\b', 'a%00', 'a%0a', 'a%09', 'a%7f', 'a%c2%85', 'a%e2%80%a8', 'a%ef%bb%bf', 'a%e2%80%8b', 'a%c2%ad'],
    ...['a%c2%a0', 'a%e3%80%80', 'a%e2%80%ae', 'a%ee%80%80', 'a%f3%a0%80%81', 'e%cc%81', '%e2%84%ab', 'a%', 'a%2', 'a%zz', 'a%ff', 'a%c3', 'a%c0%af'],
    ...['a%e0%80%af', 'a%ed%a0%80', 'a%f5%80%80%80', 'a b', 'a\tb', 'é', '\x80', 'a'.repeat(1025), `${'a/'.repeat(512)}b`, '%C3%A9'.repeat(513)],
  ]
  for (const raw of refused) test(`"${raw.slice(0, 30)}" is refused`, () => assert.throws(() => parseTarget(raw), invalid))

  test('1024 bytes are taken', () => {
    assert.equal(parseTarget('a'.repeat(1024)).length, 1024)
    assert.equal(parseTarget('%C3%A9'.repeat(512)).length, 512)
  })
})

test('a decoded path is not decoded again', () => {
  assert.equal(parsePath('a%2fb'), 'a%2fb')
  assert.equal(parsePath('a b'), 'a b')
  assert.throws(() => parsePath('a\ud800'), invalid)
})

test('folders', () => {
  const folder = (path: string): string => asFolder(path as CanonPath)
  assert.deepEqual([folder(''), folder('a'), folder('a/')], ['', 'a/', 'a/'])
})

const PIECES = [
  'a',
  'B',
  '0',
  '.',
  '..',
  '/',
  '//',
  '%',
  '%2e',
  '%2F',
  '%5c',
  '%00',
  '%25',
  '%C3%A9',
  '%cc%81',
  '\\',
  ' ',
  '\0',
  'é',
  '\u0301',
  ';',
  '?',
  '~',
  '\ud800',
]
const target = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 10 }).map((pieces) => pieces.join('')),
  fc
    .tuple(fc.constantFrom('secret/data/a', 'auth/userpass/login/ann', 'sys/policies/acl/x'), fc.nat(20), fc.string({ unit: 'binary', maxLength: 4 }))
    .map(([path, at, text]) => path.slice(0, at) + text + path.slice(at)),
)

test('whatever is taken has one form: it reads to itself, and holds nothing that could mean another path', () => {
  fc.assert(
    fc.property(target, (raw) => {
      const path = attempt(() => parseTarget(raw))
      if (path === undefined) return
      assert.equal(parsePath(path), path)
      assert.equal(parseTarget(encode(path)), path)
      assert.equal(path.normalize('NFC'), path)
      assert.doesNotMatch(path, /\/\/|^\/|(?:^|\/)\.\.?(?:\/|$)|\\|\p{C}/u)
    }),
    { numRuns: 5_000 },
  )
})

function encode(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}

function attempt(run: () => string): string | undefined {
  try {
    return run()
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'invalid', String(error))
    return undefined
  }
}
