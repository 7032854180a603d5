import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'node:test'
import { Fault } from './fault.ts'
import { isObject, isRawNumber, JSON_LIMITS, type JsonLimits, parseJson, scanJson } from './json.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8')
const again = (text: string): string => JSON.stringify(parseJson(bytes(text)))
const refusal =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof Fault && error.code === code

describe('accepted, and printed as it was', () => {
  const texts = [
    ...['null', 'true', 'false', '0', '-1', '123456789012345', '""', '"a"', '[]', '{}', '[[]]', '[null,1,"a",{}]', '{"a":{"b":[1,2]}}'],
    ...['"\\\\"', '"\\""', '"\\\\\\""', '"\\u0000"', '"\\n"', '"é"', '"\u2028"', '"\u{1f600}"', '""', '{"":0}', '"\\ud800"', '"{[,:]}"'],
  ]
  for (const text of texts) test(text, () => assert.equal(again(text), text))

  test('space around and between', () => assert.equal(again(' \t\r\n{ "a" : [ 1 , 2 ] } \n'), '{"a":[1,2]}'))
  test('escapes that need not be', () => assert.equal(again('"\\u0061\\/"'), '"a/"'))
})

describe('numbers that a double would change keep their text', () => {
  const numbers = ['9007199254740993', '-9007199254740993', '1.0', '1e400', '-1e400', '-0', '-0.0', '0.10', '1E5', '1e5', '1E-7', '1.5e+3']
  const precise = ['1000000000000000000000', '0.1000000000000000055511151231257827', '5e-325']
  for (const text of [...numbers, ...precise]) {
    test(text, () => {
      assert.ok(isRawNumber(parseJson(bytes(text))))
      assert.equal(again(text), text)
      assert.equal(again(`{"a":[${text},{"b":${text}}],"c":1}`), `{"a":[${text},{"b":${text}}],"c":1}`)
    })
  }
  for (const text of ['0', '1', '-3', '0.1', '1.5', '999999999999999', '9007199254740992', '100000000000000000000', '1e-7', '1e+21']) {
    test(`${text} needs none of it`, () => assert.equal(typeof parseJson(bytes(text)), 'number'))
  }
  test('a kept number is no object', () => assert.equal(isObject(parseJson(bytes('1.0'))), false))
  test('an object that looks like a kept number is an object', () => {
    const value = parseJson(bytes('{"rawJSON":"1"}'))
    assert.deepEqual([isRawNumber(value), isObject(value)], [false, true])
  })
})

describe('keys', () => {
  test('of duplicates the last wins', () => {
    assert.equal(again('{"a":1,"b":2,"a":3}'), '{"a":3,"b":2}')
    assert.equal(again('{"a":1.0,"a":2.0}'), '{"a":2.0}')
    assert.equal(again('{"a":1.0,"a":{"b":3.0}}'), '{"a":{"b":3.0}}')
    assert.equal(again('{"a":{"b":3.0},"a":1.0}'), '{"a":1.0}')
  })
  test('`__proto__` is a key like any other', () => {
    for (const text of ['{"__proto__":{"admin":true}}', '{"__proto__":{"n":1.0}}', '{"constructor":{"prototype":1}}']) {
      const value = parseJson(bytes(text))
      assert.equal(Object.getPrototypeOf(value), Object.prototype)
      assert.equal(JSON.stringify(value), text)
    }
  })
})

describe('refused', () => {
  const texts = [
    ...['', ' ', 'a', 'nul', 'True', 'NaN', 'Infinity', '-', '+1', '01', '-01', '.5', '1.', '1e', '1e+', '0x1', '1_000', '--1', '1 2'],
    ...['"', '"a', "'a'", '"\\x"', '"\\u12"', '"\\', '"\t"', '"\n"', '"\0"', '[', ']', '[1', '[1,', '[1,]', '[,1]', '[1 2]', '[}', '[1}'],
    ...['{', '}', '{"a"', '{"a":', '{"a":1', '{"a":1,}', '{a:1}', '{1:1}', '{"a" 1}', '{"a":1]', '{,}', '{"a":1 "b":2}', '{}{}', '[]1'],
    ...['// a\n1', '/* */1', '#', '[1]]', '\u00a01', '\ufeff1', '\u20281', '\v1', '\f1', 'undefined', '[1.0.0]', '[1e1e1]', ']'.repeat(400)],
  ]
  for (const text of texts) test(JSON.stringify(text), () => assert.throws(() => parseJson(bytes(text)), refusal('invalid')))

  const broken = {
    'lone continuation': [0x80],
    overlong: [0xc0, 0xaf],
    surrogate: [0xed, 0xa0, 0x80],
    cut: [0xe2, 0x82],
    'past U+10FFFF': [0xf5, 0x80, 0x80, 0x80],
  }
  for (const [name, middle] of Object.entries(broken)) {
    test(`invalid UTF-8: ${name}`, () => assert.throws(() => parseJson(Buffer.from([0x22, ...middle, 0x22])), /invalid UTF-8/))
  }
  test('UTF-16', () => assert.throws(() => parseJson(Buffer.from('[1]', 'utf16le')), refusal('invalid')))
  test('what was sent is not in the message', () => {
    assert.throws(
      () => parseJson(bytes('{"password": hunter2}')),
      (error: Error) => !error.message.includes('hunter2'),
    )
  })
})

