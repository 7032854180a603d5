import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from './fault.ts'
import { any, bool, choice, type Field, float, int, list, maybe, object, or, pairs, parseShape, seconds, secret, text, time } from './fields.ts'
import { type Json, parseJson } from './json.ts'

const kept = (number: string): Json => parseJson(Buffer.from(number))
const REFUSED = Symbol('refused')

type Rows = readonly (readonly [raw: Json, value: unknown])[]

const COERCIONS: Readonly<Record<string, readonly [Field<unknown>, Rows]>> = {
  text: [
    text('t'),
    [
      ['a', 'a'],
      ['', ''],
      [5, '5'],
      [1.5, '1.5'],
      [kept('9007199254740993'), '9007199254740993'],
      [true, '1'],
      [false, '0'],
      [[], REFUSED],
      [{}, REFUSED],
      ['\ud800', REFUSED],
    ],
  ],
  bool: [
    bool('b'),
    [
      ...([true, 'true', 'True', 'TRUE', 't', 'T', '1', 1, 2] as Json[]).map((raw) => [raw, true] as const),
      ...([false, 'false', 'False', 'FALSE', 'f', 'F', '0', 0, ''] as Json[]).map((raw) => [raw, false] as const),
      ...(['yes', 'no', 'on', 'tRUE', ' true', [], {}] as Json[]).map((raw) => [raw, REFUSED] as const),
    ],
  ],
  int: [
    int('i'),
    [
      [5, 5],
      ['5', 5],
      ['-5', -5],
      ['+5', 5],
      ['0x10', 16],
      ['', 0],
      [true, 1],
      [kept('5.0'), 5],
      [kept('1e3'), 1000],
      [1.5, REFUSED],
      ['1.5', REFUSED],
      [' ', REFUSED],
      [' 5', REFUSED],
      ['five', REFUSED],
      ['Infinity', REFUSED],
      [kept('9007199254740993'), REFUSED],
      [[], REFUSED],
    ],
  ],
  float: [
    float('f'),
    [
      [5, 5],
      [1.5, 1.5],
      ['1.5', 1.5],
      ['-.5e1', -5],
      ['', 0],
      [true, 1],
      [kept('1.0'), 1],
      [kept('1e400'), REFUSED],
      ['0x10', REFUSED],
      ['Infinity', REFUSED],
      [' 1', REFUSED],
      [[], REFUSED],
    ],
  ],
  seconds: [
    seconds('s'),
    [
      [60, 60],
      ['60', 60],
      ['1h30m', 5400],
      ['30d', 2_592_000],
      ['250ms', 0],
      ['', 0],
      [1.9, 1],
      [-1, REFUSED],
      ['-1s', REFUSED],
      ['1d2h', REFUSED],
      [true, REFUSED],
      [{}, REFUSED],
    ],
  ],
  list: [
    list('l'),
    [
      ['a,b', ['a', 'b']],
      [' a , b ', ['a', 'b']],
      ['a', ['a']],
      ['', []],
      ['a,,b,', ['a', 'b']],
      [
        ['a', 1, 'b,c'],
        ['a', '1', 'b,c'],
      ],
      [5, ['5']],
      [[['a']], REFUSED],
      [{}, REFUSED],
    ],
  ],
  pairs: [
    pairs('p'),
    [
      [
        { a: 'b', n: 1 },
        { a: 'b', n: '1' },
      ],
      ['a=b', { a: 'b' }],
      ['a=b=c', { a: 'b=c' }],
      [['a=b', 'c='], { a: 'b', c: '' }],
      ['', {}],
      ['a', REFUSED],
      ['=b', REFUSED],
      [{ a: {} }, REFUSED],
    ],
  ],
  object: [
    object('o'),
    [
      [{ a: [1] }, { a: [1] }],
      [[], REFUSED],
      ['{}', REFUSED],
      [kept('1.0'), REFUSED],
    ],
  ],
  any: [
    any('a'),
    [
      [
        [1, 'a'],
        [1, 'a'],
      ],
      [false, false],
    ],
  ],
  time: [
    time('t'),
    [
      [1, 1000],
      ['1', 1000],
      [kept('1.0'), 1000],
      ['1970-01-01T00:00:01Z', 1000],
      ['1970-01-01T01:00:01.5+01:00', 1500],
      ['1970-01-01T00:00:01.123456789Z', 1123],
      ['1970-01-01', REFUSED],
      ['Jan 1 1970', REFUSED],
      ['1970-01-01T00:00:01', REFUSED],
      ['1970-13-01T00:00:01Z', REFUSED],
      ['', REFUSED],
      [-1, REFUSED],
    ],
  ],
  choice: [
    choice('c', ['a', 'b']),
    [
      ['a', 'a'],
      ['A', REFUSED],
      ['', REFUSED],
      [['a'], REFUSED],
    ],
  ],
}

for (const [kind, [field, rows]] of Object.entries(COERCIONS)) {
  describe(kind, () => {
    for (const [raw, value] of rows) {
      test(`${JSON.stringify(raw)} ${value === REFUSED ? 'is refused' : `is ${JSON.stringify(value)}`}`, () => {
        if (value === REFUSED)
          assert.throws(
            () => field.parse(raw),
            (error) => error instanceof Fault && error.code === 'invalid',
          )
        else assert.deepEqual(field.parse(raw), value)
      })
    }
  })
}

describe('shapes', () => {
  const shape = { name: text('n'), ttl: or(seconds('t'), 30), tags: maybe(list('l')) }

  test('missing and null values', () => {
    assert.deepEqual(parseShape(shape, { name: 'a' }), { name: 'a', ttl: 30, tags: undefined })
    assert.deepEqual(parseShape(shape, { name: 'a', ttl: null, tags: null }), { name: 'a', ttl: 30, tags: undefined })
    assert.throws(() => parseShape(shape, {}), /missing name/)
    assert.throws(() => parseShape(shape, { name: null }), /missing name/)
  })
  test('unknown keys are left alone', () => assert.deepEqual(parseShape({ a: text('a') }, { a: 'b', z: 1 }), { a: 'b' }))
  test('names of Object’s own are no values', () => {
    assert.deepEqual(parseShape({ constructor: maybe(any('c')), toString: maybe(text('t')) }, {}), { constructor: undefined, toString: undefined })
  })
  test('an error names the field in Vault’s words, and not what was sent', () => {
    const check = (error: unknown): boolean => {
      assert.ok(error instanceof Fault)
      assert.match(error.message, /^Field validation failed: error converting input for field "password": /)
      return !error.message.includes('hunter2')
    }
    assert.throws(() => parseShape({ password: secret(bool('p')) }, { password: 'hunter2' }), check)
    assert.throws(() => parseShape({ password: secret(int('p')) }, { password: 'hunter2' }), check)
    assert.throws(() => parseShape({ password: secret(pairs('p')) }, { password: 'hunter2' }), check)
    assert.throws(() => parseShape({ password: secret(choice('p', ['a'])) }, { password: 'hunter2' }), check)
    assert.throws(() => parseShape({ password: secret(time('p')) }, { password: 'hunter2' }), check)
  })
  test('how a field is declared', () => {
    assert.deepEqual([text('x').needed, maybe(text('x')).needed, or(text('x'), 'y').fallback, secret(text('x')).secret], [true, false, 'y', true])
    assert.deepEqual(choice('x', ['a', 'b']).choices, ['a', 'b'])
  })
})
