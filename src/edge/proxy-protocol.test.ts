// Introductions of both versions, whole, in pieces, and broken.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readIntroduction } from './proxy-protocol.ts'

const SIGN = '0d0a0d0a000d0a515549540a'
const hex = (...parts: string[]) => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex')
const text = (line: string) => Buffer.from(line, 'latin1')

const V4 = hex(SIGN, '21 11 000c', 'c0000201 c6336401 d431 01bb')
const V6 = hex(SIGN, '21 21 0024', '20010db8000000000000000000000001', '20010db8000000000000000000000002', 'd431 01bb')

test('whom an introduction names', () => {
  const cases: readonly (readonly [string, Buffer, { address: string; port: number } | undefined])[] = [
    ['v1', text('PROXY TCP4 192.0.2.1 198.51.100.1 54321 443\r\n'), { address: '192.0.2.1', port: 54_321 }],
    ['v1, IPv6', text('PROXY TCP6 2001:DB8::1 2001:db8::2 54321 443\r\n'), { address: '2001:db8::1', port: 54_321 }],
    ['v1, nobody', text('PROXY UNKNOWN\r\n'), undefined],
    ['v1, nobody with words', text('PROXY UNKNOWN ffff:f...f:ffff 1 2\r\n'), undefined],
    ['v2', V4, { address: '192.0.2.1', port: 54_321 }],
    ['v2, IPv6', V6, { address: '2001:db8::1', port: 54_321 }],
    ['v2 with more behind the addresses', hex(SIGN, '21 11 000f', 'c0000201 c6336401 d431 01bb', '04 0000'), { address: '192.0.2.1', port: 54_321 }],
    ['v2, for itself', hex(SIGN, '20 00 0000'), undefined],
    ['v2, for itself with addresses', hex(SIGN, '20 11 000c', 'c0000201 c6336401 d431 01bb'), undefined],
    ['v2, a Unix socket', hex(SIGN, '21 31 0003', '010203'), undefined],
  ]
  for (const [name, bytes, peer] of cases) {
    const expected = { kind: 'named', size: bytes.length, peer }
    assert.deepEqual(readIntroduction(bytes), expected, name)
    assert.deepEqual(readIntroduction(Buffer.concat([bytes, text('GET / HTTP/1.1\r\n')])), expected, `${name}, and what follows`)
    for (let size = 1; size < bytes.length; size++)
      assert.deepEqual(readIntroduction(bytes.subarray(0, size)), { kind: 'more' }, `${name}, ${size} bytes`)
  }
})

test('what begins like anything else is the client’s own', () => {
  for (const bytes of [text('GET /v1/a HTTP/1.1\r\n'), text('PROXIED'), text('PUT '), hex('16030100'), text('\r\nGET')]) {
    assert.deepEqual(readIntroduction(bytes), { kind: 'none' }, bytes.toString('latin1'))
  }
})

test('what begins like an introduction and is none is malformed', () => {
  for (const bytes of [
    text('PROXY \r\n'),
    text('PROXY TCP4 192.0.2.1\r\n'),
    text('PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n'),
    text('PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n'),
    text('PROXY TCP4 192.0.2.999 192.0.2.2 1 2\r\n'),
    text('PROXY TCP4 192.0.2.1 192.0.2.2 99999 2\r\n'),
    text('PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n'),
    text('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n'),
    text(`PROXY UNKNOWN ${'x'.repeat(107)}\r\n`),
    hex(SIGN, '31 11 000c', 'c0000201 c6336401 d431 01bb'),
    hex(SIGN, '22 11 000c', 'c0000201 c6336401 d431 01bb'),
    hex(SIGN, '21 11 000b', 'c0000201 c6336401 d431 01'),
    hex(SIGN, '21 21 000c', 'c0000201 c6336401 d431 01bb'),
    hex(SIGN, '21 11 ffff'),
  ]) {
    assert.deepEqual(readIntroduction(bytes), { kind: 'malformed' }, bytes.toString('latin1'))
  }
})

test('no bytes break it, and it never asks for more than a kilobyte', () => {
  const start = fc.constantFrom(text('PROXY '), text('PROXY TCP4 '), hex(SIGN), hex(SIGN, '2111'), Buffer.alloc(0))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 1100 }), (begin, rest) => {
      const bytes = Buffer.concat([begin, rest])
      const found = readIntroduction(bytes)
      if (found.kind === 'more') assert.ok(bytes.length < 1024)
      if (found.kind === 'named') assert.ok(found.size <= bytes.length)
    }),
    { numRuns: 2000 },
  )
})