describe('limits', () => {
  const limits: JsonLimits = { depth: 3, values: 5, stringBytes: 4 }
  const within = ['[[[]]]', '{"a":[{}]}', '[1,2,3,4]', '[true,null,"a",1]', '"abcd"', '[[],[],[]]', '["[[[["]', '"\\"\\""']
  for (const text of within) test(`within: ${text}`, () => void parseJson(bytes(text), limits))

  const past: readonly (readonly [code: string, text: string])[] = [
    ['invalid', '[[[[]]]]'],
    ['invalid', '{"a":{"b":[[]]}}'],
    ['too-large', '[1,2,3,4,5]'],
    ['too-large', '[true,false,null,true,false]'],
    ['too-large', '{"a":1,"b":2,"c":3}'],
    ['too-large', '[{},{},{},{},{}]'],
    ['too-large', '"abcde"'],
    ['too-large', '{"abcde":1}'],
    ['too-large', '"\\\\\\\\\\"'],
    ['too-large', '"abcdefgh'],
    ['too-large', `"${'é'.repeat(3)}"`],
  ]
  for (const [code, text] of past) test(`past: ${text}`, () => assert.throws(() => parseJson(bytes(text), limits), refusal(code)))

  test('as they are by default', () => {
    const nested = (depth: number): Buffer => bytes('['.repeat(depth) + ']'.repeat(depth))
    parseJson(nested(JSON_LIMITS.depth))
    assert.throws(() => parseJson(nested(JSON_LIMITS.depth + 1)), refusal('invalid'))
    assert.throws(() => parseJson(nested(200_000)), refusal('invalid'))
    assert.throws(() => parseJson(bytes(`[${'{},'.repeat(1_000_000)}{}]`)), refusal('too-large'))
    assert.throws(() => parseJson(bytes(`"${'a'.repeat(JSON_LIMITS.stringBytes + 1)}"`)), refusal('too-large'))
  })
})

const TOKENS = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '\\',
  '"a"',
  '"\\""',
  '1',
  '-0',
  '1.0',
  '1e9',
  '0.5',
  'true',
  'null',
  ' ',
  '\n',
  'é',
  '9007199254740993',
]
const soup = fc.array(fc.constantFrom(...TOKENS), { maxLength: 12 }).map((tokens) => tokens.join(''))
const document = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', '', '', ...TOKENS)).map(([text, at, token]) => {
  const cut = at % (text.length + 1)
  return text.slice(0, cut) + token + text.slice(cut)
})

test('agrees with JSON.parse on what is JSON and on what it says', () => {
  fc.assert(
    fc.property(fc.oneof(soup, document), (text) => {
      const sent = bytes(text)
      const plain = attempt(() => JSON.parse(sent.toString()))
      const ours = attempt(() => parseJson(sent))
      assert.equal(ours.ok, plain.ok, text)
      if (ours.ok && plain.ok) assert.deepEqual(JSON.parse(JSON.stringify(ours.value)), plain.value)
    }),
    { numRuns: 3_000 },
  )
})

function attempt(run: () => unknown): { ok: true; value: unknown } | { ok: false } {
  try {
    return { ok: true, value: run() }
  } catch (error) {
    assert.ok(error instanceof SyntaxError || error instanceof Fault, String(error))
    return { ok: false }
  }
}

test('the scan reads each byte a bounded number of times', () => {
  const shapes = [
    '"',
    '\\',
    '\\"',
    '"\\"',
    '"a",',
    '[',
    '{},',
    '1,',
    '-',
    '1.0e5,',
    'true,',
    '"\\\\",',
    `"${'a'.repeat(40)}",`,
    `"${'\\"'.repeat(20)}",`,
  ]
  for (const shape of shapes) {
    const size = 4_000
    const { counted, reads } = counting(bytes(`"${shape.repeat(size / shape.length)}`))
    scanJson(counted, { depth: Infinity, values: Infinity, stringBytes: Infinity })
    const direct = counting(bytes(shape.repeat(size / shape.length)))
    scanJson(direct.counted, { depth: Infinity, values: Infinity, stringBytes: Infinity })
    assert.ok(reads() < 4 * size && direct.reads() < 4 * size, `${shape}: ${reads()} and ${direct.reads()} reads of ${size} bytes`)
  }
})

/** The same bytes, counting how many are looked at. */
function counting(source: Uint8Array): { counted: Uint8Array; reads: () => number } {
  let reads = 0
  const indexOf = (value: number, from = 0): number => {
    const found = source.indexOf(value, from)
    reads += (found < 0 ? source.length : found) - from + 1
    return found
  }
  const counted = new Proxy(source, {
    get(target, name) {
      if (name === 'indexOf') return indexOf
      if (name === 'length') return target.length
      reads++
      return target[Number(name)]
    },
  })
  return { counted, reads: () => reads }
}
